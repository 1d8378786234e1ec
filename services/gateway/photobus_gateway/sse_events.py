"""What a live-update client is told of each event of the log. Pure: the same event always gives the same answer.

That matters beyond tests: a frame's id is `<sequence>-<n>` with n counting what one event expands to, and a client may
resume with it at another gateway process, from the ring there or from the archive.
"""

from collections.abc import Iterator
from typing import Any, Final

from photobus_common.events import Event
from photobus_common.events.confirmations import JobWaiting
from photobus_common.events.maintenance import MetadataUpdated, PhotoMetadata
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
from photobus_gateway import sse_confirmations, sse_maintenance, sse_schedules
from photobus_gateway.sse_messages import Expansion, SseEvent, expansion_of


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
    why = {} if data.code is None else {"code": data.code, "error": data.reason}
    return _task("task_cancel_requested", "running", data, **why)


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


def _job_waiting(data: JobWaiting, _event: Event) -> list[SseEvent]:
    asked = {"confirmation_ids": [str(one) for one in data.confirmation_ids]}
    return [*_job("job_update", "waiting", data, None, None, **asked), *_task("task_waiting", "waiting", data, **asked)]


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
    photo: PhotoAdded | PhotoFiles | PhotoDerivatives | PhotoRestored | PhotoKeep | PhotoTags | PhotoMetadata,
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
    return [_item(data, event, photo, change="added", **waiting) for photo in data.photos]


def _files_changed(data: PhotoFilesChanged, event: Event) -> list[SseEvent]:
    return [_item(data, event, photo, change="files", **_statuses(photo)) for photo in data.photos]


def _photos_restored(data: PhotosRestored, event: Event) -> list[SseEvent]:
    return [_item(data, event, photo, change="restored", **_statuses(photo)) for photo in data.photos]


def _derivatives_updated(data: DerivativesUpdated, event: Event) -> list[SseEvent]:
    return [_item(data, event, photo, **_statuses(photo), reason=photo.reason) for photo in data.photos]


def _keep_changed(data: KeepChanged, event: Event) -> list[SseEvent]:
    return [
        _item(data, event, photo, keep_jpg=photo.after.jpg, keep_raw=photo.after.raw, keep_other=photo.after.other)
        for photo in data.photos
    ]


def _tags_changed(data: TagsChanged, event: Event) -> list[SseEvent]:
    return [_item(data, event, photo, tags=list(photo.tags)) for photo in data.photos]


def _metadata_updated(data: MetadataUpdated, event: Event) -> list[SseEvent]:
    return [_item(data, event, photo, **photo.after) for photo in data.photos]


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

HANDLERS: Final[dict[str, Expansion]] = dict(
    (
        *sse_maintenance.HANDLERS.items(),
        *sse_confirmations.HANDLERS.items(),
        *sse_schedules.HANDLERS.items(),
        expansion_of(TaskRequested, _task_requested),
        expansion_of(TaskStarted, _task_started),
        expansion_of(TaskCancelRequested, _task_cancel_requested),
        expansion_of(TaskCanceled, _task_canceled),
        expansion_of(TaskCompleted, _task_completed),
        expansion_of(TaskFailed, _task_failed),
        expansion_of(JobQueued, _job_queued),
        expansion_of(JobStarted, _job_started),
        expansion_of(JobProgress, _job_progress),
        expansion_of(JobHandedBack, _job_handed_back),
        expansion_of(JobWaiting, _job_waiting),
        expansion_of(JobCompleted, _job_completed),
        expansion_of(JobFailed, _job_failed),
        expansion_of(JobCanceled, _job_canceled),
        expansion_of(ProjectCreated, _project_created),
        expansion_of(ProjectRenamed, _project_renamed),
        expansion_of(ProjectCanceled, _project_canceled),
        expansion_of(ProjectRestored, _project_restored),
        expansion_of(PhotosAdded, _photos_added),
        expansion_of(PhotoFilesChanged, _files_changed),
        expansion_of(DerivativesUpdated, _derivatives_updated),
        expansion_of(PhotosRemoved, _photos_removed),
        expansion_of(PhotosRestored, _photos_restored),
        expansion_of(PhotosMoved, _photos_moved),
        expansion_of(KeepChanged, _keep_changed),
        expansion_of(TagsChanged, _tags_changed),
        expansion_of(MetadataUpdated, _metadata_updated),
        expansion_of(ManifestChanged, _manifest_changed),
    ),
)

IGNORED: Final[dict[str, str]] = {
    **sse_maintenance.IGNORED,
    "TargetsResolved": "the snapshot of photos is of no use to a client; TaskStarted says how many they are",
    "TargetsUnresolvable": "the TaskFailed that follows gives the reason",
    "JobAttemptFailed": "the JobQueued or JobFailed that follows says what became of the job",
    "JobLost": "the JobQueued that follows says that it waits again",
    "FilesTrashed": "the PhotoFilesChanged or PhotosRemoved beside it says how the photo stands",
    "FilesRestored": "the PhotoFilesChanged or PhotosRestored beside it says how the photo stands",
    "ProjectTrashed": "the ProjectCanceled before it said that the project is gone",
    "TenantCreated": "nobody can listen yet",
    "TokenCreated": "who may do what is no live update",
    "TokenRevoked": "told to nobody; the hub ends the streams of who bears that token",
}

CHANGES_PENDING_DELETIONS: Final = frozenset(
    {
        *("PhotosAdded", "PhotoFilesChanged", "PhotosRemoved", "PhotosRestored", "PhotosMoved", "KeepChanged"),
        *("ProjectCanceled", "ProjectRestored"),
        *sse_maintenance.CHANGES_PENDING_DELETIONS,
    }
)
"""Events after which the counts of pending deletions may differ: they change what is available or kept."""
