"""``duplicate_resolution``: files without a row whose basename another project's photo has get a name of their own.

Only where basenames are unique in the library, and before ``folder_check``, which leaves such files alone. All files of
the basename are renamed alike, what is going to be done being on record before the first. A photo that was moved by
hand is left: its files are gone from where it was, and it is known again by their bytes.
"""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from photobus_common.photos.filenames import ParsedName, parse
from photobus_common.storage.folder import Entry
from photobus_common.store.database import Connection
from photobus_common.store.file_renames import FileRename, names_with_rows, record_renames, taken_basenames
from photobus_common.store.namesakes import namesakes, unknown_basenames
from photobus_common.store.reconciliation import names_in_motion
from photobus_common.store.uploads import lock_basenames
from photobus_common.worker import Job
from photobus_common.worker.blocking import in_thread_beside
from photobus_maintenance.context import Context
from photobus_maintenance.duplicates import free_basenames, targets_of
from photobus_maintenance.manifests import manifest_state
from photobus_maintenance.moved_by_hand import moved_by_hand
from photobus_maintenance.renames_on_record import finish_renames, renamed_before
from photobus_maintenance.rounds import START, Manner, visit_projects
from photobus_maintenance.settling import settling
from photobus_maintenance.visits import Visit, keep_project

PORTION: Final = 200
"""Basenames that are put on record, and then renamed, together."""

ASKED: Final = 2000
"""Basenames that are looked for in the rows at once."""

_UNTRACKED: Final = "untracked"
_LOOKED_AT: Final = "looked_at"


@dataclass(frozen=True)
class Group:
    """All files of one basename in the folder."""

    basename: str
    files: tuple[tuple[ParsedName, Entry], ...]

    @property
    def parsed(self) -> tuple[ParsedName, ...]:
        """Their names."""
        return tuple(parsed for parsed, _ in self.files)

    @property
    def names(self) -> tuple[str, ...]:
        """The same as plain text."""
        return tuple(parsed.name for parsed in self.parsed)

    @property
    def is_photo(self) -> bool:
        """Whether it is more than sidecars."""
        return any(parsed.kind != "sidecar" for parsed in self.parsed)

    def is_settled(self, settles: Callable[[Entry], bool]) -> bool:
        """Whether nobody is writing to any of them any more."""
        return not any(settles(entry) for _, entry in self.files)


class DuplicateResolution:
    """The handler of the job type."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, job: Job) -> None:
        """Go through the folders of the job's projects."""
        if self._context.settings.library.unique_names == "library":
            await visit_projects(job, self._context, _resolve, Manner(by_photos=False))


async def _resolve(visit: Visit) -> None:
    await manifest_state(visit)  # raises for a folder that is another project's
    visit = await renamed_before(visit)
    groups, after = _groups(visit), _looked_at(visit)
    if after:
        visit.pending.append(_UNTRACKED)
    basenames = sorted(name for name, group in groups.items() if group.is_photo and name > after)
    async for portion in _unknown(visit, basenames):
        # Whether one of these names is another photo's does not show in this folder, so it is not marked as done.
        visit.pending.append(_UNTRACKED)
        duplicates = await _duplicates(visit, [groups[name] for name in portion])
        if duplicates:
            async with visit.folder.locked(visit.context.settings.maintenance.lock_wait_seconds):
                await _record(visit, duplicates, groups.keys())
                await finish_renames(visit)
        if visit.job.should_hand_back:
            await _note(visit, portion[-1])
            visit.job.hand_back_if_asked()


def _looked_at(visit: Visit) -> str:
    """Return the last basename of the project that a run of the job looked at, before it was asked back."""
    known = (visit.job.cursor or {}).get(_LOOKED_AT, {})
    return str(known["basename"]) if known.get("project") == visit.project.id else ""


async def _note(visit: Visit, basename: str) -> None:
    """Let the next run go on behind ``basename``: photos that were moved by hand are read to be told from others."""
    async with visit.report.checkpoint() as work:
        looked_at = {"project": visit.project.id, "basename": basename}
        await visit.job.save_cursor({**START, **(visit.job.cursor or {}), _LOOKED_AT: looked_at}, work)


def _groups(visit: Visit) -> dict[str, Group]:
    found: dict[str, list[tuple[ParsedName, Entry]]] = {}
    for entry in visit.entries or ():
        parsed = parse(entry.name, visit.context.settings.uploader)
        if isinstance(parsed, ParsedName):
            found.setdefault(parsed.basename, []).append((parsed, entry))
    return {name: Group(name, tuple(files)) for name, files in found.items()}


async def _unknown(visit: Visit, basenames: Sequence[str]) -> AsyncIterator[list[str]]:
    """Yield the basenames that no photo of the project has, by portions."""
    for start in range(0, len(basenames), ASKED):
        async with visit.job.database.connection() as connection:
            unknown = await unknown_basenames(connection, visit.project.id, basenames[start : start + ASKED])
        for first in range(0, len(unknown), PORTION):
            yield unknown[first : first + PORTION]


async def _duplicates(visit: Visit, groups: Sequence[Group]) -> list[Group]:
    """Return those whose basename another project's photo has, and that are not just that photo's own files."""
    project = visit.project
    async with visit.job.database.connection() as connection:
        others = await namesakes(connection, project.tenant, project.id, [group.basename for group in groups])
        free = await _at_rest(connection, visit, [group for group in groups if group.basename in others])
    moved = await moved_by_hand(visit, {group.basename: group.files for group in free}, others)
    return [group for group in free if group.basename not in moved]


async def _at_rest(connection: Connection, visit: Visit, groups: Sequence[Group]) -> list[Group]:
    """Return the groups of which no file is being written, is in motion, or has a row."""
    settles = settling(visit.context.settings.maintenance)
    names = [name for group in groups for name in group.names]
    busy = await names_in_motion(connection, visit.project.id) | await names_with_rows(
        connection, visit.project.id, names
    )
    return [group for group in groups if group.is_settled(settles) and busy.isdisjoint(group.names)]


async def _record(visit: Visit, duplicates: Sequence[Group], present: Collection[str]) -> None:
    """Put on record which names what is still as it was will get; the caller holds the folder's lock."""
    project = visit.project
    by_base = {group.basename: group for group in duplicates}
    parsed = {base: group.parsed for base, group in by_base.items()}
    async with visit.job.database.connection() as connection:
        chosen = await free_basenames(connection, project.tenant, visit.folder, parsed, present)
    async with visit.report.checkpoint() as work:
        await keep_project(visit, work.connection)
        await lock_basenames(work.connection, project.tenant, sorted({*chosen, *chosen.values()}))
        still = await _still_duplicates(work.connection, visit, duplicates)
        lost = await taken_basenames(work.connection, project.tenant, [chosen[group.basename] for group in still])
        renames = [
            _rename(visit, group, chosen[group.basename]) for group in still if chosen[group.basename] not in lost
        ]
        await record_renames(work.connection, renames)


async def _still_duplicates(connection: Connection, visit: Visit, groups: Sequence[Group]) -> list[Group]:
    basenames = [group.basename for group in groups]
    unknown = await unknown_basenames(connection, visit.project.id, basenames)
    others = await namesakes(connection, visit.project.tenant, visit.project.id, unknown)
    resting = await _at_rest(connection, visit, [group for group in groups if group.basename in others])
    return await in_thread_beside(connection, _unchanged, visit, resting)


def _unchanged(visit: Visit, groups: Sequence[Group]) -> list[Group]:
    return [group for group in groups if all(visit.folder.stat(entry.name) == entry for _, entry in group.files)]


def _rename(visit: Visit, group: Group, basename: str) -> FileRename:
    return FileRename(
        tenant=visit.project.tenant,
        project_id=visit.project.id,
        task_id=visit.job.command.task_id,
        cause="duplicate_resolution",
        names=group.names,
        targets=targets_of(group.parsed, basename),
        basename=basename,
    )
