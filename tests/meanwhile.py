"""A project's folder that is renamed at a chosen moment of somebody's work on it, as an alignment does it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

import images
import pytest
from bus_traffic import until
from shelf import MADE_AT, Shelf

from photobus_common.storage.library import TenantLibrary
from photobus_common.storage.manifest import MANIFEST, Manifest
from photobus_common.storage.project_folder import ProjectFolder

Moment = Literal["before it is opened", "not committed when it is opened", "once it is open", "its name taken"]
"""When the folder gets another name: between the reading of the row and the opening, the row committed or not, or
between the opening and the lock. In the last, another project has its name when it is opened."""

MOMENTS: Final[tuple[Moment, ...]] = (
    "before it is opened",
    "not committed when it is opened",
    "once it is open",
    "its name taken",
)

SET_FOLDER: Final = "UPDATE projects SET folder = $2, version = version + 1 WHERE id = $1"
WAITING: Final = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""

ANOTHERS: Final = images.jpeg(40, 30)
"""The photo of the project that takes the name; it is called as the one that was there."""


@contextmanager
def renamed_meanwhile(
    monkeypatch: pytest.MonkeyPatch, shelf: Shelf, project_id: int, names: tuple[str, str], moment: Moment
) -> Iterator[None]:
    """Rename the folder when it is opened for the first time under its old name; see at the end that it came to that.

    Both names are given, the old one first. Work that waits for the row has it once the row is committed.
    """
    loop = asyncio.get_running_loop()
    really_open = TenantLibrary.open_project
    happened = asyncio.Event()
    rest: list[asyncio.Task[None]] = []

    async def rename() -> None:
        happened.set()
        if moment == "not committed when it is opened":
            renamed = asyncio.Event()
            rest.append(asyncio.create_task(_commit_when_awaited(shelf, project_id, names, renamed)))
            await renamed.wait()
            return
        async with shelf.database.transaction() as connection:
            await connection.execute(SET_FOLDER, project_id, names[1])
            (shelf.root / names[0]).rename(shelf.root / names[1])
        if moment == "its name taken":
            await _take(shelf, names[0])

    def opening(library: TenantLibrary, folder: str) -> ProjectFolder:
        if folder != names[0] or happened.is_set():
            return really_open(library, folder)
        opened = really_open(library, folder) if moment == "once it is open" else None
        asyncio.run_coroutine_threadsafe(rename(), loop).result()
        return opened or really_open(library, folder)

    with monkeypatch.context() as patch:
        patch.setattr(TenantLibrary, "open_project", opening)
        yield
    assert happened.is_set()
    assert all(task.done() for task in rest)


async def _commit_when_awaited(shelf: Shelf, project_id: int, names: tuple[str, str], renamed: asyncio.Event) -> None:
    async with shelf.database.connection() as watching, shelf.database.transaction() as connection:
        await connection.execute(SET_FOLDER, project_id, names[1])
        (shelf.root / names[0]).rename(shelf.root / names[1])
        renamed.set()

        async def awaited() -> bool:
            return int(await watching.fetchval(WAITING)) > 0

        await until(awaited)


async def _take(shelf: Shelf, name: str) -> None:
    """Let another project have the folder ``name``, with a file of the photo's name."""
    statement = "INSERT INTO projects (tenant, name, folder) VALUES ('user_0', 'Another', $1) RETURNING id"
    async with shelf.database.transaction() as connection:
        project_id = await connection.fetchval(statement, name)
    (shelf.root / name).mkdir()
    manifest = Manifest(id=project_id, name="Another", created_at=MADE_AT)
    (shelf.root / name / MANIFEST).write_bytes(manifest.encode())
    (shelf.root / name / "A.jpg").write_bytes(ANOTHERS)
