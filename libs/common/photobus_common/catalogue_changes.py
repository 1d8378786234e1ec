"""What a person's words make of a photo: which of its kinds are kept, and its tags. Pure: rows in, changes out.

The API, its dry runs and the workers all plan with these, so that what is announced is what happens.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Final, Generic, NamedTuple, TypeVar
from uuid import UUID

from photobus_common.errors import PhotobusError
from photobus_common.events import EventData, cut_by_bytes
from photobus_common.events.projects import KeepChanged, KeptKinds, PhotoKeep, PhotoTags, TagsChanged

MAX_TAGS_OF_PHOTO: Final = 200
"""Tags that a photo may have: events tell all of them, and what is said of one photo has to fit into one event."""


class TooManyTagsError(PhotobusError):
    """A photo would have more tags than it may."""

    code = "too_many_tags"
    status = 409


class Kinds(NamedTuple):
    """Something that is said of each kind of file of a photo."""

    jpg: bool
    raw: bool
    other: bool


class KeepWish(NamedTuple):
    """Which kinds are to be kept; None leaves one as it is."""

    jpg: bool | None = None
    raw: bool | None = None
    other: bool | None = None


@dataclass(frozen=True)
class CataloguePhoto:
    """A photo of an active project, as its rows say; ``tags`` in their order."""

    id: int
    project_id: int
    project_folder: str
    filename: str
    version: int
    available: Kinds
    keep: Kinds
    tags: tuple[str, ...]


@dataclass(frozen=True)
class KeepChange:
    """What is to be kept of ``photo`` from now on."""

    photo: CataloguePhoto
    keep: Kinds

    @property
    def after(self) -> CataloguePhoto:
        """The photo after the change, but for its version."""
        return replace(self.photo, keep=self.keep)


@dataclass(frozen=True)
class TagsChange:
    """Tags that ``photo`` gets and loses; it has those of ``tags`` then."""

    photo: CataloguePhoto
    added: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def tags(self) -> tuple[str, ...]:
        """All tags of the photo after the change, sorted."""
        return tuple(sorted({*self.photo.tags, *self.added} - set(self.removed)))

    @property
    def after(self) -> CataloguePhoto:
        """The photo after the change, but for its version."""
        return replace(self.photo, tags=self.tags)


ChangeT = TypeVar("ChangeT", KeepChange, TagsChange, KeepChange | TagsChange)

Plan = Callable[[CataloguePhoto], KeepChange | TagsChange | None]
"""What is to become of a photo; None where it is as wanted already. Raises ``TooManyTagsError`` where it cannot be."""


def plan_keep(photo: CataloguePhoto, wish: KeepWish) -> KeepChange | None:
    """Return the change that ``wish`` means; None where the photo is as wished already."""
    keep = Kinds(*(now if wanted is None else wanted for now, wanted in zip(photo.keep, wish, strict=True)))
    return None if keep == photo.keep else KeepChange(photo, keep)


def plan_revert(photo: CataloguePhoto) -> KeepChange | None:
    """Return the change that keeps again what a commit would remove; None where nothing is pending."""
    keep = Kinds(*(kept or there for kept, there in zip(photo.keep, photo.available, strict=True)))
    return None if keep == photo.keep else KeepChange(photo, keep)


def plan_tags(photo: CataloguePhoto, add: Iterable[str] = (), remove: Iterable[str] = ()) -> TagsChange | None:
    """Return the change that gives the photo the tags ``add`` and takes ``remove``; None where nothing changes.

    A tag that is both added and removed is removed. Raises ``TooManyTagsError``.
    """
    going = set(remove)
    added = tuple(sorted(set(add) - going - set(photo.tags)))
    removed = tuple(sorted(going & set(photo.tags)))
    if not added and not removed:
        return None
    change = TagsChange(photo, added, removed)
    if added and len(change.tags) > MAX_TAGS_OF_PHOTO:
        raise TooManyTagsError(f"A photo has at most {MAX_TAGS_OF_PHOTO} tags; this one would have {len(change.tags)}.")
    return change


@dataclass(frozen=True)
class Planned(Generic[ChangeT]):
    """What becomes of photos, by id: how they change, and of those that cannot be as wanted, why not."""

    changes: Mapping[int, ChangeT]
    refused: Mapping[int, TooManyTagsError]


def plan_all(photos: Iterable[CataloguePhoto], plan: Callable[[CataloguePhoto], ChangeT | None]) -> Planned[ChangeT]:
    """Return what ``plan`` makes of each of the photos; one that is refused keeps no other from changing."""
    changes: dict[int, ChangeT] = {}
    refused: dict[int, TooManyTagsError] = {}
    for photo in photos:
        try:
            change = plan(photo)
        except TooManyTagsError as error:
            refused[photo.id] = error
        else:
            changes |= {} if change is None else {photo.id: change}
    return Planned(changes, refused)


def plan_of(task_type: str, params: Mapping[str, Any]) -> Plan:
    """Return what a task of ``task_type`` with ``params`` makes of each of its photos; raises ``KeyError``."""
    match task_type:
        case "change_revert":
            return plan_revert
        case "keep_update":
            wish = KeepWish(params.get("keep_jpg"), params.get("keep_raw"), params.get("keep_other"))
            return lambda photo: plan_keep(photo, wish)
        case "tags_update":
            add, remove = params.get("add", ()), params.get("remove", ())
            return lambda photo: plan_tags(photo, add, remove)
    raise KeyError(task_type)


def keep_events(
    changes: Sequence[KeepChange], versions: Mapping[int, int], task_id: UUID | None = None
) -> Iterator[EventData]:
    """Yield the events that tell of ``changes``, by project; ``versions`` are those of the rows after them."""
    for about, group in _by_project(changes, task_id):
        parts = [
            PhotoKeep(
                photo_id=change.photo.id,
                filename=change.photo.filename,
                version=versions[change.photo.id],
                before=KeptKinds(**change.photo.keep._asdict()),
                after=KeptKinds(**change.keep._asdict()),
            )
            for change in group
        ]
        for photos in cut_by_bytes(parts):
            yield KeepChanged(**about, photos=photos)


def tags_events(
    changes: Sequence[TagsChange], versions: Mapping[int, int], task_id: UUID | None = None
) -> Iterator[EventData]:
    """Yield the events that tell of ``changes``, by project; ``versions`` are those of the rows after them."""
    for about, group in _by_project(changes, task_id):
        parts = [
            PhotoTags(
                photo_id=change.photo.id,
                filename=change.photo.filename,
                version=versions[change.photo.id],
                added=change.added,
                removed=change.removed,
                tags=change.tags,
            )
            for change in group
        ]
        for photos in cut_by_bytes(parts):
            yield TagsChanged(**about, photos=photos)


def _by_project(changes: Sequence[ChangeT], task_id: UUID | None) -> Iterator[tuple[dict[str, Any], Iterator[ChangeT]]]:
    for project_id, group in groupby(sorted(changes, key=_project_of), key=_project_of):
        first, *others = group
        about = {"project_id": project_id, "project_folder": first.photo.project_folder, "task_id": task_id}
        yield about, iter((first, *others))


def _project_of(change: KeepChange | TagsChange) -> int:
    return change.photo.project_id
