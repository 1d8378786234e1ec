"""Requests to JetStream in its own words: JSON in, JSON out.

nats-py's typed API drops fields that it does not know (``first_seq`` among them) and fills in others, so that what the
server made of a definition could not be compared with what was asked for.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from nats import errors

from photobus_common.bus.connection import Broker, cancellable
from photobus_common.errors import BrokerUnavailableError, PhotobusError

STREAM_NOT_FOUND: Final = 10059
STREAM_NAME_IN_USE: Final = 10058
CONSUMER_NOT_FOUND: Final = 10014

NOT_ENABLED: Final = frozenset({10039, 10076})
"""JetStream is switched off, for the account or the server, which waiting does not mend."""

PASSING: Final = frozenset({10005, 10006, 10009, 10118, 10119, 10158})
"""Refusals that pass, beside those with the code 503: no peers yet, not the leader, a part not up, a repeat of what is
being stored at this moment."""

UNAVAILABLE: Final = 503

SILENT_SECONDS: Final = 10.0
"""A replica from which its leader has heard nothing for so long is out of its reach."""

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
        if passes(failure):
            raise BrokerUnavailableError(f"The broker cannot do {verb} now: {failure.get('description', '')}.")
        raise JetStreamError(failure.get("err_code", failure.get("code", 0)), failure.get("description", ""))
    return document


def passes(failure: Mapping[str, Any]) -> bool:
    """Whether JetStream refuses only for now, as a cluster does in which a server is away or a leader is elected."""
    number = failure.get("err_code", 0)
    return number in PASSING or (failure.get("code") == UNAVAILABLE and number not in NOT_ENABLED)


async def stream_state(broker: Broker, stream: str) -> StreamState:
    """Where ``stream`` begins and ends; raises ``JetStreamError`` with ``STREAM_NOT_FOUND`` when there is none.

    A leader that was cut off from the others does not know that there is another one, in which the stream goes on: what
    it says is not believed (``BrokerUnavailableError``).
    """
    info = await request(broker, f"STREAM.INFO.{stream}")
    if not leads(info):
        raise BrokerUnavailableError(f"The server that leads the stream {stream} reaches too few of the others.")
    state = info["state"]
    # An empty stream that never had a message says 0 and 0.
    return StreamState(max(1, state["first_seq"]), state["last_seq"], instant(info["created"]))


def leads(info: Mapping[str, Any]) -> bool:
    """Whether the server that says ``info`` of a stream has heard from most of those that hold it, itself included."""
    replicas = (info.get("cluster") or {}).get("replicas") or []
    heard = [replica for replica in replicas if _is_heard(replica)]
    return len(heard) + 1 > (len(replicas) + 1) / 2


def _is_heard(replica: Mapping[str, Any]) -> bool:
    return not replica.get("offline") and replica.get("active", 0) < SILENT_SECONDS * NANOSECONDS


def instant(text: str) -> datetime:
    """Read a time of the server; what is finer than a microsecond is cut off."""
    return datetime.fromisoformat(text)
