"""Telling a photo that somebody moved from one folder to another by hand from one that is only called the same."""

from collections.abc import Mapping, Sequence

from photobus_common.errors import StorageUnavailableError
from photobus_common.libraries import opened_project
from photobus_common.photos.filenames import ParsedName
from photobus_common.reconciliation import CatalogueProject
from photobus_common.storage.errors import FolderMissingError
from photobus_common.storage.folder import Entry
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.storage.transfer import md5_if_readable
from photobus_common.store.namesakes import Namesake
from photobus_common.store.reconciliation import names_in_motion, projects_of_tenant
from photobus_common.worker.blocking import in_thread
from photobus_maintenance.visits import Visit

Files = Sequence[tuple[ParsedName, Entry]]
"""All files of one basename in the visited folder."""


async def moved_by_hand(
    visit: Visit, groups: Mapping[str, Files], others: Mapping[str, Sequence[Namesake]]
) -> frozenset[str]:
    """Return the basenames whose files are those of a photo of that name that are gone from its own folder.

    So are those of which that cannot be told now: the other folder cannot be opened, or its files are in motion.
    """
    alike = {basename: [one for one in others[basename] if _may_be(files, one)] for basename, files in groups.items()}
    suspects = [one for found in alike.values() for one in found]
    gone = await _gone(visit, suspects)
    moved = set()
    for basename, found in alike.items():
        lost = [one for one in found if one.photo_id in gone]
        same = await in_thread(_has_bytes_of, visit.folder, groups[basename], lost)
        if same:
            moved.add(basename)
    return frozenset(moved)


def _may_be(files: Files, other: Namesake) -> bool:
    sizes = {entry.size for parsed, entry in files if parsed.kind != "sidecar"}
    return any(known.size in sizes for known in other.originals)


async def _gone(visit: Visit, suspects: Sequence[Namesake]) -> set[int]:
    """Return the photos of which no original is where it should be, or none can be seen."""
    by_project: dict[int, list[Namesake]] = {}
    for one in suspects:
        by_project.setdefault(one.project_id, []).append(one)
    if not by_project:
        return set()
    async with visit.job.database.connection() as connection:
        projects = await projects_of_tenant(connection, visit.project.tenant, list(by_project))
        moving = {project_id: await names_in_motion(connection, project_id) for project_id in by_project}
    gone: set[int] = set()
    for project_id, photos in by_project.items():
        there = await _names_there(visit, projects[project_id])
        for photo in photos:
            names = {known.name for known in photo.originals}
            if there is None or names.isdisjoint(there - moving[project_id]):
                gone.add(photo.photo_id)
    return gone


async def _names_there(visit: Visit, project: CatalogueProject) -> frozenset[str] | None:
    """Return what lies in the other project's folder; None where that cannot be seen."""
    try:
        async with opened_project(visit.context.library, project) as folder:
            return await in_thread(folder.names)
    except (FolderMissingError, StorageUnavailableError):
        return None


def _has_bytes_of(folder: ProjectFolder, files: Files, lost: Sequence[Namesake]) -> bool:
    """Whether an original is one of the lost ones; one that cannot be read may be. Blocks."""
    known = {(original.size, original.md5) for one in lost for original in one.originals}
    sizes = {size for size, _ in known}
    for parsed, entry in files:
        if parsed.kind == "sidecar" or entry.size not in sizes:
            continue
        digest = md5_if_readable(folder, entry.name)
        if digest is None or (entry.size, digest) in known:
            return True
    return False
