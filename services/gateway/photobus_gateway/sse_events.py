"""What a live-update client is told of each event of the log. Pure: the same event always gives the same answer.

That matters beyond tests: a frame's id is `<sequence>-<n>` with n counting what one event expands to, and a client may
resume with it at another gateway process, from the ring there or from the archive.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar, cast

from photobus_common.events import Event, EventData
from photobus_common.events.parts import DerivativeStatus
from photobus_common.events.projects import (
    DerivativesUpdated,
    KeepChanged,
    ManifestChanged,
    PhotoAdded,
    PhotoDerivatives,
    PhotoFiles,
    PhotoFilesChanged,
    PhotoKeep,
    PhotoMoved,
    PhotoRestored,
    PhotosAdded,
    PhotosMoved,
    PhotosRemoved,
    PhotosRestored,
    PhotoTags,
    ProjectCanceled,
    ProjectCreated,
    ProjectEvent,
    ProjectRenamed,
    ProjectRestored,
    TagsChanged,
)
from photobus_common.events.tasks import (
    JobCanceled,
    JobCompleted,
    JobEvent,
    JobFailed,
    JobHandedBack,
    JobProgress,
    JobQueued,
    JobStarted,
    TaskCanceled,
    TaskCancelRequested,
    TaskCompleted,
    TaskEvent,
    TaskFailed,
    TaskRequested,
    TaskStarted,
)

Channel = Literal["jobs", "pending-changes"]
CHANNELS: Final[tuple[Channel, ...]] = ("jobs", "pending-changes")

DataT = TypeVar("DataT", bound=EventData)


@dataclass(frozen=True, slots=True)
class SseEvent:
    """One message to clients: the channel it belongs to, its name and its JSON object."""

    channel: Channel
    name: str
    data: dict[str, Any]

    def frame(self, frame_id: str | None) -> bytes:
        """Render in the format of server-sent events; JSON escapes line breaks, so the data is one line."""
        head = f"id: {frame_id}\n" if frame_id else ""
        body = json.dumps(self.data, separators=(",", ":"), ensure_ascii=False)
        return f"{head}event: {self.name}\ndata: {body}\n\n".encode()


def expand(event: Event) -> list[SseEvent]:
    """Return the messages that ``event`` becomes, in order; none for a type listed in ``IGNORED``."""
    handler = HANDLERS.get(event.type)
    return [] if handler is None else handler(event)


# --- tasks ---------------------------------------------------------------------------------------------------------


def _task(name: str, status: str, data: TaskEvent, **more: Any) -> list[SseEvent]:
    body = {"id": str(data.task_id), "type": data.task_type, "status": status, **more}
    return [SseEvent("jobs", name, body)]


def _task_requested(data: TaskRequested, _event: Event) -> list[SseEvent]:
    return _task(
        "task_requested",
        "requested",
        data,
        scope=data.scope,
        source=data.source,
        label=data.label,
        retry_of=str(data.retry_of) if data.retry_of else None,
        undo_of=str(data.undo_of) if data.undo_of else None,
    )


def _task_started(data: TaskStarted, _event: Event) -> list[SseEvent]:
    steps = [{"type": step.job_type, "priority": step.priority, "jobs": step.jobs} for step in data.steps]
    return _task("task_started", "running", data, items=data.items, steps=steps)


def _task_cancel_requested(data: TaskCancelRequested, _event: Event) -> list[SseEvent]:
    return _task("task_cancel_requested", "running", data)


def _task_canceled(data: TaskCanceled, _event: Event) -> list[SseEvent]:
    return _task("task_canceled", "canceled", data)


def _task_completed(data: TaskCompleted, _event: Event) -> list[SseEvent]:
    status = "completed_with_errors" if data.failed else "completed"
    return _task("task_completed", status, data, done=data.done, failed=data.failed, skipped=data.skipped)


def _task_failed(data: TaskFailed, _event: Event) -> list[SseEvent]:
    return _task("task_failed", "failed", data, code=data.code, error=data.reason)


# --- jobs ----------------------------------------------------------------------------------------------------------


def _job(name: str, status: str, data: JobEvent, done: int | None, total: int | None, /, **more: Any) -> list[SseEvent]:
    """``done`` and ``total`` are None where the event does not know them; a client keeps what it had."""
    body = {
        "id": str(data.job_id),
        "task_id": str(data.task_id),
        "task_type": data.task_type,
        "job_type": data.job_type,
        "scope": data.scope,
        "source": data.source,
        "attempt": data.attempt,
        "status": status,
        "progress_done": done,
        "progress_total": total,
        **more,
    }
    return [SseEvent("jobs", name, body)]


def _job_queued(data: JobQueued, _event: Event) -> list[SseEvent]:
    first = data.attempt == 1 and data.dispatch == 1
    return _job("job_update", "queued" if data.attempt == 1 else "retrying", data, 0 if first else None, data.count)


def _job_started(data: JobStarted, _event: Event) -> list[SseEvent]:
    return _job("job_started", "running", data, data.done, data.total)


def _job_progress(data: JobProgress, _event: Event) -> list[SseEvent]:
    return _job("job_update", "running", data, data.done, data.total)


def _job_handed_back(data: JobHandedBack, _event: Event) -> list[SseEvent]:
    return _job("job_update", "queued", data, None, None)


def _job_completed(data: JobCompleted, _event: Event) -> list[SseEvent]:
    total = data.done + data.failed + data.skipped
    counts = {"done": data.done, "failed": data.failed, "skipped": data.skipped}
    return _job("job_completed", "completed", data, total, total, **counts)


def _job_failed(data: JobFailed, _event: Event) -> list[SseEvent]:
    return _job("job_failed", "failed", data, None, None, code=data.code, error=data.reason)


def _job_canceled(data: JobCanceled, _event: Event) -> list[SseEvent]:
    return _job("job_update", "canceled", data, None, None)


# --- projects and photos -------------------------------------------------------------------------------------------


def _item(
    data: ProjectEvent,
    event: Event,
    photo: PhotoAdded | PhotoFiles | PhotoDerivatives | PhotoRestored | PhotoKeep | PhotoTags,
    **told: Any,
) -> SseEvent:
    """Make the message of one photo. What the event does not tell is left out; a client keeps what it had."""
    body = {
        "project_folder": data.project_folder,
        "filename": photo.filename,
        "photo_id": photo.photo_id,
        **{name: value for name, value in told.items() if value is not None},
        "version": photo.version,
        "updated_at": event.time.isoformat(),
    }
    return SseEvent("jobs", "item", body)


def _statuses(photo: PhotoFiles | PhotoDerivatives | PhotoRestored) -> dict[str, DerivativeStatus | None]:
    return {"thumbnail_status": photo.thumbnail_status, "preview_status": photo.preview_status}


def _photos_added(data: PhotosAdded, event: Event) -> list[SseEvent]:
    waiting = {"thumbnail_status": "pending", "preview_status": "pending"}
    return [_item(data, event, photo, **waiting) for photo in data.photos]


def _files_changed(data: PhotoFilesChanged | PhotosRestored, event: Event) -> list[SseEvent]:
    return [_item(data, event, photo, **_statuses(photo)) for photo in data.photos]


def _derivatives_updated(data: DerivativesUpdated, event: Event) -> list[SseEvent]:
    return [_item(data, event, photo, **_statuses(photo), reason=photo.reason) for photo in data.photos]


def _keep_changed(data: KeepChanged, event: Event) -> list[SseEvent]:
    return [
        _item(data, event, photo, keep_jpg=photo.after.jpg, keep_raw=photo.after.raw, keep_other=photo.after.other)
        for photo in data.photos
    ]


def _tags_changed(data: TagsChanged, event: Event) -> list[SseEvent]:
    return [_item(data, event, photo, tags=list(photo.tags)) for photo in data.photos]


def _photos_removed(data: PhotosRemoved, event: Event) -> list[SseEvent]:
    about = {"project_folder": data.project_folder, "updated_at": event.time.isoformat()}
    return [
        SseEvent(
            "jobs",
            "item_removed",
            {**about, "filename": photo.filename, "photo_id": photo.photo_id, "version": photo.version},
        )
        for photo in data.photos
    ]


def _photos_moved(data: PhotosMoved, event: Event) -> list[SseEvent]:
    return [message for photo in data.photos for message in _photo_moved(data, event, photo)]


def _photo_moved(data: PhotosMoved, event: Event, photo: PhotoMoved) -> Iterator[SseEvent]:
    about = {"photo_id": photo.photo_id, "version": photo.version, "updated_at": event.time.isoformat()}
    left = {"project_folder": data.source_project_folder, "filename": photo.source_filename}
    yield SseEvent("jobs", "item_removed", {**left, **about})
    statuses = {"thumbnail_status": photo.thumbnail_status, "preview_status": photo.preview_status}
    came = {"project_folder": data.project_folder, "filename": photo.filename}
    yield SseEvent("jobs", "item_moved", {**came, **about, **statuses})


def _manifest_changed(data: ManifestChanged, _event: Event) -> list[SseEvent]:
    body: dict[str, Any] = {
        "project_folder": data.project_folder,
        "changed": data.changed,
        "created": data.created,
        "removed": data.removed,
    }
    if data.removed:
        body["removed_filenames"] = list(data.removed_filenames)
    return [SseEvent("jobs", "manifest_changed", body)]


def _project_created(data: ProjectCreated, _event: Event) -> list[SseEvent]:
    body = {"project_id": data.project_id, "project_folder": data.project_folder, "name": data.name}
    return [SseEvent("jobs", "project_created", body)]


def _project_renamed(data: ProjectRenamed, _event: Event) -> list[SseEvent]:
    body = {
        "project_id": data.project_id,
        "project_folder": data.project_folder,
        "old_name": data.old_name,
        "name": data.name,
        "version": data.version,
    }
    return [SseEvent("jobs", "project_renamed", body)]


def _project_canceled(data: ProjectCanceled, _event: Event) -> list[SseEvent]:
    body = {"project_id": data.project_id, "project_folder": data.project_folder, "name": data.name}
    return [SseEvent("jobs", "project_canceled", {**body, "version": data.version})]


def _project_restored(data: ProjectRestored, _event: Event) -> list[SseEvent]:
    body = {"project_id": data.project_id, "project_folder": data.project_folder, "name": data.name}
    return [SseEvent("jobs", "project_restored", {**body, "version": data.version})]


# --- the tables ----------------------------------------------------------------------------------------------------

Expansion = Callable[[Event], list[SseEvent]]


def _of(model: type[DataT], expansion: Callable[[DataT, Event], list[SseEvent]]) -> tuple[str, Expansion]:
    """Pair a type word with its expansion, which takes the data in its own type."""
    return model.TYPE, lambda event: expansion(cast(DataT, event.data), event)


HANDLERS: Final[dict[str, Expansion]] = dict(
    (
        _of(TaskRequested, _task_requested),
        _of(TaskStarted, _task_started),
        _of(TaskCancelRequested, _task_cancel_requested),
        _of(TaskCanceled, _task_canceled),
        _of(TaskCompleted, _task_completed),
        _of(TaskFailed, _task_failed),
        _of(JobQueued, _job_queued),
        _of(JobStarted, _job_started),
        _of(JobProgress, _job_progress),
        _of(JobHandedBack, _job_handed_back),
        _of(JobCompleted, _job_completed),
        _of(JobFailed, _job_failed),
        _of(JobCanceled, _job_canceled),
        _of(ProjectCreated, _project_created),
        _of(ProjectRenamed, _project_renamed),
        _of(ProjectCanceled, _project_canceled),
        _of(ProjectRestored, _project_restored),
        _of(PhotosAdded, _photos_added),
        _of(PhotoFilesChanged, _files_changed),
        _of(DerivativesUpdated, _derivatives_updated),
        _of(PhotosRemoved, _photos_removed),
        _of(PhotosRestored, _files_changed),
        _of(PhotosMoved, _photos_moved),
        _of(KeepChanged, _keep_changed),
        _of(TagsChanged, _tags_changed),
        _of(ManifestChanged, _manifest_changed),
    ),
)

IGNORED: Final[dict[str, str]] = {
    "TargetsResolved": "the snapshot of photos is of no use to a client; TaskStarted says how many they are",
    "TargetsUnresolvable": "the TaskFailed that follows gives the reason",
    "JobAttemptFailed": "the JobQueued or JobFailed that follows says what became of the job",
    "JobLost": "the JobQueued that follows says that it waits again",
    "FilesTrashed": "the PhotoFilesChanged or PhotosRemoved beside it says how the photo stands",
    "FilesRestored": "the PhotoFilesChanged or PhotosRestored beside it says how the photo stands",
    "ProjectTrashed": "the ProjectCanceled before it said that the project is gone",
    "TokenCreated": "who may do what is no live update",
    "TokenRevoked": "told to nobody; the hub ends the streams of who bears that token",
}

CHANGES_PENDING_DELETIONS: Final = frozenset(
    {
        *("PhotosAdded", "PhotoFilesChanged", "PhotosRemoved", "PhotosRestored", "PhotosMoved", "KeepChanged"),
        *("ProjectCanceled", "ProjectRestored"),
    }
)
"""Events after which the counts of pending deletions may differ: they change what is available or kept."""
