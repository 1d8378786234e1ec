"""What the rows of projects and photos must be by the log. Pure: events in, rows out.

The log's order is the stream's, and the outbox promises none between processes: of two changes of one photo the second
may stand first in the log. So the changes of a row count in the order of the versions that they tell, which rise by one
with each. Two events may tell the same version of a project: one change told from two sides, in any order.

Not told, and so not known here: what a photo's files say of it (its metadata), by which parameters its derivatives were
made or why they were not, and all times.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Final, Generic, Literal, TypeVar

from photobus_common.catalogue_changes import Kinds
from photobus_common.events import Event
from photobus_common.events.envelope import EventData
from photobus_common.events.maintenance import (
    FolderRenamed,
    MetadataUpdated,
    PhotoMetadata,
    PhotosRecognized,
    ProjectDiscovered,
    ProjectRemoved,
    ProjectReturned,
)
from photobus_common.events.parts import DerivativeStatus, FileKind
from photobus_common.events.projects import (
    DerivativesUpdated,
    FileFact,
    KeepChanged,
    KeptKinds,
    PhotoAdded,
    PhotoDerivatives,
    PhotoFiles,
    PhotoFilesChanged,
    PhotoKeep,
    PhotoMoved,
    PhotoRemoved,
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

DataT = TypeVar("DataT", bound=ProjectEvent)
PartT = TypeVar("PartT")

LAST: Final = 2**63 - 1
"""The version as which the removal of a project's row counts, which tells none: nothing comes after it."""

_SHOWING: Final = ("jpg", "raw", "other")


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file of a photo; ``size`` in bytes, ``md5`` in lower-case hex."""

    name: str
    kind: FileKind
    size: int
    md5: str | None


@dataclass(frozen=True, slots=True)
class PhotoRow:
    """A photo with its files, by name, and its tags, sorted."""

    id: int
    tenant: str
    project_id: int
    filename: str
    version: int
    keep: Kinds
    tags: tuple[str, ...]
    files: tuple[FileRow, ...]
    thumbnail_status: DerivativeStatus
    preview_status: DerivativeStatus

    @property
    def available(self) -> Kinds:
        """Which kinds of file there are."""
        return _kinds(file.kind for file in self.files)

    @property
    def size(self) -> int:
        """Bytes of its files, sidecars left out."""
        return sum(file.size for file in self.files if file.kind != "sidecar")


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A project."""

    id: int
    tenant: str
    name: str
    folder: str
    status: Literal["active", "canceled"]
    version: int


@dataclass(frozen=True, slots=True)
class Change(Generic[DataT, PartT]):
    """What one event says of one photo: ``part`` is the piece of ``data`` that is about it."""

    photo_id: int
    version: int
    tenant: str
    data: DataT
    part: PartT


@dataclass(frozen=True)
class Catalogue:
    """All rows that there must be, by id."""

    projects: Mapping[int, ProjectRow]
    photos: Mapping[int, PhotoRow]


def fold(events: Iterable[Event]) -> Catalogue:
    """Return the rows that ``events``, in the order of the log, lead to."""
    projects: dict[int, list[tuple[str, ProjectEvent]]] = {}
    photos: dict[int, list[Change[Any, Any]]] = {}
    for event in events:
        if isinstance(event.data, ProjectEvent) and type(event.data) in PROJECT_EVENTS:
            projects.setdefault(event.data.project_id, []).append((event.tenant, event.data))
        for change in changes_of(event.tenant, event.data):
            photos.setdefault(change.photo_id, []).append(change)
    folded = (project_of(told) for told in projects.values())
    shown = (photo_of(changes) for changes in photos.values())
    return Catalogue(
        {row.id: row for row in folded if row is not None},
        {row.id: row for row in shown if row is not None},
    )


def project_of(told: Iterable[tuple[str, ProjectEvent]]) -> ProjectRow | None:
    """Return the project that all of the events about it, each with its tenant, lead to; None: its row is gone."""
    row: ProjectRow | None = None
    for tenant, data in sorted(told, key=lambda one: version_of_project(one[1])):
        row = evolve_project(row, tenant, data)
    return row


def photo_of(changes: Iterable[Change[Any, Any]]) -> PhotoRow | None:
    """Return the photo that all of its ``changes`` lead to; None: its row is gone."""
    row: PhotoRow | None = None
    for change in sorted(changes, key=attrgetter("version")):
        row = evolve_photo(row, change)
    return row


def changes_of(tenant: str, data: EventData) -> Iterator[Change[Any, Any]]:
    """Yield what an event says of photos' rows: nothing, but for those in ``PHOTO_EVENTS``."""
    if type(data) in PHOTO_EVENTS:
        told: Any = data
        for part in told.photos:
            yield Change(part.photo_id, part.version, tenant, told, part)


def evolve_photo(row: PhotoRow | None, change: Change[Any, Any]) -> PhotoRow | None:
    """Return the photo after ``change``, the next in the order of versions. Total: a change of nothing is none."""
    return PHOTO_EVENTS[type(change.data)](row, change)


def version_of_project(data: ProjectEvent) -> int:
    """Return the version that the project's row has after the event."""
    match data:
        case ProjectCreated():
            return 1
        case ProjectRemoved():
            return LAST
    told: Any = data
    return int(told.version)


def evolve_project(row: ProjectRow | None, tenant: str, data: ProjectEvent) -> ProjectRow | None:
    """Return the project after an event of ``PROJECT_EVENTS``, the next in the order of versions."""
    return PROJECT_EVENTS[type(data)](row, tenant, data)


# --- photos --------------------------------------------------------------------------------------------------------


def _added(_row: PhotoRow | None, change: Change[PhotosAdded, PhotoAdded]) -> PhotoRow:
    part = change.part
    return PhotoRow(
        id=part.photo_id,
        tenant=change.tenant,
        project_id=change.data.project_id,
        filename=part.filename,
        version=part.version,
        keep=_kinds(file.kind for file in part.files),
        tags=(),
        files=_files(part.files),
        thumbnail_status="pending",
        preview_status="pending",
    )


def _files_changed(row: PhotoRow | None, change: Change[PhotoFilesChanged, PhotoFiles]) -> PhotoRow | None:
    if row is None:
        return None
    part = change.part
    gone = {file.name for file in (*part.removed, *part.added)}
    files = (*(file for file in row.files if file.name not in gone), *_files(part.added))
    return replace(
        row,
        version=part.version,
        files=tuple(sorted(files, key=attrgetter("name"))),
        keep=_kept(part.keep) if part.keep is not None else _kept_before_it_was_told(row, change),
        thumbnail_status=part.thumbnail_status or row.thumbnail_status,
        preview_status=part.preview_status or row.preview_status,
    )


def _kept_before_it_was_told(row: PhotoRow, change: Change[PhotoFilesChanged, PhotoFiles]) -> Kinds:
    """Return what is kept by an older log: what a person said, and what came newly."""
    if change.data.cause not in {"upload", "folder_check"}:
        return row.keep
    came = _kinds(file.kind for file in change.part.added)
    new = (there and not before for there, before in zip(came, row.available, strict=True))
    return Kinds(*(kept or newly for kept, newly in zip(row.keep, new, strict=True)))


def _derivatives_updated(row: PhotoRow | None, change: Change[DerivativesUpdated, PhotoDerivatives]) -> PhotoRow | None:
    if row is None:
        return None
    part = change.part
    return replace(
        row, version=part.version, thumbnail_status=part.thumbnail_status, preview_status=part.preview_status
    )


def _removed(_row: PhotoRow | None, _change: Change[PhotosRemoved, PhotoRemoved]) -> None:
    return None


def _restored(_row: PhotoRow | None, change: Change[PhotosRestored, PhotoRestored]) -> PhotoRow:
    part = change.part
    return PhotoRow(
        id=part.photo_id,
        tenant=change.tenant,
        project_id=change.data.project_id,
        filename=part.filename,
        version=part.version,
        keep=_kept(part.keep),
        tags=tuple(sorted(part.tags)),
        files=_files(file for file in part.files if file.md5 is not None),
        thumbnail_status=part.thumbnail_status,
        preview_status=part.preview_status,
    )


def _moved(row: PhotoRow | None, change: Change[PhotosMoved | PhotosRecognized, PhotoMoved]) -> PhotoRow | None:
    if row is None:
        return None
    part = change.part
    files = (FileRow(file.name, file.kind, file.size, file.md5) for file in part.files)
    return replace(
        row,
        project_id=change.data.project_id,
        filename=part.filename,
        version=part.version,
        keep=row.keep if part.keep is None else _kept(part.keep),
        files=tuple(sorted(files, key=attrgetter("name"))),
        thumbnail_status=part.thumbnail_status,
        preview_status=part.preview_status,
    )


def _keep_changed(row: PhotoRow | None, change: Change[KeepChanged, PhotoKeep]) -> PhotoRow | None:
    return None if row is None else replace(row, version=change.version, keep=_kept(change.part.after))


def _tags_changed(row: PhotoRow | None, change: Change[TagsChanged, PhotoTags]) -> PhotoRow | None:
    return None if row is None else replace(row, version=change.version, tags=tuple(sorted(change.part.tags)))


def _metadata_updated(row: PhotoRow | None, change: Change[MetadataUpdated, PhotoMetadata]) -> PhotoRow | None:
    return None if row is None else replace(row, version=change.version)


def _files(facts: Iterable[FileFact]) -> tuple[FileRow, ...]:
    rows = (FileRow(fact.name, fact.kind, fact.size, fact.md5) for fact in facts)
    return tuple(sorted(rows, key=attrgetter("name")))


def _kinds(kinds: Iterable[FileKind]) -> Kinds:
    there = frozenset(kinds)
    return Kinds(*(kind in there for kind in _SHOWING))


def _kept(told: KeptKinds) -> Kinds:
    return Kinds(told.jpg, told.raw, told.other)


# --- projects ------------------------------------------------------------------------------------------------------


def _began(_row: ProjectRow | None, tenant: str, data: ProjectCreated | ProjectDiscovered) -> ProjectRow:
    version = version_of_project(data)
    return ProjectRow(data.project_id, tenant, data.name, data.project_folder, "active", version)


def _renamed(row: ProjectRow | None, _tenant: str, data: ProjectRenamed) -> ProjectRow | None:
    return None if row is None else replace(row, name=data.name, version=data.version)


def _folder_renamed(row: ProjectRow | None, _tenant: str, data: FolderRenamed) -> ProjectRow | None:
    if row is None:
        return None
    return replace(row, name=data.project_name, folder=data.new_folder, version=data.version)


def _canceled(row: ProjectRow | None, _tenant: str, data: ProjectCanceled) -> ProjectRow | None:
    return None if row is None else replace(row, status="canceled", version=data.version)


def _came_back(row: ProjectRow | None, _tenant: str, data: ProjectRestored | ProjectReturned) -> ProjectRow | None:
    if row is None:
        return None
    return replace(row, name=data.name, folder=data.project_folder, status="active", version=data.version)


def _row_removed(_row: ProjectRow | None, _tenant: str, _data: ProjectRemoved) -> None:
    return None


# --- the tables ----------------------------------------------------------------------------------------------------

PHOTO_EVENTS: Final[Mapping[type[EventData], Callable[[PhotoRow | None, Change[Any, Any]], PhotoRow | None]]] = {
    PhotosAdded: _added,
    PhotoFilesChanged: _files_changed,
    DerivativesUpdated: _derivatives_updated,
    PhotosRemoved: _removed,
    PhotosRestored: _restored,
    PhotosMoved: _moved,
    PhotosRecognized: _moved,
    KeepChanged: _keep_changed,
    TagsChanged: _tags_changed,
    MetadataUpdated: _metadata_updated,
}
"""Events of which each part, in ``photos``, says how one photo's row changed."""

PROJECT_EVENTS: Final[Mapping[type[EventData], Callable[[ProjectRow | None, str, Any], ProjectRow | None]]] = {
    ProjectCreated: _began,
    ProjectDiscovered: _began,
    ProjectRenamed: _renamed,
    FolderRenamed: _folder_renamed,
    ProjectCanceled: _canceled,
    ProjectRestored: _came_back,
    ProjectReturned: _came_back,
    ProjectRemoved: _row_removed,
}
"""Events that say how a project's row changed."""

_TASKS: Final = "tasks and jobs are no part of the catalogue"
_ASKED: Final = "what is asked of a person changes no row before the answer is acted on"
_ACCESS: Final = "who may do what is no part of the catalogue"
_SCHEDULES: Final = "when tasks begin is no part of the catalogue"

WITHOUT_SAY: Final[Mapping[str, str]] = {
    **dict.fromkeys(("TaskRequested", "TargetsResolved", "TargetsUnresolvable", "TaskStarted"), _TASKS),
    **dict.fromkeys(("TaskCancelRequested", "TaskCanceled", "TaskCompleted", "TaskFailed"), _TASKS),
    **dict.fromkeys(("JobQueued", "JobStarted", "JobProgress", "JobHandedBack", "JobAttemptFailed"), _TASKS),
    **dict.fromkeys(("JobLost", "JobCompleted", "JobFailed", "JobCanceled"), _TASKS),
    **dict.fromkeys(("JobWaiting", "ConfirmationRequested", "ConfirmationAnswered", "ConfirmationExpired"), _ASKED),
    **dict.fromkeys(("ScheduleChanged", "TickSkipped"), _SCHEDULES),
    **dict.fromkeys(("TenantCreated", "TokenCreated", "TokenRevoked"), _ACCESS),
    "ProjectTrashed": "where an archived project's folder lies; its row keeps the folder that it had",
    "FilesTrashed": "where files lie; the PhotoFilesChanged or PhotosRemoved beside it says how the photo stands",
    "FilesRestored": "the PhotoFilesChanged or PhotosRestored beside it says how the photo stands",
    "ManifestChanged": "the manifest is a file; the events beside it say how photos stand",
    "FindingsReported": "what was found and not changed",
    "FilesRenamed": "the files had no row yet",
    "StrayFilesTrashed": "the files had no row",
    "TrashEmptied": "what lay in the trash had no row any more",
    "LibraryTrashEmptied": "the same",
}
"""Events that change no row of the catalogue, and why."""
