"""The recorded intent to place a file: enough for anyone to finish what its owner began."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel

from photobus_common.photos.exif import Exif
from photobus_common.photos.filenames import FileKind
from photobus_common.storage.folder import Entry
from photobus_common.store.uploads import IntentRow, Upload
from photobus_gateway.uploads.answers import UploadStatus
from photobus_gateway.uploads.files import Received, UploadProject


class Replaced(BaseModel):
    """The file that makes room: which one it is exactly, and the trash folder it goes to."""

    size: int
    mtime_ns: int
    inode: int
    device: int
    md5: str
    trash_folder: str

    def is_entry(self, entry: Entry | None) -> bool:
        """Whether ``entry`` is the file that was to be replaced."""
        return entry is not None and (entry.device, entry.inode, entry.size) == (self.device, self.inode, self.size)


class Plan(BaseModel):
    """What is kept with the row beside its columns. ``status`` is the answer's, unless a pair makes it another."""

    kind: FileKind
    status: UploadStatus
    resumable: bool
    replaces: Replaced | None = None


@dataclass(frozen=True)
class Intent:
    """One file that is about to be placed under ``target``."""

    upload_id: UUID
    actor: str
    filename: str
    target: str
    basename: str
    size: int
    md5: str
    modified_at: datetime
    batch: str | None
    plan: Plan
    exif: Exif | None = None

    @classmethod
    def of(cls, file: Received, target: str, basename: str, status: UploadStatus, replaces: Replaced | None) -> Self:
        """Make the intent to place ``file``."""
        return cls(
            upload_id=file.temporary.upload_id,
            actor=file.origin.actor,
            filename=file.parsed.name,
            target=target,
            basename=basename,
            size=file.size,
            md5=file.md5,
            modified_at=file.modified_at,
            batch=file.wish.batch,
            plan=Plan(kind=file.parsed.kind, status=status, resumable=file.resumable, replaces=replaces),
            exif=file.exif,
        )

    @classmethod
    def from_row(cls, row: Upload) -> Self:
        """Read the intent back from its row, whose EXIF is read anew from the file."""
        known: dict[str, Any] = {"target": row.target_name, "basename": row.basename, "md5": row.md5}
        return cls(
            upload_id=row.id,
            actor=row.actor,
            filename=row.filename,
            size=row.size or 0,
            modified_at=row.modified_at or row.expires_at,
            batch=row.batch,
            plan=Plan.model_validate(row.plan),
            **known,
        )

    def row(self, project: UploadProject) -> IntentRow:
        """Return the row that puts it on record."""
        return IntentRow(
            id=self.upload_id,
            tenant=project.tenant,
            project_id=project.project_id,
            actor=self.actor,
            filename=self.filename,
            size=self.size,
            md5=self.md5,
            batch=self.batch,
            modified_at=self.modified_at,
            basename=self.basename,
            target_name=self.target,
            plan=self.plan.model_dump(mode="json", exclude_none=True),
        )
