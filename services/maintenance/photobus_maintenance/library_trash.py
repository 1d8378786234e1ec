"""The trash of a library: what has lain there for long enough goes, deleted projects as on record, all else as it lies.

Its folders are ``.trash/<trash folder>/<folder>``. What photobus did not put there is first put by, so that its time
counts from when it was seen.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from photobus_common.events.maintenance import Finding, LibraryTrashEmptied
from photobus_common.reconciliation import CatalogueProject
from photobus_common.storable import storable
from photobus_common.storage.errors import LockedError
from photobus_common.storage.folder import Folder
from photobus_common.storage.library import TenantLibrary
from photobus_common.storage.manifest import Manifest
from photobus_common.storage.project_folder import TRASH, ProjectFolder, trash_folder
from photobus_common.storage.whole_folders import (
    lies_at,
    open_at,
    path_in_trash,
    remove_emptied,
    remove_some_at,
    size_at,
)
from photobus_common.store.scavenging import awaited_project, project_in_trash
from photobus_common.worker.blocking import in_thread, in_thread_beside
from photobus_maintenance.following import manifest_of
from photobus_maintenance.scavenging import Scavenging
from photobus_maintenance.trash import FILES, Contents, PutBy, contents_of, put_by

_STRAYS: Final = 200
"""Strays that are put by in one transaction."""


@dataclass(frozen=True)
class LibraryTrash:
    """The trash of one tenant's library, as one run of a job goes through it."""

    scavenging: Scavenging
    library: TenantLibrary

    async def contents(self) -> Contents:
        """Return what lies there; raises ``StorageUnavailableError``."""
        return await in_thread(_contents, self.library)

    async def put_by(self, strays: Sequence[str]) -> None:
        """Put strays into a trash folder of now, in which they will expire; where they are put is told."""
        job, report = self.scavenging.job, self.scavenging.report
        target = trash_folder(datetime.now(UTC), job.command.task_id)
        for start in range(0, len(strays), _STRAYS):
            job.hand_back_if_asked()
            async with self._held(TRASH) as trash, report.checkpoint() as work:
                if trash is None:
                    return
                portion = strays[start : start + _STRAYS]
                for one in await in_thread_beside(work.connection, _put_by, self.library, portion, target):
                    path = storable(f"{TRASH}/{one.stray}")
                    if one.refused is not None:
                        self.refuse(path, one.refused.code, one.refused.public_message)
                        continue
                    there = storable(f"{TRASH}/{target}/{one.name}")
                    reason = f"It lay in the library's trash under a name that photobus never gave; it is {there} now."
                    report.found(Finding(kind="reported", code="trash_stray_put_by", reason=reason, subject=path))

    def tell_kept(self, strays: Sequence[str]) -> None:
        """Report strays that stay where they are, as their owner wants it."""
        subject, reason = (
            storable(f"{TRASH}/{strays[0]}"),
            "It lies in the library's trash, and photobus never put it there.",
        )
        found = Finding(kind="reported", code="trash_stray", reason=reason, subject=subject, count=len(strays))
        self.scavenging.report.found(found)

    async def names(self, trashed: str) -> Sequence[str]:
        """Return what lies in a trash folder."""
        return await in_thread(_names, self.library, trashed)

    async def project_at(self, path: str) -> CatalogueProject | None:
        """Return the deleted project that lies there, by what is on record."""
        if storable(path) != path:  # no project's folder is called so
            return None
        async with self.scavenging.job.database.connection() as connection:
            return await project_in_trash(connection, self.library.tenant, path)

    async def remove(self, path: str) -> None:
        """Delete for good what is no deleted project that is known of; tell how much that was.

        Raises ``LockedError`` while somebody is at work in it. A folder that an active project lacks stays.
        """
        job, report = self.scavenging.job, self.scavenging.report
        if (project := await self._awaited(path)) is not None:
            reason = f"By its manifest it is the folder of {project.name}, which is not where it should be."
            report.refused(project, "folder_in_trash", reason, path)
            return
        size = await in_thread(size_at, self.library, path)
        gone = False
        while not gone:
            job.hand_back_if_asked()
            async with self._held(path):
                async with report.checkpoint():  # the claim is still ours
                    pass
                gone = await in_thread(remove_some_at, self.library, path, FILES)
        command = job.command
        about = {"task_id": command.task_id, "task_type": command.task_type, "job_id": command.job_id}
        async with report.checkpoint() as work:
            data = LibraryTrashEmptied(**about, paths=(storable(path),), files=size.files, bytes=size.bytes)
            report.changed(work, data, "trash_emptied", size.files, storable(path))

    async def remove_emptied(self, trashed: str) -> None:
        """Remove a trash folder in which nothing is left."""
        await in_thread(remove_emptied, self.library, path_in_trash(trashed, "-"))

    def refuse(self, path: str, code: str, reason: str) -> None:
        """Report that something stays where it is."""
        found = Finding(kind="refused", code=code, reason=storable(reason), subject=storable(path))
        self.scavenging.report.found(found)

    async def _awaited(self, path: str) -> CatalogueProject | None:
        """Return the project whose only folder this is, by its manifest."""
        manifest = await in_thread(_manifest_at, self.library, path)
        if manifest is None:
            return None
        async with self.scavenging.job.database.connection() as connection:
            project = await awaited_project(connection, self.library.tenant, manifest)
        if project is None or await in_thread(_is_folder, self.library, project.folder):
            return None
        return project

    @asynccontextmanager
    async def _held(self, path: str) -> AsyncIterator[ProjectFolder | None]:
        """Hold the folder at ``path``, if there is one: in what is none nobody works."""
        folder = await in_thread(open_at, self.library, path, undo=_close)
        if folder is None:
            yield None
            return
        with folder:
            async with folder.locked(self.scavenging.wait_seconds):
                if not await in_thread(lies_at, self.library, path, folder):
                    raise LockedError("The folder was moved meanwhile.")
                yield folder


def _contents(library: TenantLibrary) -> Contents:
    with library.open() as root:
        return contents_of(root)


def _names(library: TenantLibrary, trashed: str) -> Sequence[str]:
    folder = open_at(library, f"{TRASH}/{trashed}")
    if folder is None:
        return ()
    with folder:
        return sorted(folder.names())


def _put_by(library: TenantLibrary, strays: Sequence[str], target: str) -> list[PutBy]:
    with library.open() as root:
        return put_by(root, strays, target)


def _manifest_at(library: TenantLibrary, path: str) -> Manifest | None:
    folder = open_at(library, path)
    if folder is None:
        return None
    with folder:
        return manifest_of(folder)


def _is_folder(library: TenantLibrary, name: str) -> bool:
    folder = open_at(library, name)
    _close(folder)
    return folder is not None


def _close(folder: Folder | None) -> None:
    if folder is not None:
        folder.close()
