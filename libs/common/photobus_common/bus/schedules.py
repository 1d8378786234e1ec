"""JetStream's message schedules: what is stored of them, setting and ending them, and taking the ticks that they make.

A schedule is one message on a subject of its own. Publishing to that subject replaces it and starts its clock anew,
purging the subject ends it. Its headers that are not JetStream's own are those of its ticks too, which is how a tick
says to which generation of its schedule it belongs.
"""

import asyncio
import base64
import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from nats import errors
from nats.aio.msg import Msg

from photobus_common import subjects
from photobus_common.bus import jetstream
from photobus_common.bus.command_message import ACK, TERMINATE, say
from photobus_common.bus.connection import Broker, cancellable
from photobus_common.bus.deliveries import is_delivery, status_of
from photobus_common.bus.jetstream import (
    CONSUMER_NOT_FOUND,
    NANOSECONDS,
    REQUEST_SECONDS,
    STREAM_NOT_FOUND,
    JetStreamError,
    passes,
)
from photobus_common.bus.pulls import NO_MESSAGES, TIME_OUT
from photobus_common.errors import BrokerUnavailableError
from photobus_common.logging import get_logger

EXPRESSION: Final = "Nats-Schedule"
TARGET: Final = "Nats-Schedule-Target"
TICK_AGE: Final = "Nats-Schedule-TTL"
NEXT: Final = "Nats-Schedule-Next"
GENERATION: Final = "Photobus-Generation"

TICKS_KEPT: Final = "24h"
"""How long the broker keeps a tick that nobody takes; what was missed for longer is made up from the database."""

NO_MESSAGE: Final = 10037
"""JetStream's number for a message that is not there."""

PULL_SECONDS: Final = 2.0
"""How long one pull waits for a tick at the broker; a broker that went away meanwhile is noticed no later."""

GRACE_SECONDS: Final = 1.0

PULL: Final = f"$JS.API.CONSUMER.MSG.NEXT.{subjects.SCHEDULES_STREAM}.{subjects.TICKS_CONSUMER}"
PULL_BODY: Final = json.dumps({"batch": 1, "expires": round(PULL_SECONDS * NANOSECONDS)}).encode()

log = get_logger()


@dataclass(frozen=True)
class Plan:
    """One schedule as the broker should have it; ``expression`` is ``@every <n>s`` or cron with six fields."""

    tenant: str
    name: str
    expression: str
    generation: int

    @property
    def subject(self) -> str:
        """Where its message lies."""
        return subjects.plan_subject(self.tenant, self.name)

    @property
    def headers(self) -> dict[str, str]:
        """What its message says."""
        return {
            EXPRESSION: self.expression,
            TARGET: subjects.tick_subject(self.tenant, self.name),
            TICK_AGE: TICKS_KEPT,
            GENERATION: str(self.generation),
        }


class Tick(NamedTuple):
    """A schedule was due; the broker says when it will be next. ``reply`` is where the tick is acknowledged."""

    tenant: str
    name: str
    generation: int
    next_at: datetime
    reply: str


class Waiting(NamedTuple):
    """Ticks that nobody has taken, and ticks that somebody has taken and not acknowledged."""

    untaken: int
    unacknowledged: int


async def publish(broker: Broker, plan: Plan) -> None:
    """Set the schedule, and with it start its clock; raises ``JetStreamError`` and ``BrokerUnavailableError``."""
    if not broker.connected:
        raise BrokerUnavailableError("The broker is away.")
    publishing = broker.client.request(plan.subject, b"", timeout=REQUEST_SECONDS, headers=plan.headers)
    try:
        answer = await cancellable(publishing)
    except errors.NoRespondersError as error:
        raise JetStreamError(STREAM_NOT_FOUND, f"no stream takes {plan.subject}") from error
    except (errors.Error, OSError) as error:
        raise BrokerUnavailableError(f"The broker did not answer {plan.subject}: {error}") from error
    document = json.loads(answer.data)
    if "error" in document:
        failure = document["error"]
        if passes(failure):
            raise BrokerUnavailableError(f"The broker cannot set {plan.subject} now: {failure.get('description', '')}.")
        raise JetStreamError(failure.get("err_code", 0), failure.get("description", ""))


async def is_stored(broker: Broker, plan: Plan) -> bool:
    """Whether the broker has the schedule just so."""
    try:
        answer = await jetstream.request(
            broker, f"STREAM.MSG.GET.{subjects.SCHEDULES_STREAM}", {"last_by_subj": plan.subject}
        )
    except JetStreamError as error:
        if error.number == NO_MESSAGE:
            return False
        raise
    return plan.headers.items() <= _headers(answer["message"].get("hdrs", "")).items()


async def end(broker: Broker, subject: str) -> None:
    """End the schedule whose message lies at ``subject``, if there is one."""
    await jetstream.request(broker, f"STREAM.PURGE.{subjects.SCHEDULES_STREAM}", {"filter": subject})


async def stored_subjects(broker: Broker) -> frozenset[str]:
    """Return where there are messages of schedules."""
    body = {"subjects_filter": subjects.SCHEDULE_MESSAGES}
    info = await jetstream.request(broker, f"STREAM.INFO.{subjects.SCHEDULES_STREAM}", body)
    return frozenset(info["state"].get("subjects") or ())


async def waiting_ticks(broker: Broker) -> Waiting:
    """Return how many ticks are on their way."""
    consumer = f"CONSUMER.INFO.{subjects.SCHEDULES_STREAM}.{subjects.TICKS_CONSUMER}"
    info = await jetstream.request(broker, consumer)
    return Waiting(info["num_pending"], info["num_ack_pending"])


async def next_tick(broker: Broker) -> Tick | None:
    """Wait up to ``PULL_SECONDS`` for a tick and take it; one that is not acknowledged in time comes again.

    What is none, and so not made by a schedule of ours, is ended. Raises ``BrokerUnavailableError``, and
    ``JetStreamError`` when there is no consumer.
    """
    message = await _pull(broker)
    if not is_delivery(message):
        _check_status(message)
        return None
    tick = _tick(message)
    if tick is None:
        log.error("tick_unreadable", subject=message.subject, headers=message.headers)
        await say(broker, message.reply, TERMINATE)
    return tick


async def acknowledge(broker: Broker, tick: Tick) -> None:
    """Say that ``tick`` is dealt with."""
    await say(broker, tick.reply, ACK)


async def _pull(broker: Broker) -> Msg:
    """Return the answer to one pull: a tick, or the server's word.

    The answer comes under the tick's own subject, by which nats-py's ``request`` would not know it.
    """
    if not broker.connected:
        raise BrokerUnavailableError("The broker is away.")
    client = broker.client
    answer: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()

    async def received(message: Msg) -> None:
        if not answer.done():
            answer.set_result(message)

    inbox = client.new_inbox()
    subscription = None
    try:
        async with asyncio.timeout(PULL_SECONDS + GRACE_SECONDS):
            subscription = await client.subscribe(inbox, cb=received)
            await client.publish(PULL, PULL_BODY, reply=inbox)
            return await answer
    except (errors.Error, OSError, TimeoutError) as error:
        raise BrokerUnavailableError(f"The broker did not answer {PULL}: {error}") from error
    finally:
        if subscription is not None:
            with suppress(errors.Error, OSError):
                await subscription.unsubscribe()


def _check_status(message: Msg) -> None:
    """Raise ``JetStreamError`` when the server says anything but that there was no tick."""
    status = status_of(message) or ""
    if status not in (NO_MESSAGES, TIME_OUT):
        description = (message.headers or {}).get("Description", "")
        raise JetStreamError(CONSUMER_NOT_FOUND, f"no ticks: {status} {description}")


def _tick(message: Msg) -> Tick | None:
    *_, tenant, name = message.subject.split(".")
    headers = message.headers or {}
    try:
        next_at = datetime.fromisoformat(headers[NEXT])
        generation = int(headers[GENERATION])
    except (KeyError, ValueError):
        return None
    return Tick(tenant, name, generation, next_at, message.reply)


def _headers(encoded: str) -> dict[str, str]:
    """Read the headers of a stored message, of which each stands once."""
    lines = base64.b64decode(encoded).decode().splitlines()
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {key.strip(): value.strip() for key, _, value in pairs}
