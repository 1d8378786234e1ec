"""Other names for files whose own is taken: an earlier copy's, their pair's, or the next free one."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Final

from photobus_common.config import Settings, Uploader
from photobus_common.photos import filenames
from photobus_common.photos.filenames import ParsedName, RefusedName
from photobus_common.storage.names import numbered
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.store import photos, uploads
from photobus_common.store.database import Connection
from photobus_common.store.photos import KnownFile
from photobus_common.store.uploads import Elsewhere
from photobus_gateway.uploads.answers import UploadResult, answer, refused
from photobus_gateway.uploads.files import Received, UploadProject
from photobus_gateway.uploads.intents import Intent
from photobus_gateway.uploads.occupants import occupants
from photobus_gateway.uploads.threads import in_thread

_CANDIDATES: Final = 50
_NUMBER: Final = re.compile(r" \(([1-9][0-9]{0,8})\)$")


@dataclass(frozen=True)
class Names:
    """What other names depend on: everything in the folder, the basenames in it, and earlier copies by file name."""

    on_disk: frozenset[str] = frozenset()
    basenames: frozenset[str] = frozenset()
    copies: Mapping[str, KnownFile] = field(default_factory=dict)


@dataclass(frozen=True)
class Claimed:
    """Names that files of the same group are about to get."""

    targets: set[str] = field(default_factory=set)
    basenames: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Renamed:
    """What becomes of a file under another name; ``basename`` is whose pair follows, None when it is refused."""

    outcome: UploadResult | Intent
    basename: str | None


class Renamer:
    """Finds other names, under the lock of the project's folder."""

    def __init__(self, settings: Settings) -> None:
        self._uploader = settings.uploader
        self._unique = settings.library.unique_names == "library"

    async def look(
        self, connection: Connection, project: UploadProject, folder: ProjectFolder, files: Sequence[Received]
    ) -> Names:
        """Return what the names of ``files`` depend on, from one listing of the folder."""
        found = await photos.files_of_md5(
            connection, project.tenant, project.project_id, sorted({file.md5 for file in files})
        )
        wanted = {file.parsed.name: row for file in files if (row := copy_of(file.parsed, file.md5, found)) is not None}
        return await in_thread(_look, folder, wanted, self._uploader)

    async def rename(
        self,
        connection: Connection,
        project: UploadProject,
        file: Received,
        settled: str | None,
        names: Names,
        claimed: Claimed,
    ) -> Renamed:
        """Say what becomes of the file: nothing if an earlier copy is there, else it gets another basename.

        That is ``settled``, the one of its pair, if that leaves the name free, else the next free one.
        """
        copy = names.copies.get(file.parsed.name)
        if copy is not None:
            return Renamed(
                answer(file.parsed.name, "skipped", "same_bytes", photo_id=copy.photo_id, stored_as=copy.file.name),
                copy.basename,
            )
        basename = settled
        if basename is None or not _is_free(filenames.renamed(file.parsed, basename), names, claimed):
            taken = names.basenames | claimed.basenames
            basename = await self._free_basename(connection, project, file.parsed, taken)
        target = filenames.renamed(file.parsed, basename)
        if isinstance(refusal := filenames.parse(target, self._uploader), RefusedName):
            return Renamed(refused(file.parsed.name, refusal.code, refusal.reason), None)
        return Renamed(Intent.of(file, target, basename, "renamed", None), basename)

    async def _free_basename(
        self, connection: Connection, project: UploadProject, parsed: ParsedName, used: frozenset[str]
    ) -> str:
        """Return the first of ``name (2)``, ``name (3)``, … that neither disk nor catalogue has."""
        unused = (name for number in count(2) if (name := _numbered(parsed, number)) not in used)
        while names := list(islice(unused, _CANDIDATES)):
            known = await photos.photos_of_basenames(connection, project.project_id, names)
            others = await self._others_with(connection, project, names)
            for name in names:
                if name not in known.ids and name not in others and await self._claim(connection, project, name):
                    return name
        raise AssertionError("numbers never end")

    async def _others_with(
        self, connection: Connection, project: UploadProject, names: Sequence[str]
    ) -> Mapping[str, Elsewhere]:
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


def copy_of(parsed: ParsedName, md5: str, rows: Iterable[KnownFile]) -> KnownFile | None:
    """Return the file that ``parsed`` with these bytes became when it was renamed before; pure.

    Its name is the file's with a number: another name is another photo, for all that the bytes are the same.
    """
    return next((row for row in rows if row.file.md5 == md5 and _is_numbered(row.file.name, parsed)), None)


def _is_free(target: str, names: Names, claimed: Claimed) -> bool:
    return target not in names.on_disk and target not in claimed.targets


def _is_numbered(name: str, parsed: ParsedName) -> bool:
    ending = _ending(parsed)
    stem = name.removesuffix(ending)
    number = _NUMBER.search(stem)
    return name.endswith(ending) and number is not None and stem == _numbered(parsed, int(number[1]))


def _numbered(parsed: ParsedName, number: int) -> str:
    """Return the basename with a number, so short that the file and its derivatives keep within the limit."""
    behind = max(len(_ending(parsed).encode()), len(filenames.LONGEST_DERIVATIVE_SUFFIX))
    return numbered(parsed.basename, number, filenames.MAX_NAME_BYTES - behind)


def _ending(parsed: ParsedName) -> str:
    return parsed.name[len(parsed.basename) :]


def _look(folder: ProjectFolder, wanted: Mapping[str, KnownFile], uploader: Uploader) -> Names:
    on_disk = folder.names()
    parsed = (filenames.parse(name, uploader) for name in on_disk)
    basenames = frozenset(name.basename for name in parsed if isinstance(name, ParsedName))
    rows = {row.file.name: row for row in wanted.values()}
    there = occupants(folder, rows, rows)
    copies = {
        name: row
        for name, row in wanted.items()
        if (copy := there.get(row.file.name)) is not None and copy.existing.md5 == row.file.md5
    }
    return Names(on_disk, basenames, copies)
