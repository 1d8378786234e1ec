"""Making a project: a free name, its folder with the manifest, its row and its event.

The folder comes before the commit. A crash in between leaves an empty folder whose manifest names a project that never
was; nobody sees it, and the next project of that name takes it over. The reverse, a project without its folder, would
look like one whose photos are gone.
"""

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from photobus_common.errors import PhotobusError
from photobus_common.events import Origin
from photobus_common.events.projects import ProjectCreated
from photobus_common.storage.errors import (
    FileUnreadableError,
    FolderMissingError,
    ManifestBrokenError,
    NameTakenError,
    storage_errors,
)
from photobus_common.storage.folder import TEMPORARY_PREFIX
from photobus_common.storage.library import TenantLibrary
from photobus_common.storage.manifest import MANIFEST, Manifest
from photobus_common.store import projects
from photobus_common.store.database import Connection
from photobus_common.store.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class _Place:
    """A free name with its folder, which now exists; ``made`` is false for one that a crash left."""

    name: str
    folder: str
    made: bool


async def create(work: UnitOfWork, origin: Origin, library: TenantLibrary, name: str) -> asyncpg.Record:
    """Make the project, in ``work``, and return its row. Other creations of the tenant wait until ``work`` ends."""
    taken = await projects.taken_names(work.connection, origin.tenant)
    place = await _take_place(work.connection, library, taken, name)
    try:
        row = await _write(work.connection, origin.tenant, library, place)
    except BaseException:
        # Only before the commit is it sure that no project has the folder.
        if place.made:
            await asyncio.shield(asyncio.to_thread(_remove, library, place.folder))
        raise
    work.emit(origin.event(ProjectCreated(project_id=row["id"], project_folder=row["folder"], name=row["name"])))
    return row


async def _take_place(connection: Connection, library: TenantLibrary, taken: projects.TakenNames, name: str) -> _Place:
    names = projects.free_names(taken, name)
    while True:
        candidate, folder = next(names)
        if await asyncio.to_thread(_make, library, folder):
            return _Place(candidate, folder, made=True)
        if await _is_left_over(connection, library, folder):
            return _Place(candidate, folder, made=False)


async def _is_left_over(connection: Connection, library: TenantLibrary, folder: str) -> bool:
    """Whether ``folder`` holds nothing but, at most, the manifest of a project that was never committed."""
    empty, project_id = await asyncio.to_thread(_look_into, library, folder)
    return empty and (project_id is None or not await projects.is_known(connection, project_id))


async def _write(connection: Connection, tenant: str, library: TenantLibrary, place: _Place) -> asyncpg.Record:
    project_id, created_at = await projects.insert_project(connection, tenant, place.name, place.folder)
    await asyncio.to_thread(_write_manifest, library, place, project_id, created_at)
    row = await projects.project_of_folder(connection, tenant, place.folder)
    if row is None:
        raise AssertionError("a row is there in the transaction that wrote it")
    return row


def _make(library: TenantLibrary, folder: str) -> bool:
    try:
        library.create_project(folder).close()
    except NameTakenError:
        return False
    return True


def _look_into(library: TenantLibrary, folder: str) -> tuple[bool, int | None]:
    try:
        with library.open_project(folder) as opened, storage_errors(f"listing {folder!r}"):
            with os.scandir(opened.fd) as entries:
                others = [entry.name for entry in entries if not _is_ours(entry.name)]
            manifest = opened.read_manifest()
    except (ManifestBrokenError, FileUnreadableError, FolderMissingError):
        return False, None
    return not others, manifest.id if manifest else None


def _is_ours(name: str) -> bool:
    return name == MANIFEST or name.startswith(TEMPORARY_PREFIX)


def _write_manifest(library: TenantLibrary, place: _Place, project_id: int, created_at: datetime) -> None:
    with library.open_project(place.folder) as folder:
        folder.write_manifest(Manifest(id=project_id, name=place.name, created_at=created_at))


def _remove(library: TenantLibrary, folder: str) -> None:
    with suppress(PhotobusError):
        with library.open_project(folder) as opened:
            opened.remove(MANIFEST)
        library.remove_empty_project(folder)
