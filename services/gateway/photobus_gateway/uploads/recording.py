"""The one transaction after files were put in place: rows, the events that tell of them, how each upload ended."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from photobus_common.events import Origin, cut_by_bytes
from photobus_common.events.projects import (
    FileFact,
    FilesTrashed,
    PhotoAdded,
    PhotoFiles,
    PhotoFilesChanged,
    PhotosAdded,
    TrashedFile,
)
from photobus_common.photos.exif import Exif
from photobus_common.storage.project_folder import modified_at
from photobus_common.store import photos, upload_batches, uploads
from photobus_common.store.photos import Arrival, KnownPhotos, Recorded, StoredFile
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_gateway.uploads.answers import UploadResult, answer, printable, refused
from photobus_gateway.uploads.files import UploadProject
from photobus_gateway.uploads.putting import Obstacle, Put


async def record(
    work: UnitOfWork, origin: Origin, project: UploadProject, done: Sequence[Put | Obstacle]
) -> list[UploadResult]:
    """Write what was done on disk for files of one project and actor; return the answers in their order."""
    put = _first_of_each_name(done)
    basenames = sorted({item.intent.basename for item in done})
    known = await photos.photos_of_basenames(work.connection, project.project_id, basenames)
    arrivals = _arrivals(put, known)
    recorded = await photos.record_files(work.connection, project.tenant, project.project_id, known, arrivals)
    changes = {change.basename: change for change in recorded}
    _tell_of_photos(work, origin, project, recorded)
    _tell_of_trash(work, origin, project, done, {**known.ids, **{name: one.photo_id for name, one in changes.items()}})
    first = {item.intent.upload_id for item in put}
    results = [_result(item, changes, repeated=item.intent.upload_id not in first) for item in done]
    await _gather(work, project, origin.actor, put, changes)
    await _settle(work, done, results)
    return results


def _first_of_each_name(done: Sequence[Put | Obstacle]) -> list[Put]:
    """Return what became files; of two uploads of the same bytes under one name the first, for there is one file."""
    firsts: dict[str, Put] = {}
    for item in done:
        if isinstance(item, Put):
            firsts.setdefault(item.entry.name, item)
    return list(firsts.values())


def _arrivals(put: Sequence[Put], known: KnownPhotos) -> list[Arrival]:
    """Return what becomes rows: the files put, and sidecars that waited for them; those without a photo wait on."""
    with_photo = {item.intent.basename for item in put if item.intent.plan.kind != "sidecar"} | known.ids.keys()
    taken = known.files.keys() | {item.entry.name for item in put}
    arrivals = [_arrival(item) for item in put if item.intent.basename in with_photo]
    for item in put:
        for sidecar in item.sidecars:
            if sidecar.entry.name not in taken:
                taken.add(sidecar.entry.name)
                file = StoredFile(
                    sidecar.entry.name, "sidecar", sidecar.entry.size, sidecar.md5, modified_at(sidecar.entry)
                )
                arrivals.append(Arrival(item.intent.basename, file, Exif()))
    return arrivals


def _arrival(item: Put) -> Arrival:
    intent = item.intent
    file = StoredFile(item.entry.name, intent.plan.kind, intent.size, intent.md5, modified_at(item.entry))
    return Arrival(intent.basename, file, item.exif)


def _tell_of_photos(work: UnitOfWork, origin: Origin, project: UploadProject, recorded: Sequence[Recorded]) -> None:
    added = [
        PhotoAdded(
            photo_id=change.photo_id, filename=change.basename, version=change.version, files=_facts(change.arrivals)
        )
        for change in recorded
        if change.created
    ]
    changed = [
        PhotoFiles(
            photo_id=change.photo_id,
            filename=change.basename,
            version=change.version,
            added=_facts(change.arrivals),
            removed=tuple(_fact(file) for file in change.replaced),
            thumbnail_status=change.thumbnail_status,
            preview_status=change.preview_status,
            keep=change.keep,
        )
        for change in recorded
        if not change.created
    ]
    where: dict[str, Any] = {"project_id": project.project_id, "project_folder": project.folder}
    for new in cut_by_bytes(added):
        work.emit(origin.event(PhotosAdded(photos=new, **where)))
    for old in cut_by_bytes(changed):
        work.emit(origin.event(PhotoFilesChanged(photos=old, cause="upload", **where)))


def _tell_of_trash(
    work: UnitOfWork,
    origin: Origin,
    project: UploadProject,
    done: Sequence[Put | Obstacle],
    photo_ids: Mapping[str, int],
) -> None:
    """Tell of files that were replaced, and of those that were to be and cannot be put back, by basename."""
    trashed = [
        TrashedFile(
            photo_id=photo_ids[item.intent.basename],
            name=item.intent.target,
            trash_path=item.trash_path,
            size=item.intent.plan.replaces.size,
            md5=item.intent.plan.replaces.md5 or None,
        )
        for item in done
        if item.trash_path is not None and item.intent.plan.replaces and item.intent.basename in photo_ids
    ]
    for part in cut_by_bytes(trashed):
        work.emit(
            origin.event(
                FilesTrashed(
                    reason="overwritten", files=part, project_id=project.project_id, project_folder=project.folder
                )
            )
        )


def _result(item: Put | Obstacle, recorded: dict[str, Recorded], *, repeated: bool) -> UploadResult:
    intent = item.intent
    if isinstance(item, Obstacle):
        return refused(intent.filename, item.code)
    change = recorded.get(intent.basename)
    if change is None:
        return answer(intent.filename, "created", "waits_for_photo")
    stored_as = None if intent.target == intent.filename else printable(intent.target)
    if repeated:
        return answer(intent.filename, "skipped", "same_bytes", photo_id=change.photo_id, stored_as=stored_as)
    status = intent.plan.status
    if status == "created" and not (change.created and change.arrivals[0].file.name == intent.target):
        status = "paired"
    return UploadResult(
        filename=printable(intent.filename), status=status, photo_id=change.photo_id, stored_as=stored_as
    )


async def _gather(
    work: UnitOfWork, project: UploadProject, actor: str, put: Sequence[Put], recorded: dict[str, Recorded]
) -> None:
    """Let the photos wait for the task that makes their derivatives; a sidecar alone changes no picture."""
    waiting = dict.fromkeys(
        (item.intent.batch or "", recorded[item.intent.basename].photo_id)
        for item in put
        if item.intent.plan.kind != "sidecar"
    )
    if waiting:
        await upload_batches.add_to_batches(work.connection, project.tenant, project.project_id, actor, list(waiting))


async def _settle(work: UnitOfWork, done: Sequence[Put | Obstacle], results: Sequence[UploadResult]) -> None:
    kept: list[uploads.Ending] = []
    forgotten: list[UUID] = []
    for item, result in zip(done, results, strict=True):
        if item.intent.plan.resumable:
            kept.append(ending(item.intent.upload_id, result))
        else:
            forgotten.append(item.intent.upload_id)
    if kept:
        await uploads.settle_uploads(work.connection, kept)
    if forgotten:
        await uploads.forget_uploads(work.connection, forgotten)


def ending(upload_id: UUID, result: UploadResult) -> uploads.Ending:
    """Return how an upload ended, for its row."""
    state: uploads.EndState = "refused" if result.status in {"refused", "conflict"} else "done"
    return uploads.Ending(upload_id, state, result.model_dump(mode="json", exclude_none=True))


def _facts(arrivals: Sequence[Arrival]) -> tuple[FileFact, ...]:
    return tuple(_fact(arrival.file) for arrival in arrivals)


def _fact(file: StoredFile) -> FileFact:
    return FileFact(name=file.name, kind=file.kind, size=file.size, md5=file.md5)
