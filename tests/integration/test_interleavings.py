"""Moves, removals, uploads, renames, deletions and undos, interleaved at every effect: no file and no row is lost.

Each of them goes on for some effects and stops there, is killed, or goes on later beside others; a person renames
folders under them. When all has come to rest, every original is there as often as it should be, and rows agree with
the disk. ``INTERLEAVINGS`` in the environment is how many are tried, each time others.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import pytest
from accounts import WATCH, faults
from bus_traffic import TENANT
from crowd import ACTIVE_PHOTOS, PENDING, World
from crowd_staff import Staff
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from staging import FREE, Effort, Stage, Storage, staged

from photobus_common.catalogue_changes import KeepWish
from photobus_common.config import Filemover, Maintenance, Pipeline, Settings
from photobus_common.store.database import Database
from photobus_gateway import renaming
from photobus_gateway.uploads import placing

TRIED: Final = int(os.environ.get("INTERLEAVINGS", "0"))
NAMES: Final = ("A.jpg", "A.dng", "A.xmp", "A.jpg.xmp", "B.jpg", "B.dng", "C.jpg", "D.jpg", "E.dng")
EMPTIED: Final = """
SELECT string_agg(format('DELETE FROM %I', tablename), '; ' ORDER BY tablename = 'tenants',
    tablename = 'projects', tablename = 'photos')
FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""
INSERT_TENANT: Final = "INSERT INTO tenants (tenant, name, library_id) VALUES ($1, 'Test', $2)"

Step = Callable[[World], Awaitable[None]]


@dataclass(frozen=True)
class Told:
    """A step with the words that show it."""

    words: str
    step: Step

    def __repr__(self) -> str:
        return self.words


numbers = st.integers(0, 7)
efforts = st.one_of(
    st.just(FREE),
    st.builds(Effort, st.integers(0, 20), st.just(value=False), st.booleans()),
    st.builds(Effort, st.integers(0, 60), st.just(value=True), st.booleans()),
)


def _step(words: str, do: Callable[..., Awaitable[None]], *drawn: st.SearchStrategy[Any]) -> st.SearchStrategy[Told]:
    """Return steps of a kind; ``do`` gets the world and what was drawn."""

    def told(values: tuple[Any, ...]) -> Told:
        shown = ", ".join("to the end" if value == FREE else repr(value) for value in values)
        return Told(f"{words}({shown})", lambda world: do(world, *values))

    return st.tuples(*drawn).map(told)


async def _photos(world: World, bits: int) -> list[tuple[int, int]]:
    found = await world.fetch(ACTIVE_PHOTOS)
    return [(photo, project) for number, (photo, project) in enumerate(found) if bits >> number & 1]


async def _work(world: World, which: int, effort: Effort) -> None:
    if world.commands:
        await world.work(world.commands[which % len(world.commands)], effort)
        await world.fold()


async def _move(world: World, bits: int, target: int, effort: Effort) -> None:
    project = world.projects[target % len(world.projects)]
    await world.ask("image_move", await _photos(world, bits), dest_project_id=project.id)
    await _work(world, -1, effort)


async def _commit(world: World, effort: Effort) -> None:
    photos = [(photo, project) for photo, project in await world.fetch(PENDING)]
    await world.ask("change_commit_all", photos)
    await _work(world, -1, effort)


async def _derive(world: World, bits: int, effort: Effort) -> None:
    await world.ask("generate_derivatives", await _photos(world, bits), force=True)
    await _work(world, -1, effort)


async def _delete(world: World, which: int, effort: Effort) -> None:
    await world.delete(world.projects[which % len(world.projects)].id)
    await _work(world, -1, effort)


async def _undo(world: World, which: int, effort: Effort) -> None:
    await world.undo(which)
    await _work(world, -1, effort)


async def _upload(world: World, which: int, name: str, on_conflict: Any, effort: Effort) -> None:
    project = world.projects[which % len(world.projects)]
    await world.upload(project, name, world.new_content(name), on_conflict, effort)
    await world.fold()


async def _keep(world: World, which: int, jpg: bool, raw: bool, effort: Effort) -> None:
    photos = await world.fetch(ACTIVE_PHOTOS)
    if photos:
        await world.keep(photos[which % len(photos)][0], KeepWish(jpg, raw), effort)


async def _rename(world: World, which: int, effort: Effort) -> None:
    await world.rename(world.projects[which % len(world.projects)], f"Name {which}", effort)


async def _go(world: World, which: int, effort: Effort) -> None:
    if world.waiting:
        await world.waiting[which % len(world.waiting)].go(effort)
        await world.fold()


async def _kill(world: World, which: int) -> None:
    if world.waiting:
        await world.waiting[which % len(world.waiting)].kill()


async def _lapse(world: World, which: int) -> None:
    if world.waiting:
        await world.waiting[which % len(world.waiting)].lapse(world.pool)


async def _rush(world: World) -> None:
    """Let all that was begun and all that is commanded go on at once."""
    await asyncio.gather(
        *(actor.go() for actor in world.waiting), *(world.work(command) for command in list(world.commands))
    )
    await world.fold()


async def _take_away(world: World, which: int) -> None:
    await world.take_away(world.projects[which % len(world.projects)])


async def _bring_back(world: World, which: int) -> None:
    world.bring_back(world.projects[which % len(world.projects)])


async def _put(world: World, which: int, name: str) -> None:
    world.put_by_hand(world.projects[which % len(world.projects)], name)


async def _new(world: World, which: int) -> None:
    await world.project_again(world.projects[which % len(world.projects)])


moves = _step("move", _move, st.integers(1, 63), numbers, efforts)
keeps = _step("keep", _keep, numbers, st.booleans(), st.booleans(), efforts)
commits = _step("commit", _commit, efforts)
conflicts = st.sampled_from([None, "overwrite", "rename", "skip"])
uploads = _step("upload", _upload, numbers, st.sampled_from(NAMES), conflicts, efforts)
works = _step("work", _work, numbers, efforts)
goes = _step("go", _go, numbers, efforts)
kills = _step("kill", _kill, numbers)
steps = st.one_of(
    moves,
    moves,
    keeps,
    commits,
    uploads,
    _step("derive", _derive, st.integers(1, 63), efforts),
    _step("delete", _delete, numbers, efforts),
    _step("undo", _undo, numbers, efforts),
    _step("rename", _rename, numbers, efforts),
    works,
    works,
    goes,
    goes,
    kills,
    _step("lapse", _lapse, numbers),
    _step("rush", _rush),
    _step("finish", World.finish, efforts),
    _step("sweep", World.sweep, efforts),
    _step("take away", _take_away, numbers),
    _step("bring back", _bring_back, numbers),
    _step("new", _new, numbers),
    _step("put by hand", _put, numbers, st.sampled_from(NAMES)),
)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(
        update={
            "postgres": settings.postgres.model_copy(update={"pool_size": 60}),
            "pipeline": Pipeline(stale_seconds=60.0, heartbeat_ms=20_000, max_attempts_default=100),
            "filemover": Filemover(lock_wait_seconds=0.0),
            "maintenance": Maintenance(lock_wait_seconds=0.0, settle_seconds=0.0),
            "uploader": settings.uploader.model_copy(update={"batch_seconds": 0.0001}),
        }
    )


@pytest.fixture
async def watched(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Database, Stage]]:
    """A database that notes versions that do not grow, and a stage; nobody waits for a lock that may stay taken."""
    async with database.connection() as connection:
        await connection.execute(WATCH)
    monkeypatch.setattr(placing, "LOCK_WAIT_SECONDS", 0.0)
    monkeypatch.setattr(renaming, "LOCK_WAIT_SECONDS", 0.0)
    executor = ThreadPoolExecutor(64)
    asyncio.get_running_loop().set_default_executor(executor)
    with staged() as stage:
        yield database, stage


async def _world(staff: Staff, database: Database) -> World:
    """Make a library anew: three projects with pairs, sidecars and equal names where that may be."""
    library_id = uuid4()
    shutil.rmtree(staff.library.root, ignore_errors=True)
    async with database.transaction() as connection:
        await connection.execute(await connection.fetchval(EMPTIED))
        await connection.execute(INSERT_TENANT, TENANT, library_id)
    staff.library.init_tenant(TENANT, library_id)
    world = World(staff, library_id, database._pool)
    alps, lake, sea = [await world.project(name) for name in ("Alps", "Lake", "Sea")]
    equal = staff.settings.library.unique_names == "project"
    await world.photo(alps, ["A.jpg", "A.dng", "A.xmp"])
    await world.photo(alps, ["B.jpg"])
    await world.photo(lake, ["A.jpg"] if equal else ["C.jpg"])
    await world.photo(lake, ["D.dng", "D.dng.xmp"])
    await world.photo(sea, ["A.jpg", "A.jpg.xmp"] if equal else ["E.jpg", "E.jpg.xmp"])
    return world


@pytest.mark.parametrize("unique", ["library", "project"])
@examples(
    max_examples=TRIED or 25,
    derandomize=not TRIED,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(play=st.lists(steps, min_size=1, max_size=14), storage=st.sampled_from(["renaming", "linking", "copying"]))
async def test_no_file_is_lost_and_no_row_is_without_one(
    settings: Settings, watched: tuple[Database, Stage], unique: Any, play: list[Told], storage: Storage
) -> None:
    database, stage = watched
    stage.storage = storage
    own = settings.library.model_copy(update={"unique_names": unique})
    world = await _world(Staff(settings.model_copy(update={"library": own})), database)
    try:
        for told in play:
            await told.step(world)
        for project in world.projects:
            world.bring_back(project)
        assert await world.come_to_rest()
        assert await faults(world) == []
    finally:
        for actor in world.waiting:
            await actor.kill()
