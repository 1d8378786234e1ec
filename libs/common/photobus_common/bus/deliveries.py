"""What a message from JetStream says of itself, in its reply subject and its status line."""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from nats.aio.msg import Msg

ACK_PREFIX: Final = "$JS.ACK."

SHORT_TOKENS: Final = 9
"""Tokens of the older form of the reply subject, which lacks domain and account."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Delivery(NamedTuple):
    """Which consumer delivered the message, for the how manieth time, and its place in stream and consumer."""

    consumer: str
    num_delivered: int
    stream_seq: int
    consumer_seq: int
    time: datetime


def delivery_of(reply: str) -> Delivery:
    """Read ``$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<delivered>.<sseq>.<cseq>.<ns>.<pending>[.<token>]``."""
    tokens = reply.split(".")
    start = 3 if len(tokens) == SHORT_TOKENS else 5
    consumer, delivered, stream_seq, consumer_seq, nanoseconds = tokens[start : start + 5]
    time = EPOCH + timedelta(microseconds=int(nanoseconds) // 1000)
    return Delivery(consumer, int(delivered), int(stream_seq), int(consumer_seq), time)


def is_delivery(message: Msg) -> bool:
    """Whether ``message`` is one of the stream, and no word of the server."""
    return bool(message.reply.startswith(ACK_PREFIX))


def status_of(message: Msg) -> str | None:
    """Return the status that the server gives instead of a message (``100``, ``404``, ``408``, ``409``, ``503``)."""
    return (message.headers or {}).get("Status")
