"""The filter descriptor of photos, and the SQL it means: lists, timelines and tasks over "all that match" share it.

A descriptor is the query of ``GET /api/photos`` as an object; what is absent restricts nothing. It is stored in events,
so fields are added, never given another meaning.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from photobus_common.config import MAX_ITEMS
from photobus_common.storable import STORABLE
from photobus_common.store.conditions import Conditions

MAX_TAGS: Final = 50

Tag = Annotated[str, Field(min_length=1, max_length=100, pattern=STORABLE)]
Folder = Annotated[str, Field(min_length=1, max_length=255, pattern=STORABLE)]
FileType = Literal["any", "jpg_only", "raw_only", "both"]
KeepType = Literal["any", "any_kept", "jpg_only", "raw_jpg", "none"]
Orientation = Literal["any", "landscape", "portrait", "square"]
Status = Literal["pending", "generated", "failed", "missing", "not_supported"]


class PhotoConditions(BaseModel):
    """Which photos of a project match.

    ``date_from`` and ``date_to`` are whole days in UTC, both included. ``text`` is looked for in the filename, in any
    case. A photo has all of the ``tags``. ``status`` ``generated`` means both derivatives; any other, either of them.
    ``pending_deletion`` says whether a commit would remove any file of the photo.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    date_from: date | None = None
    date_to: date | None = None
    file_type: FileType = "any"
    keep_type: KeepType = "any"
    orientation: Orientation = "any"
    tags: tuple[Tag, ...] = Field(default=(), max_length=MAX_TAGS)
    text: str | None = Field(default=None, min_length=1, max_length=255, pattern=STORABLE)
    status: Status | None = None
    pending_deletion: bool | None = None


class PhotoFilter(PhotoConditions):
    """Which photos of active projects match: the descriptor."""

    project_folder: Folder | None = None
    project_folders: tuple[Folder, ...] = Field(default=(), max_length=MAX_ITEMS)

    @property
    def restricts_only_project(self) -> bool:
        """Whether all photos of a project, or of the library, match, so that their number need not be counted."""
        return self.model_dump(exclude_defaults=True).keys() <= {"project_folder"}

    def descriptor(self) -> dict[str, Any]:
        """Return what an event stores: the fields that restrict."""
        return self.model_dump(mode="json", exclude_defaults=True)


_FILE_TYPES: Final[dict[FileType, str]] = {
    "any": "",
    "jpg_only": "p.jpg_available AND NOT p.raw_available",
    "raw_only": "p.raw_available AND NOT p.jpg_available",
    "both": "p.jpg_available AND p.raw_available",
}

_KEEP_TYPES: Final[dict[KeepType, str]] = {
    "any": "",
    "any_kept": "(p.keep_jpg OR p.keep_raw OR p.keep_other)",
    "jpg_only": "p.keep_jpg AND NOT p.keep_raw",
    "raw_jpg": "p.keep_jpg AND p.keep_raw",
    "none": "NOT (p.keep_jpg OR p.keep_raw OR p.keep_other)",
}


PENDING: Final = """((p.jpg_available AND NOT p.keep_jpg) OR (p.raw_available AND NOT p.keep_raw)
    OR (p.other_available AND NOT p.keep_other))"""
"""As the partial index of pending deletions has it."""


def photo_filter_sql(
    tenant: str,
    descriptor: Mapping[str, Any] | PhotoFilter,
    first_parameter: int = 1,
) -> tuple[str, list[Any]]:
    """Return the WHERE condition over ``photos p JOIN projects pr ON pr.id = p.project_id``, and its parameters.

    They are numbered from ``first_parameter``. Photos of archived projects never match. Raises pydantic's
    ``ValidationError`` for a descriptor that is none.
    """
    wanted = PhotoFilter.model_validate(descriptor)
    found = Conditions(first_parameter)
    found.add("p.tenant = {}", tenant)
    found.add("pr.status = 'active'")
    if wanted.project_folder is not None:
        found.add(
            "p.project_id = (SELECT id FROM projects WHERE tenant = {} AND folder = {} AND status = 'active')",
            tenant,
            wanted.project_folder,
        )
    if wanted.project_folders:
        found.add(
            "p.project_id IN (SELECT id FROM projects WHERE tenant = {} AND status = 'active' AND folder = ANY ({}))",
            tenant,
            list(wanted.project_folders),
        )
    if wanted.date_from is not None:
        found.add("p.taken_at >= {}", _start_of(wanted.date_from))
    if wanted.date_to is not None:
        found.add("p.taken_at < {}", _end_of(wanted.date_to))
    found.add(_FILE_TYPES[wanted.file_type])
    found.add(_KEEP_TYPES[wanted.keep_type])
    if wanted.orientation != "any":
        found.add("p.shape = {}", wanted.orientation)
    for tag in wanted.tags:
        found.add("EXISTS (SELECT FROM photo_tags t WHERE t.photo_id = p.id AND t.tag = {})", tag)
    if wanted.text is not None:
        found.add("p.filename ILIKE {}", f"%{_literal(wanted.text)}%")
    if wanted.status is not None:
        joint = "AND" if wanted.status == "generated" else "OR"
        found.add(f"(p.thumbnail_status = {{0}} {joint} p.preview_status = {{0}})", wanted.status)
    if wanted.pending_deletion is not None:
        found.add(PENDING if wanted.pending_deletion else f"NOT {PENDING}")
    return found.sql, found.params


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _end_of(day: date) -> datetime:
    if day == date.max:
        return datetime.max.replace(tzinfo=UTC)
    return _start_of(day + timedelta(days=1))


def _literal(text: str) -> str:
    """Return ``text`` with what LIKE takes for wildcards taken literally."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
