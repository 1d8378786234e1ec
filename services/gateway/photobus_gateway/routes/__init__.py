"""The HTTP API, a file a resource; each module exposes ``ROUTES``."""
