"""Photos of a project as they stood at a place in the log: what is shown of them, page by page."""

from typing import Final, Literal

from pydantic import BaseModel

from photobus_common.catalogue_fold import PhotoRow
from photobus_common.errors import FieldError, InvalidInputError, NotFoundError
from photobus_common.events.parts import DerivativeStatus, FileKind
from photobus_common.store import keyset
from photobus_common.store.catalogue_as_of import photos_as_of, project_as_of
from photobus_common.store.database import Connection
from photobus_common.store.keyset import Cursor, Sort
from photobus_gateway.as_of import AsOf

# Each page is of the place at which the first began, which a time that is not over would change.
BY_ID: Final = Sort("as_of", "seq", "id", keyset.number, keyset.number, descending=False)


class FileAsOf(BaseModel):
    """One file of a photo; ``size`` in bytes."""

    name: str
    kind: FileKind
    size: int
    md5: str | None


class PhotoAsOf(BaseModel):
    """A photo as it stood then, as far as the log tells. ``size`` is in bytes of all its files."""

    id: int
    filename: str
    jpg_available: bool
    raw_available: bool
    other_available: bool
    keep_jpg: bool
    keep_raw: bool
    keep_other: bool
    thumbnail_status: DerivativeStatus
    preview_status: DerivativeStatus
    size: int
    version: int
    tags: list[str]
    files: list[FileAsOf]


class PhotosAsOf(BaseModel):
    """Photos that the project had at the place ``seq`` of the log, and what it was called then.

    While ``next_cursor`` is not null there may be more, also behind a page that is not full.
    """

    seq: int
    project_id: int
    project_folder: str
    project_name: str
    project_status: Literal["active", "canceled"]
    items: list[PhotoAsOf]
    next_cursor: str | None


async def list_as_of(
    connection: Connection, tenant: str, folder: str, as_of: AsOf, cursor: str | None, limit: int
) -> PhotosAsOf:
    """Return a page of the photos of the project that had ``folder`` then; raises ``NotFoundError``."""
    start = None if cursor is None else Cursor.decode(cursor, BY_ID)
    seq = await as_of.position(connection, tenant) if start is None else start.key
    project = await project_as_of(connection, tenant, folder, seq)
    if project is None:
        message = f"No project had the folder {folder} then."
        raise NotFoundError(message, fields=(FieldError("path.folder", message),))
    found = await photos_as_of(connection, tenant, project.id, seq, 0 if start is None else start.tie, limit)
    return PhotosAsOf(
        seq=seq,
        project_id=project.id,
        project_folder=project.folder,
        project_name=project.name,
        project_status=project.status,
        items=[_view(row) for row in found.rows],
        next_cursor=None if found.last is None else Cursor(BY_ID.word, seq, found.last).encode(),
    )


def refuse_beside(given: set[str]) -> None:
    """Raise ``InvalidInputError`` where some of ``given``, the parameters of a query, do not go with ``as_of``."""
    others = sorted(given - {"as_of", "cursor", "limit"})
    if others:
        message = "does not go with as_of"
        fields = tuple(FieldError(f"query.{name}", message) for name in others)
        raise InvalidInputError(f"{others[0]}: {message}", fields=fields)


def _view(row: PhotoRow) -> PhotoAsOf:
    kinds = {
        **{f"{kind}_available": there for kind, there in row.available._asdict().items()},
        **{f"keep_{kind}": kept for kind, kept in row.keep._asdict().items()},
    }
    return PhotoAsOf(
        id=row.id,
        filename=row.filename,
        **kinds,
        thumbnail_status=row.thumbnail_status,
        preview_status=row.preview_status,
        size=row.size,
        version=row.version,
        tags=list(row.tags),
        files=[FileAsOf(name=one.name, kind=one.kind, size=one.size, md5=one.md5) for one in row.files],
    )
