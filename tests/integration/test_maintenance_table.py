"""The table of ``maintenance_states``: what is named there is what becomes of each state, and then nothing any more."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
from bus_traffic import TENANT
from maintaining import Scene, Seen, changes, scene_of
from maintenance_states import Expected, State
from shelf import Shelf
from states_of_files import FILES
from states_of_folders import FOLDERS

from photobus_common.bus.connection import Broker
from photobus_common.config import Library as LibrarySettings
from photobus_common.config import Maintenance, Nats, Postgres, Settings
from photobus_common.storage.library import Library
from photobus_common.storage.manifest import MANIFEST, decode
from photobus_common.store.database import Database
from photobus_local.nats import EmbeddedNats
from photobus_local.postgres import EmbeddedPostgres

INSERT_TENANT = "INSERT INTO tenants (tenant, name, library_id) VALUES ($1, 'Test', $2)"


SETTLED: Final = 0.5

STATES: Final[Mapping[str, State]] = {**FILES.states, **FOLDERS.states}


@dataclass(frozen=True)
class Outcome:
    """The library after maintenance, after what happened then and maintenance again, and after once more."""

    expected: Mapping[str, list[Expected]]
    root: Path
    first: Seen
    second: Seen
    third: Seen

    def of(self, key: str) -> Seen:
        """Return the library when the state of that name has its outcome."""
        return self.first if STATES[key].later is None else self.second


@pytest.fixture(scope="module")
async def outcome(
    clones: Any, postgres_server: EmbeddedPostgres, nats_server: EmbeddedNats, servers_folder: Path
) -> AsyncIterator[Outcome]:
    """All states of the table side by side in one library, maintained."""
    name = await clones.take()
    with tempfile.TemporaryDirectory(dir=servers_folder) as folder:
        settings = Settings(
            nats=Nats(url=nats_server.url, user=nats_server.user, password=nats_server.password),
            postgres=Postgres(dsn=postgres_server.dsn_of(name)),
            library=LibrarySettings(root=Path(folder) / "library"),
            maintenance=Maintenance(settle_seconds=SETTLED),
        )
        await _streams_anew(settings)
        database = await Database.open(settings.postgres, "table")
        library, library_id = Library(settings.library.root), uuid4()
        library.init_tenant(TENANT, library_id)
        async with database.transaction() as connection:
            await connection.execute(INSERT_TENANT, TENANT, library_id)
        async with scene_of(settings, Shelf(database, library, library_id)) as scene:
            maintained = await _maintained(scene)
        yield maintained
        await database.close()
    clones.give_back(name)


async def _streams_anew(settings: Settings) -> None:
    broker = await Broker.open(settings.nats, "table")
    jetstream = broker.client.jetstream()
    for stream in await jetstream.streams_info():
        await jetstream.delete_stream(str(stream.config.name))
    await broker.close()


async def _maintained(scene: Scene) -> Outcome:
    expected = {key: await state.arrange(scene) for key, state in STATES.items()}
    await asyncio.sleep(2 * SETTLED)  # what was made just now may still be being made
    first = await scene.maintain()
    for state in STATES.values():
        if state.later is not None:
            await state.later(scene)
    second = await scene.maintain()
    return Outcome(expected, scene.root, first, second, await scene.maintain())


@pytest.mark.parametrize("key", STATES)
def test_its_outcome_is_that_of_the_table(outcome: Outcome, key: str) -> None:
    seen, differences = outcome.of(key), list[str]()
    for expected in outcome.expected[key]:
        differences += _differences(outcome.root, seen, expected)
    assert differences == [], f"{STATES[key].state}: {STATES[key].outcome}"


def test_running_it_again_changes_nothing(outcome: Outcome) -> None:
    assert changes(outcome.third) == []
    assert outcome.third.files == outcome.second.files
    assert (outcome.third.projects, outcome.third.photos) == (outcome.second.projects, outcome.second.photos)
    histories = {one.id for key, state in STATES.items() if state.later for one in outcome.expected[key]}
    assert {data["project_id"] for _, data in changes(outcome.second)} <= histories


def _differences(root: Path, seen: Seen, expected: Expected) -> Iterator[str]:
    """Say in words where the project is not as it is expected to be."""
    known = [row for row in seen.projects.values() if row["folder"] == expected.folder and row["status"] == "active"]
    project_id = expected.id if expected.id is not None or not known else known[0]["id"]
    project = seen.projects.get(project_id) if project_id is not None else None
    if project is None or project_id is None:
        if expected.status != "removed":
            yield f"there is no project {expected}"
        return
    folder = project["folder"]
    facts: dict[str, tuple[Any, Any]] = {
        "status": (project["status"], expected.status),
        "folder": (folder, expected.folder or folder),
        "name": (project["name"], expected.name or project["name"]),
        "trash": (seen.in_trash(folder), set(expected.trash)),
        "codes": (seen.codes_of(folder) & {*expected.codes}, set(expected.codes)),
        "rows": (seen.rows_of(project_id), seen.rows_of(project_id) if expected.rows is None else dict(expected.rows)),
        "manifest": (_manifest(seen, folder), (project_id, project["name"]) if expected.manifest else None),
    }
    if expected.disk is not None:
        facts["disk"] = ({name for name in seen.in_folder(folder) if name[0] != "."}, set(expected.disk))
    if expected.said is not None:
        facts["said"] = (_kinds(seen.said_of(project_id)), list(expected.said))
    photos = {photo["filename"]: photo for photo in seen.photos.values() if photo["project_id"] == project_id}
    for name, tags in expected.tags.items():
        facts[f"tags of {name}"] = (tuple(photos[name]["tags"]) if name in photos else None, tags)
    if expected.thumbnail is not None:
        facts["thumbnails"] = ({photo["thumbnail_status"] for photo in photos.values()}, {expected.thumbnail})
    for path in expected.there + expected.gone:
        facts[path] = (os.path.lexists(root / folder / path), path in expected.there)
    yield from (f"{what} is {is_so}, not {wanted}" for what, (is_so, wanted) in facts.items() if is_so != wanted)


def _manifest(seen: Seen, folder: str) -> tuple[int, str] | None:
    content = seen.files.get(f"{folder}/{MANIFEST}")
    if content is None:
        return None
    manifest = decode(content)
    return manifest.id, manifest.name


def _kinds(words: list[str]) -> list[str]:
    """Leave out what stands beside another event, and repeats."""
    return [word for word in dict.fromkeys(words) if word != "ManifestChanged" or set(words) == {"ManifestChanged"}]
