"""Real servers for every test: one Postgres and one NATS a session, a database and streams of their own a test."""

import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import hypothesis
import pytest
import structlog
from clones import Clones, Template
from forking import FORK_SERVER
from fresh_streams import renew

from photobus_common.bus.connection import Broker
from photobus_common.config import Library as LibrarySettings
from photobus_common.config import Nats, Postgres, Settings, Uploader
from photobus_common.storage.library import Library
from photobus_common.store.database import Database
from photobus_local.nats import EmbeddedNats
from photobus_local.postgres import EmbeddedPostgres

TENANT = "user_0"

FOLDER = pytest.StashKey[Path]()

# No time decides whether a test passes. What fails on one machine is to be repeated on another: the blob says how.
hypothesis.settings.register_profile(
    "photobus", deadline=None, print_blob=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("photobus")

INSERT_TENANT = "INSERT INTO tenants (tenant, name, library_id) VALUES ($1, 'Test', $2)"


def pytest_configure(config: pytest.Config) -> None:
    """Keep everything a run writes in one folder, which goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="photobus-test-"))
    folder.chmod(0o711)  # the user that Postgres runs as enters it
    config.stash[FOLDER] = folder
    if config.option.basetemp is None:
        config.option.basetemp = str(folder / "tests")
    for name in [name for name in os.environ if name.startswith("PHOTOBUS_")]:
        del os.environ[name]  # tests state their settings
    # By default each logged error is drawn with all its variables, which takes a fraction of a second.
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    # Services that run beside a test must not write between the lines of a command that it looks at.
    structlog.configure(
        processors=[structlog.processors.add_log_level, plain],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    FORK_SERVER.stop()
    shutil.rmtree(config.stash[FOLDER], ignore_errors=True)


@pytest.fixture(scope="session")
def servers_folder(request: pytest.FixtureRequest) -> Path:
    """Where servers of this run may keep their data; short, and open to the user that Postgres runs as."""
    folder = request.config.stash[FOLDER] / "servers"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)
    return folder


@pytest.fixture
def folder_of_servers(servers_folder: Path) -> Iterator[Path]:
    """The same for the servers of one test."""
    folder = Path(tempfile.mkdtemp(dir=servers_folder))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
async def postgres_server(servers_folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    """The session's Postgres."""
    server = EmbeddedPostgres(servers_folder / "postgres", durable=False)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(scope="session")
async def nats_server(servers_folder: Path) -> AsyncIterator[EmbeddedNats]:
    """The session's NATS, of which nothing has to survive a crash."""
    server = EmbeddedNats(servers_folder / "nats", further={"jetstream": {"sync_interval": "10m"}})
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(scope="session")
async def clones(postgres_server: EmbeddedPostgres) -> AsyncIterator[Clones]:
    """The session's supply of databases."""
    supply = Clones(postgres_server, await Template.make(postgres_server))
    yield supply
    await supply.close()


@pytest.fixture
async def dsn(postgres_server: EmbeddedPostgres, clones: Clones) -> AsyncIterator[str]:
    """Address of a migrated database of this test alone, empty as a new one."""
    name = await clones.take()
    yield postgres_server.dsn_of(name)
    clones.give_back(name)


@pytest.fixture
def settings(dsn: str, nats_server: EmbeddedNats, tmp_path: Path) -> Settings:
    """Settings that point at this test's database and folder, and at the session's NATS."""
    return Settings(
        nats=Nats(url=nats_server.url, user=nats_server.user, password=nats_server.password),
        postgres=Postgres(dsn=dsn),
        library=LibrarySettings(root=tmp_path / "library"),
        uploader=Uploader(batch_seconds=60.0),  # what is uploaded together is one task on a slow machine too
    )


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """A pool on this test's database."""
    opened = await Database.open(settings.postgres, "test")
    yield opened
    await opened.close()


@pytest.fixture
async def broker(settings: Settings) -> AsyncIterator[Broker]:
    """A connection to NATS whose streams are new."""
    opened = await Broker.open(settings.nats, "test")
    await renew(opened, settings)
    yield opened
    await opened.close()


@pytest.fixture
def library(settings: Settings) -> Library:
    """The library below this test's folder."""
    return Library(settings.library.root)


@pytest.fixture
def library_id() -> UUID:
    """Id of the tenant's library."""
    return uuid4()


@pytest.fixture
async def tenant(database: Database, library: Library, library_id: UUID) -> str:
    """The tenant ``user_0``: its row and its folder with the sentinel."""
    library.init_tenant(TENANT, library_id)
    async with database.transaction() as connection:
        await connection.execute(INSERT_TENANT, TENANT, library_id)
    return TENANT
