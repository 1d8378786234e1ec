"""What a folder without a project is: by its manifest, and by what is known of the project that this names.

| manifest | the project that it names | the folder is |
|---|---|---|
| none, or broken | | a new project |
| may not be read | | left as it is, and reported |
| of an active project | its own folder is gone | that folder, renamed by its owner or by an alignment cut short |
| | what lies in its place is another project's | that folder, all the same: both were renamed |
| | its own folder is there | a copy, and so a new project |
| of an archived one | its folder had left the library | back, and so is the project |
| | is being deleted or brought back | left as it is |
| | its deletion never moved the folder | left as it is, and reported |
| of an unknown one | an active project has the name | the same project if they share photos, else a new one |
| | nothing but the manifest, made just now | left as it is: somebody is making the project |
| | | a new project |
"""

import os
import time
from dataclasses import dataclass
from typing import Final, Literal

from photobus_common.reconciliation import CatalogueProject
from photobus_common.storage.errors import FileUnreadableError, ManifestBrokenError, storage_errors
from photobus_common.storage.folder import TEMPORARY_PREFIX
from photobus_common.storage.library import TenantLibrary
from photobus_common.storage.manifest import MANIFEST, Manifest
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.storage.whole_folders import open_at
from photobus_common.store.database import Connection
from photobus_common.store.discovery import NamedProject, named_project, project_of_name
from photobus_common.worker.blocking import in_thread_beside

_NANOSECONDS: Final = 1_000_000_000

_BEING_MADE_NS: Final = 3600 * _NANOSECONDS
"""Nobody who asked for a project, and got no answer, asks again after so long: then the folder is one like others."""

Kind = Literal["new", "follow", "return", "namesake", "leave"]


@dataclass(frozen=True)
class Verdict:
    """What is to be done with a folder; ``project`` is the one it is, or may be.

    ``broken``: its manifest is none. One that is left for a ``reason`` is reported under ``code``.
    """

    kind: Kind
    project: CatalogueProject | None = None
    broken: bool = False
    code: str = ""
    reason: str = ""


NEW: Final = Verdict("new")
LEAVE: Final = Verdict("leave")


async def judge(connection: Connection, library: TenantLibrary, folder: ProjectFolder) -> Verdict:
    """Say what the open ``folder`` is, which no active project has; raises ``StorageUnavailableError``."""
    try:
        manifest = await in_thread_beside(connection, folder.read_manifest)
    except ManifestBrokenError:
        return Verdict("new", broken=True)
    except FileUnreadableError as error:
        return Verdict("leave", code="manifest_unreadable", reason=error.public_message)
    if manifest is None:
        return NEW
    named = await named_project(connection, library.tenant, manifest)
    if named is None:
        return await _of_unknown(connection, library, folder, manifest)
    if named.project.active:
        return await _of_active(connection, library, folder, named)
    return _of_archived(named)


async def _of_active(
    connection: Connection, library: TenantLibrary, folder: ProjectFolder, named: NamedProject
) -> Verdict:
    own = await own_folder(connection, library, named.project)
    if own == folder.identity or named.under_way:  # the file system takes two spellings for one name, or it is held
        return LEAVE
    return Verdict("follow", named.project) if own is None else NEW


def _of_archived(named: NamedProject) -> Verdict:
    if named.under_way:
        return LEAVE
    if named.left_library:
        return Verdict("return", named.project)
    reason = (
        f"{named.project.name} was deleted, and its folder could not be moved away; the deletion may be tried again."
    )
    return Verdict("leave", named.project, code="deletion_unfinished", reason=reason)


async def _of_unknown(
    connection: Connection, library: TenantLibrary, folder: ProjectFolder, manifest: Manifest
) -> Verdict:
    namesake = await project_of_name(connection, library.tenant, manifest.name)
    own = None if namesake is None else await in_thread_beside(connection, identity_at, library, namesake.folder)
    if own not in {None, folder.identity}:  # so nobody is making a project of that name
        return Verdict("namesake", namesake)
    return LEAVE if await in_thread_beside(connection, _is_being_made, folder, time.time_ns()) else NEW


def identity_at(library: TenantLibrary, folder: str) -> tuple[int, int] | None:
    """Return device and inode of a project's folder, or None where there is none; blocks."""
    opened = open_at(library, folder)
    if opened is None:
        return None
    with opened:
        return opened.identity


async def own_folder(
    connection: Connection, library: TenantLibrary, project: CatalogueProject
) -> tuple[int, int] | None:
    """Return device and inode of the project's own folder, or None where there is none.

    What lies in its place and says that it is another active project's is not its own, however it came there.
    """
    found, manifest = await in_thread_beside(connection, _in_the_place_of, library, project)
    if found is None or manifest is None or manifest.id == project.id:
        return found
    named = await named_project(connection, library.tenant, manifest)
    return None if named is not None and named.project.active else found


def _in_the_place_of(
    library: TenantLibrary, project: CatalogueProject
) -> tuple[tuple[int, int] | None, Manifest | None]:
    opened = open_at(library, project.folder)
    if opened is None:
        return None, None
    with opened:
        try:
            return opened.identity, opened.read_manifest()
        except (ManifestBrokenError, FileUnreadableError):
            return opened.identity, None


def changed_ns(folder: ProjectFolder) -> int:
    """Return when something last came or went in the folder, in nanoseconds since the epoch; blocks."""
    with storage_errors(f"looking at {folder.name!r}"):
        return os.fstat(folder.fd).st_mtime_ns


def _is_being_made(folder: ProjectFolder, now_ns: int) -> bool:
    """Whether the folder is as a gateway leaves it before it commits, or when it died then; blocks."""
    names = folder.names()
    return abs(now_ns - changed_ns(folder)) < _BEING_MADE_NS and all(
        name == MANIFEST or name.startswith(TEMPORARY_PREFIX) for name in names
    )
