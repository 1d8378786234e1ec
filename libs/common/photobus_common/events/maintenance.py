"""Events of maintenance: what it found, what it mended, and what it left alone."""

from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from photobus_common.events.parts import Part
from photobus_common.events.projects import PhotoMoved, ProjectEvent
from photobus_common.events.tasks import TaskEvent

FindingKind = Literal["refused", "reported"]


class Finding(Part):
    """Something that a job of maintenance came upon and did not change.

    ``refused``: it would have, and did not; ``reported``: it is for a person to know. ``code`` is a stable word for
    what it is, ``subject`` the file or folder that it is about, ``count`` how many things the finding stands for.
    """

    kind: FindingKind
    code: str
    reason: str
    project_id: int | None = None
    project_folder: str | None = None
    subject: str | None = None
    photo_id: int | None = None
    count: int = 1


class FindingsReported(TaskEvent):
    """A job of maintenance came upon things that it did not change."""

    TYPE: ClassVar[str] = "FindingsReported"

    job_id: UUID
    job_type: str
    findings: tuple[Finding, ...]

    def changed_photo_ids(self) -> tuple[int, ...]:
        """Return the photos of the findings: no change of theirs, and yet part of their history."""
        return tuple(dict.fromkeys(found.photo_id for found in self.findings if found.photo_id is not None))


class ProjectDiscovered(ProjectEvent):
    """A folder that no project had became one, under its own name or, where that was taken, a numbered one."""

    TYPE: ClassVar[str] = "ProjectDiscovered"

    name: str
    version: int


class ProjectReturned(ProjectEvent):
    """The folder of an archived project is in the library again, and with it the project is active again."""

    TYPE: ClassVar[str] = "ProjectReturned"

    name: str
    version: int


class ProjectRemoved(ProjectEvent):
    """The row of a project whose folder had gone is removed, after those of its photos."""

    TYPE: ClassVar[str] = "ProjectRemoved"

    name: str


class FolderRenamed(ProjectEvent):
    """The folder of the project has another name: by alignment with the project's, or as its owner renamed it.

    With ``project_restore`` the project is archived: its folder came back under a name that was free, and no further.
    """

    TYPE: ClassVar[str] = "FolderRenamed"

    cause: Literal["folder_alignment", "folder_discovery", "project_restore"]
    old_folder: str
    new_folder: str
    project_name: str
    version: int


class RenamedFile(Part):
    """A file without a row that got another name; ``source_name`` is the one it had."""

    name: str
    source_name: str


class FilesRenamed(ProjectEvent):
    """Files that had no row yet got names that are free in the library.

    ``source_folder`` is the folder of the library that they came from, where that was another one.
    """

    TYPE: ClassVar[str] = "FilesRenamed"

    cause: Literal["duplicate_resolution", "folder_discovery"]
    source_folder: str | None = None
    files: tuple[RenamedFile, ...]


class StrayFile(Part):
    """A file that is nothing of a project's: where it went, relative to the project's folder, and why.

    With ``trash_maintenance`` it may be a folder, whose size is not told.
    """

    name: str
    trash_path: str
    size: int
    reason: str


class StrayFilesTrashed(ProjectEvent):
    """Files of a kind that is not accepted, or that are there a second time, went to the project's trash.

    With ``trash_maintenance`` they lay in it already, under names that photobus never gave and that tell no age.
    """

    TYPE: ClassVar[str] = "StrayFilesTrashed"

    cause: Literal["folder_check", "folder_discovery", "trash_maintenance"]
    files: tuple[StrayFile, ...]


class PhotosRecognized(ProjectEvent):
    """Files under other names, or in another project's folder, are those of photos that lacked them there.

    They were renamed or moved outside photobus. The photos follow with all they have; the source is this same project
    where they were renamed only.
    """

    TYPE: ClassVar[str] = "PhotosRecognized"

    source_project_id: int
    source_project_folder: str
    photos: tuple[PhotoMoved, ...]

    def changed_photo_ids(self) -> tuple[int, ...]:
        """Return the recognised photos."""
        return tuple(photo.photo_id for photo in self.photos)


class PhotoMetadata(Part):
    """What a photo's file tells of it, by column of its row, before it was read again and after."""

    photo_id: int
    filename: str
    version: int
    before: dict[str, Any] = Field(default_factory=dict)
    after: dict[str, Any] = Field(default_factory=dict)


class MetadataUpdated(ProjectEvent):
    """The metadata of photos were read again and are others than on record."""

    TYPE: ClassVar[str] = "MetadataUpdated"

    photos: tuple[PhotoMetadata, ...]

    def changed_photo_ids(self) -> tuple[int, ...]:
        """Return the changed photos."""
        return tuple(photo.photo_id for photo in self.photos)


class TrashEmptied(ProjectEvent):
    """What had lain in the trash for long enough is deleted for good.

    ``folders`` are the trash folders, by name; with ``whole`` the project itself lay there. ``files`` counts files and
    ``bytes`` what they held.
    """

    TYPE: ClassVar[str] = "TrashEmptied"

    folders: tuple[str, ...]
    files: int
    bytes: int
    whole: bool = False


class LibraryTrashEmptied(TaskEvent):
    """What is deleted for good had lain long enough in the library's trash, and no project that is known was there.

    ``paths`` are relative to the library; ``files`` counts files and ``bytes`` what they held.
    """

    TYPE: ClassVar[str] = "LibraryTrashEmptied"

    job_id: UUID
    paths: tuple[str, ...]
    files: int
    bytes: int
