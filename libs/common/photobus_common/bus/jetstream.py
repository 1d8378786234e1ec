"""Requests to JetStream in its own words: JSON in, JSON out.

nats-py's typed API drops fields that it does not know (``first_seq`` among them) and fills in others, so that what the
server made of a definition could not be compared with what was asked for.
"""

import json
from datetime import datetime
from typing import Any, Final, NamedTuple

from nats import errors

from photobus_common.bus.connection import Broker, cancellable
from photobus_common.errors import BrokerUnavailableError, PhotobusError

STREAM_NOT_FOUND: Final = 10059
STREAM_NAME_IN_USE: Final = 10058
CONSUMER_NOT_FOUND: Final = 10014

REQUEST_SECONDS: Final = 5.0

NANOSECONDS: Final = 1_000_000_000


class JetStreamError(PhotobusError):
    """JetStream refused a request; ``number`` is its own error code."""

    code = "broker_refused"
    status = 502

    def __init__(self, number: int, description: str) -> None:
        super().__init__(f"JetStream: {description} ({number})")
        self.number = number
        self.description = description


class StreamState(NamedTuple):
    """First and last sequence of a stream (last = first - 1 when it is empty) and when it was created."""

    first_seq: int
    last_seq: int
    created: datetime


async def request(broker: Broker, verb: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask ``$JS.API.<verb>``; raises ``JetStreamError`` when refused, ``BrokerUnavailableError`` when unanswered."""
    payload = b"" if body is None else json.dumps(body).encode()
    if not broker.connected:
        raise BrokerUnavailableError("The broker is away.")
    try:
        answer = await cancellable(broker.client.request(f"$JS.API.{verb}", payload, timeout=REQUEST_SECONDS))
    except errors.NoRespondersError as error:
        raise BrokerUnavailableError("The broker takes no JetStream requests: is JetStream enabled?") from error
    except (errors.Error, OSError) as error:
        raise BrokerUnavailableError(f"The broker did not answer {verb}: {error}") from error
    document: dict[str, Any] = json.loads(answer.data)
    if "error" in document:
        failure = document["error"]
        raise JetStreamError(failure.get("err_code", failure.get("code", 0)), failure.get("description", ""))
    return document


async def stream_state(broker: Broker, stream: str) -> StreamState:
    """Where ``stream`` begins and ends; raises ``JetStreamError`` with ``STREAM_NOT_FOUND`` when there is none."""
    info = await request(broker, f"STREAM.INFO.{stream}")
    state = info["state"]
    # An empty stream that never had a message says 0 and 0.
    return StreamState(max(1, state["first_seq"]), state["last_seq"], instant(info["created"]))


def instant(text: str) -> datetime:
    """Read a time of the server; what is finer than a microsecond is cut off."""
    return datetime.fromisoformat(text)
