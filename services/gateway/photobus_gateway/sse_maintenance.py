"""What a live-update client is told of the events of maintenance. Pure, as all of ``sse_events``."""

from collections.abc import Iterator
from typing import Any, Final

from photobus_common.events import Event
from photobus_common.events.maintenance import (
    FolderRenamed,
    PhotosRecognized,
    ProjectDiscovered,
    ProjectRemoved,
    ProjectReturned,
)
from photobus_common.events.projects import PhotoMoved
from photobus_gateway.sse_messages import Expansion, SseEvent, expansion_of


def _project_discovered(data: ProjectDiscovered, _event: Event) -> list[SseEvent]:
    return [SseEvent("jobs", "project_discovered", {**_project(data), "version": data.version})]


def _project_returned(data: ProjectReturned, _event: Event) -> list[SseEvent]:
    """Tell that a project is back; a client need not know how it came."""
    return [SseEvent("jobs", "project_restored", {**_project(data), "version": data.version})]


def _project_removed(data: ProjectRemoved, _event: Event) -> list[SseEvent]:
    return [SseEvent("jobs", "project_removed", _project(data))]


def _project(data: ProjectDiscovered | ProjectReturned | ProjectRemoved) -> dict[str, Any]:
    return {"project_id": data.project_id, "project_folder": data.project_folder, "name": data.name}


def _folder_renamed(data: FolderRenamed, _event: Event) -> list[SseEvent]:
    body = {
        "project_id": data.project_id,
        "old_folder": data.old_folder,
        "new_folder": data.new_folder,
        "project_name": data.project_name,
        "version": data.version,
    }
    return [SseEvent("jobs", "folder_renamed", body)]


def _photos_recognized(data: PhotosRecognized, event: Event) -> list[SseEvent]:
    return [message for photo in data.photos for message in _photo_recognized(data, event, photo)]


def _photo_recognized(data: PhotosRecognized, event: Event, photo: PhotoMoved) -> Iterator[SseEvent]:
    """One that was only renamed stays where it is; one from another folder leaves that and comes here, like a move."""
    told = {
        "photo_id": photo.photo_id,
        "thumbnail_status": photo.thumbnail_status,
        "preview_status": photo.preview_status,
        "version": photo.version,
        "updated_at": event.time.isoformat(),
    }
    here = {"project_folder": data.project_folder, "filename": photo.filename}
    if data.source_project_id == data.project_id:
        yield SseEvent("jobs", "item", {**here, **told})
        return
    left = {name: told[name] for name in ("photo_id", "version", "updated_at")}
    source = {"project_folder": data.source_project_folder, "filename": photo.source_filename}
    yield SseEvent("jobs", "item_removed", {**source, **left})
    yield SseEvent("jobs", "item_moved", {**here, **told})


HANDLERS: Final[dict[str, Expansion]] = dict(
    (
        expansion_of(ProjectDiscovered, _project_discovered),
        expansion_of(ProjectReturned, _project_returned),
        expansion_of(ProjectRemoved, _project_removed),
        expansion_of(FolderRenamed, _folder_renamed),
        expansion_of(PhotosRecognized, _photos_recognized),
    ),
)

IGNORED: Final[dict[str, str]] = {
    "FindingsReported": "the report of the run has them; nothing that a client shows has changed",
    "FilesRenamed": "they had no row yet; the PhotosAdded that follows tells of them",
    "StrayFilesTrashed": "they were nothing that a client shows",
    "TrashEmptied": "what lay in the trash was not shown any more",
    "LibraryTrashEmptied": "the same",
}

CHANGES_PENDING_DELETIONS: Final = frozenset({"FolderRenamed", "PhotosRecognized", "ProjectReturned", "ProjectRemoved"})
"""The state names each project's folder, so that a renamed folder changes it too."""
