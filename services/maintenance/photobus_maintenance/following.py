"""A project whose folder is not where its row says, and lies under another name in the library: the row follows.

The manifest says whose the folder is. If the name is one that an alignment gives, the alignment had not come to its
commit, and the project is called as it was. Any other name is its owner's will, and the project is called so too.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from photobus_common.events.maintenance import FolderRenamed
from photobus_common.events.projects import ProjectRenamed
from photobus_common.reconciliation import CatalogueProject
from photobus_common.storage.errors import FileUnreadableError, LockedError, ManifestBrokenError
from photobus_common.storage.folder import Folder
from photobus_common.storage.library import TenantLibrary
from photobus_common.storage.manifest import Manifest
from photobus_common.storage.names import folder_name, numbered, numbered_names
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.storage.whole_folders import between_name, lies_at
from photobus_common.store.deletions import lock_project
from photobus_common.store.folders import set_folder
from photobus_common.store.projects import TakenNames, taken_names
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker import Job
from photobus_common.worker.blocking import in_thread, in_thread_beside
from photobus_maintenance.context import Context
from photobus_maintenance.judging import own_folder
from photobus_maintenance.report import Report

FollowCause = Literal["folder_alignment", "folder_discovery"]


@dataclass(frozen=True)
class Neighbours:
    """What else has a name in the library: folders that rows of other projects say, and what lies in ``root``.

    ``own`` is device and inode of the project's folder: on a file system that takes two spellings for one name, what
    lies under the other one is itself.
    """

    root: Folder
    folders: Collection[str]
    own: tuple[int, int]

    def have(self, folder: str) -> bool:
        """Whether a project must not be given the folder; blocks."""
        return folder in self.folders or self.root.identity_of(folder) not in {None, self.own}


def number_of(name: str, folder: str) -> int | None:
    """Return the number with which ``folder`` is the folder of a project of that name: 1 for none at all.

    None where it is not made from that name.
    """
    if folder == folder_name(name):
        return 1
    digits = folder.rpartition(" (")[2].removesuffix(")")
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < len(str(2**31)) else 0
    return number if number > 1 and folder == folder_name(numbered(name, number)) else None


def is_right(name: str, folder: str, neighbours: Neighbours) -> bool:
    """Whether a project of that name is to have ``folder``: its name, or a numbered one if all before are taken.

    Blocks. A folder that is called exactly as its project is right, too: it was there first, and gave its name.
    """
    number = 1 if folder == name else number_of(name, folder)
    if number is None:
        return False
    return all(neighbours.have(folder_name(numbered(name, lower))) for lower in range(1, number))


async def follow(
    job: Job, report: Report, context: Context, project: CatalogueProject, folder: ProjectFolder, cause: FollowCause
) -> bool:
    """Let the row of ``project`` take the open ``folder``, which no row has, and whose lock the caller holds.

    Says whether it did: not if the project's own folder is there, or the manifest is not its. Raises ``LockedError`` if
    the row has changed since it was read.
    """
    library = context.library.tenant(project.tenant, project.library_id)
    async with report.checkpoint() as work:
        taken = await taken_names(work.connection, project.tenant)
        now = await lock_project(work.connection, project.tenant, project.id)
        if now is None or not now.active or now.folder != project.folder or folder.name in taken.folders:
            raise LockedError("The project was deleted, or has another folder by now.")
        if await own_folder(work.connection, library, now) is not None:
            return False
        others = TakenNames(taken.names - {now.name}, taken.folders - {now.folder})
        manifest, half_done = await in_thread_beside(work.connection, _judge, library, now, folder, others.folders)
        if manifest is None:
            return False
        name = now.name if half_done else _free_name(folder.name, others.names)
        await _write(job, report, work, now, (folder.name, name), cause)
    if manifest.name != name:  # after the commit; whoever is killed before leaves it to the next alignment
        await in_thread(folder.write_manifest, manifest.model_copy(update={"name": name}))
    return True


async def _write(
    job: Job, report: Report, work: UnitOfWork, project: CatalogueProject, new: tuple[str, str], cause: FollowCause
) -> None:
    folder, name = new
    version = await set_folder(work.connection, project.id, folder, name)
    about: dict[str, Any] = {"project_id": project.id, "project_folder": folder, "task_id": job.command.task_id}
    if name != project.name:
        work.emit(job.origin.event(ProjectRenamed(**about, old_name=project.name, name=name, version=version)))
    data = FolderRenamed(
        **about, cause=cause, old_folder=project.folder, new_folder=folder, project_name=name, version=version
    )
    report.changed(work, data, "folder_renamed", 1, project.folder)


def _judge(
    library: TenantLibrary, project: CatalogueProject, folder: ProjectFolder, others: Collection[str]
) -> tuple[Manifest | None, bool]:
    """Return the folder's manifest if it is the project's, and whether the name may stay."""
    if not lies_at(library, folder.name, folder):
        raise LockedError("The folder was renamed meanwhile.")
    manifest = manifest_of(folder)
    if manifest is None or not manifest.is_of(project.id, project.created_at):
        return None, False
    with library.open() as root:
        neighbours = Neighbours(root, others, folder.identity)
        aligned = is_right(project.name, folder.name, neighbours)
    return manifest, aligned or folder.name == between_name(folder_name(project.name))


def manifest_of(folder: ProjectFolder) -> Manifest | None:
    """Return the manifest of a folder, if it has one that can be read; blocks."""
    try:
        return folder.read_manifest()
    except (ManifestBrokenError, FileUnreadableError):
        return None


def _free_name(folder: str, names: Collection[str]) -> str:
    return next(name for name in numbered_names(folder) if name not in names)
