"""How far the archive is behind: measured against the true stream."""

from datetime import timedelta

import pytest
from folding import Log
from orchestration import Narrator

from photobus_common.bus.connection import Broker
from photobus_common.config import Settings
from photobus_common.events import Event, encode
from photobus_common.store.database import Database
from photobus_common.telemetry import ARCHIVE_LAG_EVENTS, ARCHIVE_LAG_SECONDS, REGISTRY
from photobus_orchestrator.lag import LagWatch


@pytest.fixture
def watch(database: Database, broker: Broker, settings: Settings) -> LagWatch:
    return LagWatch(database, broker, settings)


async def publish(broker: Broker, *events: Event) -> None:
    for event in events:
        await broker.client.jetstream().publish(event.subject, encode(event))


def behind() -> float | None:
    return REGISTRY.get_sample_value(ARCHIVE_LAG_EVENTS._name)


async def test_an_archive_that_holds_everything_is_not_behind(watch: LagWatch) -> None:
    assert await watch.measure() == timedelta(0)
    assert behind() == 0


async def test_the_lag_is_the_age_of_the_oldest_event_that_is_missing(
    watch: LagWatch, broker: Broker, database: Database
) -> None:
    task, log = Narrator(), Log(database)
    request, started, completed = task.requested(1), task.started(), task.completed()
    await publish(broker, request, started, completed)
    all_missing = await watch.measure()
    assert behind() == 3
    await log.fold(request, started)
    one_missing = await watch.measure()
    assert behind() == 1
    assert timedelta(0) < one_missing
    assert REGISTRY.get_sample_value(ARCHIVE_LAG_SECONDS._name) == one_missing.total_seconds()
    await log.fold(completed)
    assert await watch.measure() == timedelta(0)
    assert all_missing > timedelta(0)
