"""A broker of one test alone, so that it may be killed; a gateway in this process; jobs and what they work on."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from by_hand import Owner, believing, owner_of
from discovering import Explorer, guard, runner_of
from gateway_server import Gateway, running_gateway
from lying_disk import Disk, watch
from maintaining import Scene, scene_of
from shelf import Shelf
from working import LEASES, Site

from photobus_common.bus.connection import Broker
from photobus_common.bus.provisioning import provision
from photobus_common.config import Events, Nats, Pipeline, Settings
from photobus_common.storage.library import Library
from photobus_common.store.database import Database
from photobus_local.nats import EmbeddedNats
from photobus_maintenance import marking


@pytest.fixture
async def own_nats(folder_of_servers: Path) -> AsyncIterator[EmbeddedNats]:
    """A running NATS of this test alone."""
    server = EmbeddedNats(folder_of_servers / "nats")
    await server.start()
    yield server
    await server.kill()


@pytest.fixture
def own_settings(settings: Settings, own_nats: EmbeddedNats) -> Settings:
    """Settings that point at it, with short leases and a quick relay."""
    return settings.model_copy(
        update={
            "nats": Nats(url=own_nats.url, user=own_nats.user, password=own_nats.password),
            "pipeline": Pipeline(stale_seconds=1.0, heartbeat_ms=300),
            "events": Events(relay_after_seconds=0.2),
        },
    )


@pytest.fixture
async def own_broker(own_settings: Settings) -> AsyncIterator[Broker]:
    """A connection to it, all streams provisioned."""
    opened = await Broker.open(own_settings.nats, "own")
    await provision(opened, own_settings, archived_seq=0)
    yield opened
    await opened.close()


@pytest.fixture
async def gateway(
    settings: Settings, database: Database, broker: Broker, library: Library, tenant: str
) -> AsyncIterator[Gateway]:
    """A running gateway of this test alone."""
    async with running_gateway(settings, database, broker, library, tenant) as running:
        yield running


@pytest.fixture
def leases() -> Pipeline:
    """How jobs are held; ``ends_leases`` makes their leases short."""
    return LEASES


@pytest.fixture
def site(database: Database, broker: Broker) -> Site:
    """Where workers find their jobs."""
    return Site(database, broker)


@pytest.fixture
def shelf(database: Database, library: Library, library_id: UUID, tenant: str) -> Shelf:
    """The tenant's projects, on disk and in the catalogue."""
    return Shelf(database, library, library_id)


@pytest.fixture
async def scene(settings: Settings, shelf: Shelf, broker: Broker) -> AsyncIterator[Scene]:
    """A library with what maintains it."""
    del broker
    async with scene_of(settings, shelf) as arranged:
        yield arranged


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, scene: Scene) -> Disk:
    """What that library lies on."""
    return watch(monkeypatch, scene.root)


@pytest.fixture
def explorer(shelf: Shelf, site: Site, settings: Settings, library: Library) -> Explorer:
    """Who discovers folders, however young they are."""
    return Explorer(shelf, site, runner_of(site, guard(settings), library))


@pytest.fixture
def owner(shelf: Shelf, site: Site, settings: Settings, library: Library) -> Owner:
    """Who moves files about by hand, and has them checked."""
    return owner_of(shelf, site, believing(settings), library)


@pytest.fixture
def marks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a folder be marked right after its last change, where nothing changes behind a check."""
    monkeypatch.setattr(marking, "_YOUNG_NS", -(10**12))
