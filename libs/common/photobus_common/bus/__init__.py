"""The bus on NATS JetStream: the connection, streams and consumers, publishing, reading the log, taking commands."""
