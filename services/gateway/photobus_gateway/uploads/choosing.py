"""Choosing what becomes of received files: here disk and catalogue are asked, the rules of ``planning`` decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Final

from photobus_common.config import Settings, Uploader
from photobus_common.photos import filenames
from photobus_common.photos.filenames import ParsedName
from photobus_common.storage.folder import Entry
from photobus_common.storage.names import numbered
from photobus_common.storage.project_folder import ProjectFolder, modified_at, trash_folder
from photobus_common.store import photos, uploads
from photobus_common.store.database import Connection
from photobus_common.store.photos import KnownFile
from photobus_gateway.uploads.answers import UploadResult, UploadStatus, refused
from photobus_gateway.uploads.files import Received, UploadProject
from photobus_gateway.uploads.intents import Intent, Replaced
from photobus_gateway.uploads.planning import Decision, Existing, Overwrite, Rename, Surroundings, decide
from photobus_gateway.uploads.putting import md5_of, replaced_by
from photobus_gateway.uploads.renames import RenamedBasenames
from photobus_gateway.uploads.threads import in_thread

_CANDIDATES: Final = 50


@dataclass(frozen=True)
class Occupant:
    """The file that lies under a received file's name, and what is known of it."""

    entry: Entry
    existing: Existing


@dataclass(frozen=True)
class Seen:
    """What the project holds: ids of its photos by basename, and what lies under the files' names."""

    own: Mapping[str, int]
    occupants: Mapping[str, Occupant]


class Chooser:
    """Decides under the lock of the project's folder, in the transaction that records the intents."""

    def __init__(self, settings: Settings, renames: RenamedBasenames) -> None:
        self._uploader = settings.uploader
        self._unique = settings.library.unique_names == "library"
        self._renames = renames

    async def look(
        self, connection: Connection, project: UploadProject, folder: ProjectFolder, files: Sequence[Received]
    ) -> Seen:
        """Return what the project holds. An MD5 on record counts while the file's size and time are the row's."""
        known = await photos.photos_of_basenames(connection, project.project_id, _basenames(files))
        occupants = await in_thread(_occupants, folder, [file.parsed.name for file in files], known.files)
        return Seen(known.ids, occupants)

    async def choose(
        self,
        connection: Connection,
        project: UploadProject,
        folder: ProjectFolder,
        files: Sequence[Received],
        seen: Seen,
        trashed_at: datetime,
    ) -> list[UploadResult | Intent]:
        """Decide on each file, in order."""
        new = [name for name in _basenames(files) if name not in seen.own]
        elsewhere = await self._elsewhere(connection, project, new)
        chosen: list[UploadResult | Intent] = []
        for file in files:
            occupant = seen.occupants.get(file.parsed.name)
            basename = file.parsed.basename
            surroundings = Surroundings(
                existing=occupant.existing if occupant else None,
                own_photo=seen.own.get(basename),
                elsewhere=elsewhere.get(basename),
                renamed_in_batch=self._renames.get(project.project_id, file.wish.batch, basename),
            )
            decision = decide(file.parsed, file.md5, file.wish.on_conflict, surroundings)
            match decision:
                case UploadResult():
                    chosen.append(decision)
                case Rename():
                    chosen.append(await self._renamed(connection, project, folder, file, decision, chosen))
                case _:
                    replaces = _replaces(decision, occupant, file, trashed_at)
                    status: UploadStatus = "overwritten" if replaces else "created"
                    chosen.append(Intent.of(file, file.parsed.name, basename, status, replaces))
        return chosen

    async def _elsewhere(
        self, connection: Connection, project: UploadProject, basenames: Sequence[str]
    ) -> dict[str, str]:
        """Return other projects that have these basenames, or are about to; keep others from taking them meanwhile."""
        if not self._unique or not basenames:
            return {}
        await uploads.lock_basenames(connection, project.tenant, basenames)
        return await uploads.projects_with_basenames(connection, project.tenant, project.project_id, basenames)

    async def _renamed(
        self,
        connection: Connection,
        project: UploadProject,
        folder: ProjectFolder,
        file: Received,
        decision: Rename,
        chosen: Sequence[UploadResult | Intent],
    ) -> UploadResult | Intent:
        """Give the file the basename of its pair if that leaves the name free, else the next free one."""
        claimed = {item.target for item in chosen if isinstance(item, Intent)}
        basename = decision.basename
        if basename is not None:
            target = filenames.renamed(file.parsed, basename)
            if target in claimed or await in_thread(folder.taken, target):
                basename = None
        if basename is None:
            basenames = {item.basename for item in chosen if isinstance(item, Intent)}
            basename = await self._free_basename(connection, project, folder, file.parsed, basenames)
        target = filenames.renamed(file.parsed, basename)
        if not isinstance(filenames.parse(target, self._uploader), ParsedName):
            return refused(file.parsed.name, "too_long")
        self._renames.put(project.project_id, file.wish.batch, file.parsed.basename, basename)
        return Intent.of(file, target, basename, "renamed", None)

    async def _free_basename(
        self,
        connection: Connection,
        project: UploadProject,
        folder: ProjectFolder,
        parsed: ParsedName,
        claimed: set[str],
    ) -> str:
        """Return the first of ``name (2)``, ``name (3)``, … that neither disk nor catalogue has."""
        on_disk = await in_thread(_basenames_on_disk, folder, self._uploader)
        longest = filenames.MAX_NAME_BYTES - max(
            len(parsed.name[len(parsed.basename) :].encode()), len(filenames.LONGEST_DERIVATIVE_SUFFIX)
        )
        for first in count(2, _CANDIDATES):
            names = [numbered(parsed.basename, number, longest) for number in range(first, first + _CANDIDATES)]
            taken = claimed | on_disk
            taken |= (await photos.photos_of_basenames(connection, project.project_id, names)).ids.keys()
            taken |= (await self._others_with(connection, project, names)).keys()
            for name in names:
                if name not in taken and await self._claim(connection, project, name):
                    return name
        raise AssertionError("numbers never end")

    async def _others_with(
        self, connection: Connection, project: UploadProject, names: Sequence[str]
    ) -> dict[str, str]:
        if not self._unique:
            return {}
        return await uploads.projects_with_basenames(connection, project.tenant, project.project_id, names)

    async def _claim(self, connection: Connection, project: UploadProject, name: str) -> bool:
        """Keep other projects from the name; one that is about to take it has it."""
        if not self._unique:
            return True
        if not await uploads.try_lock_basename(connection, project.tenant, name):
            return False
        return not await self._others_with(connection, project, [name])


def _occupants(folder: ProjectFolder, names: Sequence[str], rows: Mapping[str, KnownFile]) -> dict[str, Occupant]:
    found: dict[str, Occupant] = {}
    for name in names:
        entry = folder.stat(name)
        if entry is None:
            continue
        known = rows.get(name)
        trusted = known is not None and (known.file.size, known.file.modified_at) == (entry.size, modified_at(entry))
        md5 = known.file.md5 if known is not None and trusted else md5_of(folder, name)
        found[name] = Occupant(entry, Existing(md5, known.photo_id if known else None))
    return found


def _replaces(decision: Decision, occupant: Occupant | None, file: Received, trashed_at: datetime) -> Replaced | None:
    if not isinstance(decision, Overwrite) or occupant is None:
        return None
    folder = trash_folder(trashed_at, file.temporary.upload_id)
    return replaced_by(occupant.entry, occupant.existing.md5, folder)


def _basenames(files: Sequence[Received]) -> list[str]:
    return sorted({file.parsed.basename for file in files})


def _basenames_on_disk(folder: ProjectFolder, uploader: Uploader) -> set[str]:
    names = (filenames.parse(entry.name, uploader) for entry in folder.list())
    return {name.basename for name in names if isinstance(name, ParsedName)}
