"""The one transaction in which operations are carried out: files, rows, events and outcomes of items become true in it.

The photos' rows are held while their files go, so that nobody can decide to keep one in between. A process that dies
in it leaves the operations open and the rows as they were; the next one finds on disk how far it came. So it is with
one that is stopped for longer than its lease: Postgres ends its transaction, and what it does to files when it wakes
is found too.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from photobus_common.removal import RemovablePhoto
from photobus_common.store.file_operations import FileOperation, end_operations, open_operations
from photobus_common.store.removals import removable_photos
from photobus_common.store.undoing import undone_by
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker.blocking import in_thread_beside
from photobus_filemover.bringing_back import Brought, bring_back
from photobus_filemover.carrying_out import Ended, carry_out
from photobus_filemover.carrying_over import carry_over
from photobus_filemover.disk import opened_disks
from photobus_filemover.moved import Moved, obstacles, write_moved
from photobus_filemover.places import Places
from photobus_filemover.removed import Removed, write_removed
from photobus_filemover.restored import Restored, Return, returns, write_restored
from photobus_filemover.settling import Cause, Settled

_MOVES: Final = frozenset({"move", "move_derivative"})
_REMOVALS: Final = frozenset({"trash", "remove_derivative"})


@dataclass(frozen=True)
class _Work:
    """Operations by what they do: removals by project, moves and returns by photo; ``obstacles`` to moves, by photo."""

    removing: Mapping[int, Sequence[FileOperation]]
    moving: Mapping[int, Sequence[FileOperation]]
    returning: Mapping[int, Return]
    photos: Mapping[int, RemovablePhoto]
    obstacles: Mapping[int, str]


async def complete(work: UnitOfWork, places: Places, asked: Mapping[int, Cause]) -> list[Settled]:
    """Carry out what is on record for the places, and settle the photos ``asked`` about that have no files to remove.

    The caller writes the outcomes of the items.
    """
    connection = work.connection
    operations = completable(places, await open_operations(connection, places.ids, lock=True))
    causes = {**asked, **{one.photo_id: Cause.of(one) for one in operations}}
    photos = await removable_photos(connection, places.tenant, sorted(causes), lock=True)
    undone = await undone_by(connection, sorted({cause.task_id for cause in causes.values()}))
    undos = {photo: undone[cause.task_id] for photo, cause in causes.items() if cause.task_id in undone}
    moving = _grouped((one.photo_id, one) for one in operations if one.kind in _MOVES)
    removing = _grouped((one.project_id, one) for one in operations if one.kind in _REMOVALS)
    returning = await returns(connection, places, operations, undos, photos)
    todo = _Work(removing, moving, returning, photos, await obstacles(connection, places, moving, photos))
    ended, brought = await in_thread_beside(connection, _carry_out, places, todo)
    await end_operations(connection, [(one.operation.id, one.outcome) for one in ended])
    by_photo = _grouped_ended(ended)
    moved = [
        Moved(causes[photo], photo, photos.get(photo), by_photo[photo], todo.obstacles.get(photo)) for photo in moving
    ]
    restored = [Restored(causes[photo], photo, plan, brought[photo]) for photo, plan in returning.items()]
    others = {photo: cause for photo, cause in causes.items() if photo not in moving and photo not in returning}
    removed = await _removed(work, places, others, photos, by_photo, undos)
    await write_moved(work, places, moved)
    await write_restored(work, places, restored)
    return [*moved, *removed, *restored]


def completable(places: Places, operations: Iterable[FileOperation]) -> list[FileOperation]:
    """Return the operations whose folders are there.

    A project's folder that is not where its row says may have been renamed by hand: they wait for it. That of a deleted
    project does not come back by itself.

    Each names the disk of its file by the number that it has here and now: after a restart, or on another machine, that
    may be another than when the operation was put on record.
    """
    numbers = {project: place.folder.identity[0] for project, place in places.by_id.items() if place.folder is not None}
    seen = [one for one in operations if all(_can_be_seen(places, project) for project in _projects(one))]
    return [replace(one, device=numbers.get(one.project_id, one.device)) for one in seen]


def _can_be_seen(places: Places, project_id: int) -> bool:
    place = places.by_id.get(project_id)
    return place is not None and (place.folder is not None or (place.is_gone and not place.project.active))


def _projects(operation: FileOperation) -> set[int]:
    return {operation.project_id, operation.target_project_id or operation.project_id}


def _carry_out(places: Places, todo: _Work) -> tuple[list[Ended], dict[int, Brought]]:
    ended: list[Ended] = []
    brought: dict[int, Brought] = {}
    with opened_disks(places.by_id.values()) as disks:
        for project_id, operations in todo.removing.items():
            of_project = {photo.id: photo for photo in todo.photos.values() if photo.project_id == project_id}
            if project_id in disks:
                ended += carry_out(disks[project_id], operations, of_project)
            else:
                ended += [Ended(one, "missing") for one in operations]
        for photo_id, operations in todo.moving.items():
            ended += carry_over(disks, operations, wanted=photo_id not in todo.obstacles)
        for photo_id, plan in todo.returning.items():
            disk = disks.get(plan.place.project_id)
            brought[photo_id] = bring_back(disk, plan.operations, wanted=plan.obstacle is None)
            ended += brought[photo_id].ended
    return ended, brought


async def _removed(
    work: UnitOfWork,
    places: Places,
    causes: Mapping[int, Cause],
    photos: Mapping[int, RemovablePhoto],
    ended: Mapping[int, tuple[Ended, ...]],
    undos: Container[int],
) -> list[Removed]:
    settled: list[Removed] = []
    for project_id, place in places.by_id.items():
        own = [
            Removed(cause, photo_id, project_id, photo, ended.get(photo_id, ()), undone=photo_id in undos)
            for photo_id, cause in causes.items()
            if (photo := photos.get(photo_id)) is not None and photo.project_id == project_id
        ]
        await write_removed(work, place.project, own)
        settled += own
    known = {one.photo_id for one in settled}
    gone = [
        Removed(cause, photo, places.ids[0], None, ended.get(photo, ()), undone=photo in undos)
        for photo, cause in causes.items()
        if photo not in known
    ]
    return [*settled, *gone]


def _grouped(pairs: Iterable[tuple[int, FileOperation]]) -> dict[int, list[FileOperation]]:
    groups: dict[int, list[FileOperation]] = {}
    for key, operation in pairs:
        groups.setdefault(key, []).append(operation)
    return groups


def _grouped_ended(ended: Iterable[Ended]) -> dict[int, tuple[Ended, ...]]:
    groups: dict[int, tuple[Ended, ...]] = {}
    for one in ended:
        groups[one.operation.photo_id] = (*groups.get(one.operation.photo_id, ()), one)
    return groups
