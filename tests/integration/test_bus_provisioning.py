"""Streams and consumers: made once, changed where that is possible, refused by name where it is not."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bus_traffic import make_event

from photobus_common.bus.connection import Broker
from photobus_common.bus.jetstream import JetStreamError, request
from photobus_common.bus.provisioning import provision
from photobus_common.bus.reader import stream_state
from photobus_common.config import Events, Library, Pipeline, Settings
from photobus_common.errors import ConfigurationError
from photobus_common.job_types import JOB_TYPES
from photobus_common.store import event_log
from photobus_common.store.database import Database
from photobus_common.subjects import (
    COMMAND_STREAMS,
    LANES,
    SCHEDULES_STREAM,
    TICKS_CONSUMER,
    command_consumer,
    command_subject,
)
from photobus_local.bootstrap import bootstrap
from photobus_local.data_folder import DataFolder

DAY = 86_400 * 10**9


async def _stream(broker: Broker, name: str) -> dict[str, Any]:
    info = await request(broker, f"STREAM.INFO.{name}")
    return {"created": info["created"], **info["config"]}


async def _consumer(broker: Broker, stream: str, name: str) -> dict[str, Any]:
    info = await request(broker, f"CONSUMER.INFO.{stream}.{name}")
    return {"created": info["created"], **info["config"]}


async def _everything(broker: Broker) -> list[dict[str, Any]]:
    streams = [await _stream(broker, name) for name in ("EVENTS", *COMMAND_STREAMS.values())]
    consumers = [
        await _consumer(broker, COMMAND_STREAMS[lane], command_consumer(lane, job.name))
        for lane in LANES
        for job in JOB_TYPES.values()
        if job.provided
    ]
    schedules = [await _stream(broker, SCHEDULES_STREAM), await _consumer(broker, SCHEDULES_STREAM, TICKS_CONSUMER)]
    return streams + consumers + schedules


async def _delete_streams(broker: Broker) -> None:
    for name in ("EVENTS", *COMMAND_STREAMS.values(), SCHEDULES_STREAM):
        await request(broker, f"STREAM.DELETE.{name}")


async def test_provisioning_again_changes_nothing(broker: Broker, settings: Settings) -> None:
    before = await _everything(broker)
    await provision(broker, settings, archived_seq=77)
    assert await _everything(broker) == before


async def test_several_processes_may_provision_at_once(broker: Broker, settings: Settings) -> None:
    await _delete_streams(broker)
    others = [await Broker.open(settings.nats, f"other-{number}") for number in range(3)]
    try:
        await asyncio.gather(*(provision(other, settings, archived_seq=number) for number, other in enumerate(others)))
        await provision(broker, settings, archived_seq=0)
    finally:
        for other in others:
            await other.close()
    assert len(await _everything(broker)) == 5 + 2 * sum(job.provided for job in JOB_TYPES.values())


async def test_the_log_can_neither_be_purged_nor_lose_one_event(broker: Broker) -> None:
    event = make_event()
    await broker.client.jetstream().publish(event.subject, b"{}")
    with pytest.raises(JetStreamError, match="not permitted"):
        await request(broker, "STREAM.PURGE.EVENTS")
    with pytest.raises(JetStreamError, match="not permitted"):
        await request(broker, "STREAM.MSG.DELETE.EVENTS", {"seq": 1})
    assert (await stream_state(broker)).last_seq == 1


async def test_each_provided_job_type_has_a_consumer_in_each_lane(broker: Broker, settings: Settings) -> None:
    found = await _consumer(broker, "COMMANDS_NORMAL", "normal-manifest_check")
    assert found["filter_subject"] == command_subject("normal", "maintenance", "manifest_check")
    assert found["max_deliver"] == -1
    assert found["ack_wait"] == settings.pipeline.stale_seconds * 10**9


async def test_a_new_log_begins_well_above_the_archive(broker: Broker, settings: Settings) -> None:
    await _delete_streams(broker)
    await provision(broker, settings, archived_seq=500)
    expected = 500 + settings.events.first_seq_gap
    state = await stream_state(broker)
    assert (state.first_seq, state.last_seq) == (expected, expected - 1)
    ack = await broker.client.jetstream().publish(make_event().subject, b"{}")
    assert ack.seq == expected


async def test_changed_settings_are_applied_to_what_exists(broker: Broker, settings: Settings) -> None:
    changed = settings.model_copy(
        update={
            "events": Events(max_age_days=7, duplicate_window_seconds=60),
            "pipeline": Pipeline(stale_seconds=45),
        },
    )
    created = (await _stream(broker, "EVENTS"))["created"]
    await provision(broker, changed, archived_seq=0)

    stream = await _stream(broker, "EVENTS")
    assert (stream["max_age"], stream["duplicate_window"], stream["created"]) == (7 * DAY, 60 * 10**9, created)
    consumer = await _consumer(broker, "COMMANDS_PRIORITY", "priority-generate_derivatives")
    assert consumer["ack_wait"] == 45 * 10**9


@pytest.mark.parametrize(
    ("stream", "subjects", "other", "named"),
    [
        ("EVENTS", "evt.>", {"storage": "memory"}, "storage is 'memory', wanted 'file'"),
        ("EVENTS", "evt.>", {"allow_msg_schedules": True}, "allow_msg_schedules is True, wanted False"),
        ("COMMANDS_NORMAL", "cmd.normal.>", {"retention": "limits"}, "retention is 'limits', wanted 'workqueue'"),
    ],
)
async def test_a_stream_that_cannot_be_changed_is_refused_by_field(
    broker: Broker, settings: Settings, stream: str, subjects: str, other: dict[str, Any], named: str
) -> None:
    await request(broker, f"STREAM.DELETE.{stream}")
    await request(broker, f"STREAM.CREATE.{stream}", {"name": stream, "subjects": [subjects], **other})
    with pytest.raises(ConfigurationError, match=f"stream {stream} cannot be changed.*{named}.*the broker says"):
        await provision(broker, settings, archived_seq=0)


async def test_a_consumer_that_cannot_be_changed_is_refused_by_field(broker: Broker, settings: Settings) -> None:
    stream, name = "COMMANDS_NORMAL", "normal-folder_check"
    subject = command_subject("normal", "maintenance", "folder_check")
    await request(broker, f"CONSUMER.DELETE.{stream}.{name}")
    foreign = {"name": name, "durable_name": name, "filter_subject": subject, "ack_policy": "explicit"}
    foreign |= {"deliver_policy": "all", "deliver_subject": "somewhere.else"}
    await request(broker, f"CONSUMER.CREATE.{stream}.{name}.{subject}", {"stream_name": stream, "config": foreign})
    with pytest.raises(ConfigurationError, match=f"consumer {name} of {stream}"):
        await provision(broker, settings, archived_seq=0)


@pytest.mark.parametrize("cursor", [0, 50])
async def test_a_start_after_the_broker_lost_its_disk_gives_no_sequence_again(
    broker: Broker, settings: Settings, database: Database, tmp_path: Path, cursor: int
) -> None:
    """Of the lost stream somebody may have seen more than was archived, and the last that was read were repeats."""
    await _delete_streams(broker)
    async with database.transaction() as connection:
        await event_log.ensure_cursor(connection)
        assert await event_log.follow_stream(connection, 0, cursor, datetime(2026, 3, 1, tzinfo=UTC))
    folder = DataFolder(tmp_path)
    with folder.locked():
        await bootstrap(settings.model_copy(update={"library": Library(root=folder.library)}), folder)
    assert (await stream_state(broker)).first_seq == cursor + settings.events.first_seq_gap
