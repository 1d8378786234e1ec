"""Choosing what becomes of received files: here disk and catalogue are asked, the rules of ``planning`` decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from photobus_common.config import Settings
from photobus_common.photos.filenames import ParsedName
from photobus_common.storage.project_folder import ProjectFolder, trash_folder
from photobus_common.store import photos, upload_renames, uploads
from photobus_common.store.database import Connection
from photobus_common.store.file_operations import basenames_in_motion, names_being_moved
from photobus_common.store.upload_renames import BatchName
from photobus_common.store.uploads import Elsewhere
from photobus_gateway.uploads.answers import UploadResult, UploadStatus, refused
from photobus_gateway.uploads.files import Received, UploadProject
from photobus_gateway.uploads.intents import Intent, Replaced
from photobus_gateway.uploads.occupants import Occupant, occupants
from photobus_gateway.uploads.planning import Decision, Motion, Overwrite, Rename, Surroundings, decide
from photobus_gateway.uploads.putting import replaced_by
from photobus_gateway.uploads.renames import Claimed, Names, Renamer
from photobus_gateway.uploads.threads import in_thread


@dataclass(frozen=True)
class InMotion:
    """Names of files and basenames of photos in the project that the file mover is about to free or to take."""

    names: frozenset[str]
    basenames: frozenset[str]

    def of(self, parsed: ParsedName) -> Motion | None:
        """Say what the file's name waits for."""
        if parsed.basename in self.basenames:
            return "being_moved"
        return "being_removed" if parsed.name in self.names else None


@dataclass(frozen=True)
class Seen:
    """What the project holds: ids of its photos by basename, what lies under the files' names, and other names."""

    own: Mapping[str, int]
    occupants: Mapping[str, Occupant]
    renamed: Mapping[BatchName, str]
    names: Names
    in_motion: InMotion


@dataclass(frozen=True)
class _Chosen:
    """What was chosen so far, with the names that it takes and what it renames."""

    items: list[UploadResult | Intent] = field(default_factory=list)
    claimed: Claimed = field(default_factory=Claimed)
    renamed: dict[BatchName, str] = field(default_factory=dict)

    def add(self, item: UploadResult | Intent) -> None:
        self.items.append(item)
        if isinstance(item, Intent):
            self.claimed.targets.add(item.target)
            self.claimed.basenames.add(item.basename)


class Chooser:
    """Decides under the lock of the project's folder, in the transaction that records the intents."""

    def __init__(self, settings: Settings) -> None:
        self._unique = settings.library.unique_names == "library"
        self._renamer = Renamer(settings)

    async def look(
        self, connection: Connection, project: UploadProject, folder: ProjectFolder, files: Sequence[Received]
    ) -> Seen:
        """Return what the project holds, before the transaction begins: the disk may take its time."""
        known = await photos.photos_of_basenames(connection, project.project_id, _basenames(files))
        found = await in_thread(occupants, folder, [file.parsed.name for file in files], known.files)
        in_motion = InMotion(
            await names_being_moved(connection, project.project_id),
            await basenames_in_motion(connection, project.project_id),
        )
        willing = [file for file in files if file.wish.on_conflict == "rename"]
        if not willing:
            return Seen(known.ids, found, {}, Names(), in_motion)
        batch_names = sorted({name for file in willing if (name := _batch_name(file)) is not None})
        renamed = await upload_renames.renames_of(connection, project.project_id, batch_names)
        needed = renamed or any(_is_taken(found.get(file.parsed.name), file) for file in willing)
        names = await self._renamer.look(connection, project, folder, willing) if needed else Names()
        names = replace(names, on_disk=names.on_disk | in_motion.names, basenames=names.basenames | in_motion.basenames)
        return Seen(known.ids, found, renamed, names, in_motion)

    async def choose(
        self,
        connection: Connection,
        project: UploadProject,
        files: Sequence[Received],
        seen: Seen,
        trashed_at: datetime,
    ) -> list[UploadResult | Intent]:
        """Decide on the files in order, and note renames, up to one whose name another is about to get.

        That one has to see what became of the other, so it and what follows are not decided on; the first always is.
        """
        new = [name for name in _basenames(files) if name not in seen.own]
        elsewhere = await self._elsewhere(connection, project, new)
        chosen = _Chosen(renamed=dict(seen.renamed))
        for file in files:
            if file.parsed.name in chosen.claimed.targets:
                break
            occupant = seen.occupants.get(file.parsed.name)
            basename = file.parsed.basename
            surroundings = Surroundings(
                existing=occupant.existing if occupant else None,
                own_photo=seen.own.get(basename),
                elsewhere=elsewhere.get(basename),
                renamed_in_batch=_renamed(chosen, file),
                in_motion=seen.in_motion.of(file.parsed),
            )
            decision = decide(
                file.parsed, file.md5, file.wish.on_conflict, surroundings, moves_here=file.wish.moves_here
            )
            match decision:
                case UploadResult():
                    chosen.add(decision)
                case Rename():
                    await self._rename(connection, project, file, decision, seen, chosen)
                case _:
                    chosen.add(_placed(decision, occupant, file, trashed_at))
        if new_names := dict(chosen.renamed.items() - seen.renamed.items()):
            await upload_renames.note_renames(connection, project.project_id, new_names)
        return chosen.items

    async def _rename(
        self,
        connection: Connection,
        project: UploadProject,
        file: Received,
        decision: Rename,
        seen: Seen,
        chosen: _Chosen,
    ) -> None:
        renamed = await self._renamer.rename(connection, project, file, decision.basename, seen.names, chosen.claimed)
        if renamed.basename in seen.in_motion.basenames:  # of an earlier copy, or of the photo that it follows
            chosen.add(refused(file.parsed.name, "being_moved"))
            return
        chosen.add(renamed.outcome)
        batch_name = _batch_name(file)
        if batch_name is not None and renamed.basename is not None:
            chosen.renamed[batch_name] = renamed.basename

    async def _elsewhere(
        self, connection: Connection, project: UploadProject, basenames: Sequence[str]
    ) -> Mapping[str, Elsewhere]:
        """Return other projects that have these basenames, or are about to; keep others from taking them meanwhile."""
        if not self._unique or not basenames:
            return {}
        await uploads.lock_basenames(connection, project.tenant, basenames)
        return await uploads.projects_with_basenames(connection, project.tenant, project.project_id, basenames)


def _placed(decision: Decision, occupant: Occupant | None, file: Received, trashed_at: datetime) -> Intent:
    """Return the intent to put the file under its own name."""
    replaces: Replaced | None = None
    if isinstance(decision, Overwrite) and occupant is not None:
        folder = trash_folder(trashed_at, file.temporary.upload_id)
        replaces = replaced_by(occupant.entry, occupant.existing.md5, folder)
    status: UploadStatus = "overwritten" if replaces else "created"
    return Intent.of(file, file.parsed.name, file.parsed.basename, status, replaces)


def _is_taken(occupant: Occupant | None, file: Received) -> bool:
    return occupant is not None and occupant.existing.md5 != file.md5


def _renamed(chosen: _Chosen, file: Received) -> str | None:
    batch_name = _batch_name(file)
    return None if batch_name is None else chosen.renamed.get(batch_name)


def _batch_name(file: Received) -> BatchName | None:
    return None if file.wish.batch is None else (file.wish.batch, file.parsed.basename)


def _basenames(files: Sequence[Received]) -> list[str]:
    return sorted({file.parsed.basename for file in files})
