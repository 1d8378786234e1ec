"""The streams and consumers of photobus, brought to their definitions.

Provisioning is idempotent and may run in several processes at once. What exists and differs is changed where the
server allows it; where it does not, or where it makes something else of the definition than what was asked for, a
``ConfigurationError`` names the fields, so that nobody runs on settings that only stand on paper.
"""

from collections.abc import Iterator
from typing import Any, Final

from photobus_common import subjects
from photobus_common.bus.connection import Broker
from photobus_common.bus.jetstream import (
    CONSUMER_NOT_FOUND,
    NANOSECONDS,
    STREAM_NAME_IN_USE,
    STREAM_NOT_FOUND,
    JetStreamError,
    request,
)
from photobus_common.config import Settings
from photobus_common.errors import ConfigurationError
from photobus_common.events.envelope import MAX_EVENT_BYTES
from photobus_common.job_types import JOB_TYPES
from photobus_common.logging import get_logger
from photobus_common.subjects import Lane

SECONDS_A_DAY: Final = 86_400

MAX_ACK_PENDING: Final = 100_000
"""Commands delivered and not yet acknowledged, of one consumer; delayed naks count, and must never block the others."""

Definition = dict[str, Any]

log = get_logger()


async def provision(broker: Broker, settings: Settings, archived_seq: int, *, again: bool = False) -> None:
    """Make or change every stream and consumer.

    ``archived_seq`` is the sequence up to which the archive has come, ``again`` whether there was a stream before, of
    which some may know sequences that were never archived. A new EVENTS stream starts well above both, so that a
    sequence never names two events, even after the broker lost its disk. Raises ``ConfigurationError`` for what
    cannot be changed, ``BrokerUnavailableError`` when the broker does not answer.
    """
    first_seq = archived_seq + settings.events.first_seq_gap if archived_seq > 0 or again else 1
    await _ensure_stream(broker, events_stream(settings), {"first_seq": first_seq})
    for lane in subjects.LANES:
        await _ensure_stream(broker, command_stream(settings, lane), {})
        for definition in command_consumers(settings, lane):
            await _ensure_consumer(broker, subjects.COMMAND_STREAMS[lane], definition)
    await _ensure_stream(broker, schedules_stream(settings), {})
    await _ensure_consumer(broker, subjects.SCHEDULES_STREAM, ticks_consumer(settings))


def events_stream(settings: Settings) -> Definition:
    """Return the log's definition: nothing can be deleted from it but by age."""
    return {
        "name": subjects.EVENTS_STREAM,
        "subjects": [subjects.EVENTS_SUBJECTS],
        "retention": "limits",
        "storage": "file",
        "discard": "old",
        "max_age": settings.events.max_age_days * SECONDS_A_DAY * NANOSECONDS,
        "max_msg_size": MAX_EVENT_BYTES,
        "duplicate_window": settings.events.duplicate_window_seconds * NANOSECONDS,
        "num_replicas": settings.events.replicas,
        "deny_delete": True,
        "deny_purge": True,
        "allow_msg_schedules": False,  # they would switch deny_purge off
    }


def command_stream(settings: Settings, lane: Lane) -> Definition:
    """Return the definition of a lane's work queue: a command goes with its acknowledgement."""
    return {
        "name": subjects.COMMAND_STREAMS[lane],
        "subjects": [subjects.command_stream_subjects(lane)],
        "retention": "workqueue",
        "storage": "file",
        "discard": "old",
        "max_age": 0,
        "max_msg_size": MAX_EVENT_BYTES,
        "duplicate_window": settings.events.duplicate_window_seconds * NANOSECONDS,
        "num_replicas": settings.events.replicas,
    }


def command_consumers(settings: Settings, lane: Lane) -> Iterator[Definition]:
    """One durable pull consumer for each provided job type of ``lane``."""
    for job_type in JOB_TYPES.values():
        if job_type.provided:
            yield {
                "name": subjects.command_consumer(lane, job_type.name),
                "durable_name": subjects.command_consumer(lane, job_type.name),
                "filter_subject": subjects.command_subject(lane, job_type.service, job_type.name),
                "deliver_subject": "",  # pulled, never pushed
                "deliver_policy": "all",
                "ack_policy": "explicit",
                "ack_wait": round(settings.pipeline.stale_seconds * NANOSECONDS),
                "max_deliver": -1,  # attempts are counted with the claims
                "max_ack_pending": MAX_ACK_PENDING,
                "replay_policy": "instant",
            }


def schedules_stream(settings: Settings) -> Definition:
    """Return the definition of the schedules and their ticks: of each subject only the newest message counts.

    A schedule has no age. A tick has one of its own, by a header of its schedule.
    """
    return {
        "name": subjects.SCHEDULES_STREAM,
        "subjects": [subjects.SCHEDULES_SUBJECTS],
        "retention": "limits",
        "storage": "file",
        "discard": "old",
        "max_age": 0,
        "max_msgs_per_subject": 1,
        "num_replicas": settings.events.replicas,
        "allow_msg_schedules": True,
        "allow_msg_ttl": True,
    }


def ticks_consumer(settings: Settings) -> Definition:
    """Return the definition of the durable consumer by which the leading orchestrator takes ticks."""
    return {
        "name": subjects.TICKS_CONSUMER,
        "durable_name": subjects.TICKS_CONSUMER,
        "filter_subject": subjects.TICKS_SUBJECTS,
        "deliver_subject": "",  # pulled, never pushed
        "deliver_policy": "all",
        "ack_policy": "explicit",
        "ack_wait": round(settings.pipeline.stale_seconds * NANOSECONDS),
        "max_deliver": -1,
        "max_ack_pending": MAX_ACK_PENDING,
        "replay_policy": "instant",
    }


async def _ensure_stream(broker: Broker, wanted: Definition, at_creation: Definition) -> None:
    """Make the stream, with ``at_creation`` besides, or bring the one that exists to ``wanted``."""
    name = wanted["name"]
    existing = await _existing(broker, f"STREAM.INFO.{name}", STREAM_NOT_FOUND)
    if existing is None:
        existing = await _create_stream(broker, {**wanted, **at_creation})
    if differences(wanted, existing):
        existing = await _change(broker, f"STREAM.UPDATE.{name}", f"stream {name}", wanted, existing)
    _confirm(f"stream {name}", wanted, existing)


async def _create_stream(broker: Broker, definition: Definition) -> Definition:
    name = definition["name"]
    try:
        answer = await request(broker, f"STREAM.CREATE.{name}", definition)
    except JetStreamError as error:
        if error.number != STREAM_NAME_IN_USE:
            raise ConfigurationError(f"The broker refuses the stream {name}: {error.description}.") from error
        answer = await request(broker, f"STREAM.INFO.{name}")  # another process was first
        return dict(answer["config"])
    log.info("stream_created", stream=name, first_seq=definition.get("first_seq", 1))
    _confirm(f"stream {name}", definition, answer["config"])
    return dict(answer["config"])


async def _ensure_consumer(broker: Broker, stream: str, wanted: Definition) -> None:
    name = wanted["name"]
    what = f"consumer {name} of {stream}"
    create = f"CONSUMER.CREATE.{stream}.{name}.{wanted['filter_subject']}"
    existing = await _existing(broker, f"CONSUMER.INFO.{stream}.{name}", CONSUMER_NOT_FOUND)
    if existing is None:
        try:
            existing = (await request(broker, create, {"stream_name": stream, "config": wanted}))["config"]
        except JetStreamError as error:
            raise ConfigurationError(f"The broker refuses the {what}: {error.description}.") from error
    if differences(wanted, existing):
        existing = await _change(broker, create, what, wanted, existing, stream=stream)
    _confirm(what, wanted, existing)


async def _existing(broker: Broker, verb: str, not_found: int) -> Definition | None:
    try:
        return dict((await request(broker, verb))["config"])
    except JetStreamError as error:
        if error.number == not_found:
            return None
        raise


async def _change(
    broker: Broker,
    verb: str,
    what: str,
    wanted: Definition,
    existing: Definition,
    *,
    stream: str | None = None,
) -> Definition:
    """Ask the server to apply what differs; raises ``ConfigurationError`` with its reason when it does not."""
    body = {**existing, **wanted}
    changes = differences(wanted, existing)
    try:
        answer = await request(broker, verb, body if stream is None else {"stream_name": stream, "config": body})
    except JetStreamError as error:
        raise ConfigurationError(
            f"The {what} cannot be changed ({'; '.join(changes)}): the broker says: {error.description}.",
        ) from error
    log.warning("definition_changed", what=what, changes=changes)
    return dict(answer["config"])


def _confirm(what: str, wanted: Definition, effective: Definition) -> None:
    remaining = differences(wanted, effective)
    if remaining:
        raise ConfigurationError(f"The {what} is not what was asked for: {'; '.join(remaining)}.")


def differences(wanted: Definition, effective: Definition) -> list[str]:
    """Name each field of ``wanted`` that is otherwise in ``effective``, where an absent field has its zero value."""
    return [
        f"{field} is {actual!r}, wanted {value!r}"
        for field, value in wanted.items()
        if (actual := effective.get(field, type(value)())) != value
    ]
