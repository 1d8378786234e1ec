"""Events of projects and their photos."""

from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from photobus_common import subjects
from photobus_common.events.envelope import EventData
from photobus_common.events.parts import DerivativeStatus, FileKind, Part


class FileFact(Part):
    """One file of a photo as it lies in the project folder; ``md5`` in lower-case hex, ``size`` in bytes."""

    name: str
    kind: FileKind
    size: int
    md5: str | None = None


class PhotoAdded(Part):
    """A photo that became visible. ``version`` is its row's version after the change."""

    photo_id: int
    filename: str
    version: int
    files: tuple[FileFact, ...]


class KeptKinds(Part):
    """Which kinds of file of a photo its owner wants to keep."""

    jpg: bool
    raw: bool
    other: bool


class PhotoFiles(Part):
    """What changed among the files of a photo that exists already, and the state of its derivatives after that.

    ``keep`` is what is kept of it then. Logs from before it was told have none: kinds that came newly were kept.
    """

    photo_id: int
    filename: str
    version: int
    added: tuple[FileFact, ...] = ()
    removed: tuple[FileFact, ...] = ()
    thumbnail_status: DerivativeStatus | None = None
    preview_status: DerivativeStatus | None = None
    keep: KeptKinds | None = None


class PhotoDerivatives(Part):
    """The state of a photo's derivatives after an attempt to make them."""

    photo_id: int
    filename: str
    version: int
    thumbnail_status: DerivativeStatus
    preview_status: DerivativeStatus
    reason: str | None = None


class TrashedFile(Part):
    """A file that went to the trash, and where it lies there, relative to the project folder."""

    photo_id: int
    name: str
    trash_path: str
    size: int
    md5: str | None = None


class PhotoKeep(Part):
    """What is kept of a photo: ``before`` is what an undo brings back."""

    photo_id: int
    filename: str
    version: int
    before: KeptKinds
    after: KeptKinds


class PhotoRemoved(Part):
    """A photo whose row is gone: what an undo needs to bring it back. ``version`` counts on from that of its row.

    ``row`` holds the rest of the row, by column.
    """

    photo_id: int
    filename: str
    version: int
    keep: KeptKinds
    tags: tuple[str, ...] = ()
    files: tuple[FileFact, ...] = ()
    row: dict[str, Any] = Field(default_factory=dict)


class PhotoRestored(Part):
    """A photo whose row is back, with the id it had, and with all it had."""

    photo_id: int
    filename: str
    version: int
    keep: KeptKinds
    tags: tuple[str, ...] = ()
    files: tuple[FileFact, ...] = ()
    thumbnail_status: DerivativeStatus
    preview_status: DerivativeStatus


class MovedFile(Part):
    """A file of a photo that was moved: its name now and the one it had."""

    name: str
    source_name: str
    kind: FileKind
    size: int
    md5: str | None = None


class PhotoMoved(Part):
    """A photo that lies in another project now; ``filename`` differs from ``source_filename`` if that was taken.

    ``files`` are all that it has there. ``keep`` is what is kept of it then; it is not told in older logs.
    """

    photo_id: int
    filename: str
    source_filename: str
    version: int
    files: tuple[MovedFile, ...]
    thumbnail_status: DerivativeStatus
    preview_status: DerivativeStatus
    keep: KeptKinds | None = None


class PhotoTags(Part):
    """Tags that a photo got and lost; ``tags`` are all that it has after that."""

    photo_id: int
    filename: str
    version: int
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class ProjectEvent(EventData):
    """Base of what happens to one project. ``project_folder`` is its folder at that time."""

    project_id: int
    project_folder: str
    task_id: UUID | None = None

    def subject(self, tenant: str) -> str:
        """Return the project's subject."""
        return subjects.project_subject(tenant, self.project_id)

    def project(self) -> int | None:
        """Return the project."""
        return self.project_id


class ProjectCreated(ProjectEvent):
    """A project and its folder were made."""

    TYPE: ClassVar[str] = "ProjectCreated"

    name: str


class ProjectRenamed(ProjectEvent):
    """The project has another name, given by a person; its folder follows by maintenance, unless it had it first."""

    TYPE: ClassVar[str] = "ProjectRenamed"

    old_name: str
    name: str
    version: int


class ProjectCanceled(ProjectEvent):
    """The project is gone from every list. Its row stays, as long as its files do in the trash they can come back."""

    TYPE: ClassVar[str] = "ProjectCanceled"

    cause: Literal["deleted", "folder_gone"]
    name: str
    version: int


class ProjectTrashed(ProjectEvent):
    """The folder of a deleted project went to the library's trash, to ``trash_path`` relative to the library."""

    TYPE: ClassVar[str] = "ProjectTrashed"

    trash_path: str


class ProjectRestored(ProjectEvent):
    """A deleted project is back, its folder from ``trash_path``; name and folder may have got a number."""

    TYPE: ClassVar[str] = "ProjectRestored"

    name: str
    trash_path: str
    version: int


class PhotosAdded(ProjectEvent):
    """Photos became visible in the project."""

    TYPE: ClassVar[str] = "PhotosAdded"

    photos: tuple[PhotoAdded, ...]

    def changed_photo_ids(self) -> tuple[int, ...]:
        """Return the added photos."""
        return tuple(photo.photo_id for photo in self.photos)


class PhotoFilesChanged(ProjectEvent):
    """Files of existing photos came, went or were replaced. ``cause`` says by what."""

    TYPE: ClassVar[str] = "PhotoFilesChanged"

    cause: Literal["upload", "manifest_check", "folder_check", "file_removal", "undo"]
    photos: tuple[PhotoFiles, ...]

    def changed_photo_ids(self) -> tuple[int, ...]:
        """Return the changed photos."""
        return tuple(photo.photo_id for photo in self.photos)


class DerivativesUpdated(ProjectEvent):
    """Derivatives were made, or could not be made for the reason given."""

    TYPE: ClassVar[str] = "DerivativesUpdated"

    photos: tuple[PhotoDerivatives, ...]

    def changed_photo_ids(self) -> tuple[int, ...]:
        """Return the changed photos."""
        return tuple(photo.photo_id for photo in self.photos)


class FilesTrashed(ProjectEvent):
    """Files went to the project's trash; the photos' rows may live on."""

    TYPE: ClassVar[str] = "FilesTrashed"

    reason: Literal["overwritten", "committed", "undone"]
    files: tuple[TrashedFile, ...]

    def changed_photo_ids(self) -> tuple[int, ...]:
        """Return the photos whose files they were."""
        return tuple(dict.fromkeys(file.photo_id for file in self.files))


class FilesRestored(ProjectEvent):
    """Files came back from the project's trash to the names they had; ``trash_path`` is where they lay."""

    TYPE: ClassVar[str] = "FilesRestored"

    files: tuple[TrashedFile, ...]

    def changed_photo_ids(self) -> tuple[int, ...]:
        """Return the photos whose files they are."""
        return tuple(dict.fromkeys(file.photo_id for file in self.files))


class PhotosRemoved(ProjectEvent):
    """Photos left the catalogue: nothing of them is kept, or there, any more. ``FilesTrashed`` says where files lie."""

    TYPE: ClassVar[str] = "PhotosRemoved"

    cause: Literal["file_removal", "manifest_cleaning", "undo", "project_delete", "orphaned_project_cleanup"]
    photos: tuple[PhotoRemoved, ...]

    def changed_photo_ids(self) -> tuple[int, ...]:
        """Return the removed photos."""
        return tuple(photo.photo_id for photo in self.photos)


class PhotosRestored(ProjectEvent):
    """Photos whose rows were gone are back in the catalogue."""

    TYPE: ClassVar[str] = "PhotosRestored"

    cause: Literal["undo", "project_restore", "folder_check"]
    photos: tuple[PhotoRestored, ...]

    def changed_photo_ids(self) -> tuple[int, ...]:
        """Return the restored photos."""
        return tuple(photo.photo_id for photo in self.photos)


class PhotosMoved(ProjectEvent):
    """Photos came to this project from another, with all their files, derivatives, tags and flags."""

    TYPE: ClassVar[str] = "PhotosMoved"

    source_project_id: int
    source_project_folder: str
    photos: tuple[PhotoMoved, ...]

    def changed_photo_ids(self) -> tuple[int, ...]:
        """Return the moved photos."""
        return tuple(photo.photo_id for photo in self.photos)


class KeepChanged(ProjectEvent):
    """A person decided anew what is kept of photos; nothing on disk changes before a commit."""

    TYPE: ClassVar[str] = "KeepChanged"

    photos: tuple[PhotoKeep, ...]

    def changed_photo_ids(self) -> tuple[int, ...]:
        """Return the changed photos."""
        return tuple(photo.photo_id for photo in self.photos)


class TagsChanged(ProjectEvent):
    """Photos got or lost tags."""

    TYPE: ClassVar[str] = "TagsChanged"

    photos: tuple[PhotoTags, ...]

    def changed_photo_ids(self) -> tuple[int, ...]:
        """Return the changed photos."""
        return tuple(photo.photo_id for photo in self.photos)


class ManifestChanged(ProjectEvent):
    """A reconciliation changed the rows of the project or wrote its manifest; the counts are of photos."""

    TYPE: ClassVar[str] = "ManifestChanged"

    changed: int = 0
    created: int = 0
    manifest_written: bool = False
    removed: int = 0
    removed_filenames: tuple[str, ...] = ()
