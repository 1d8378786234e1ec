"""What a task did to each of its photos, all in all, told from its events. Pure: events in, deeds out.

What it did and took back itself is not in it, so that a deed says how the photo differed afterwards from before.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple, TypeVar

from photobus_common.catalogue_changes import Kinds
from photobus_common.events import EventData
from photobus_common.events.projects import (
    FileFact,
    FilesRestored,
    FilesTrashed,
    KeepChanged,
    PhotoFiles,
    PhotoFilesChanged,
    PhotoKeep,
    PhotoMoved,
    PhotoRemoved,
    PhotoRestored,
    PhotosMoved,
    PhotosRemoved,
    PhotosRestored,
    PhotoTags,
    TagsChanged,
    TrashedFile,
)


class Place(NamedTuple):
    """A project and a basename in it."""

    project_id: int
    filename: str


@dataclass(frozen=True)
class Deed:
    """What a task did to one photo.

    ``keep`` and ``moved`` are before and after. Files of the photo, by name: ``trashed`` went to the trash of the
    project in ``place``, ``restored`` came back from there; ``facts`` says of both what they are. ``removed`` is what
    was said of its row when that went, ``brought_back`` whether it came back.
    """

    photo_id: int
    keep: tuple[Kinds, Kinds] | None = None
    tags_added: frozenset[str] = frozenset()
    tags_removed: frozenset[str] = frozenset()
    moved: tuple[Place, Place] | None = None
    place: Place | None = None
    trashed: Mapping[str, TrashedFile] = field(default_factory=dict)
    restored: Mapping[str, TrashedFile] = field(default_factory=dict)
    facts: Mapping[str, FileFact] = field(default_factory=dict)
    removed: PhotoRemoved | None = None
    brought_back: bool = False

    @property
    def left_at(self) -> Place | None:
        """Where the photo lay, or had lain, when the task had done with it, as far as the task says."""
        return self.moved[1] if self.moved else self.place

    @property
    def filename(self) -> str | None:
        """The basename that the photo had there."""
        return self.left_at and self.left_at.filename

    @property
    def said(self) -> bool:
        """Whether it said anything of the photo: what is kept of it, or tags."""
        return bool(self.keep or self.tags_added or self.tags_removed)

    @property
    def touched_files(self) -> bool:
        """Whether files of the photo came, went or moved, and it is known where."""
        return bool(self.moved or self.place)


def deeds_of(told: Iterable[EventData]) -> dict[int, Deed]:
    """Return what a task did, by photo, from its events in the order of the log; others among them say nothing."""
    deeds: dict[int, Deed] = {}
    for data in told:
        take = _TAKES.get(type(data))
        if take is None:
            continue
        parts: Iterable[Any] = getattr(data, "files" if isinstance(data, FilesTrashed | FilesRestored) else "photos")
        for part in parts:
            deeds[part.photo_id] = take(deeds.get(part.photo_id, Deed(part.photo_id)), part, data)
    return deeds


def _kept(deed: Deed, part: PhotoKeep, _: KeepChanged) -> Deed:
    first = deed.keep[0] if deed.keep else Kinds(**part.before.model_dump())
    last = Kinds(**part.after.model_dump())
    return replace(deed, keep=None if first == last else (first, last))


def _tagged(deed: Deed, part: PhotoTags, _: TagsChanged) -> Deed:
    added, removed = frozenset(part.added), frozenset(part.removed)
    return replace(
        deed,
        tags_added=(deed.tags_added | (added - deed.tags_removed)) - removed,
        tags_removed=(deed.tags_removed | (removed - deed.tags_added)) - added,
    )


def _moved(deed: Deed, part: PhotoMoved, data: PhotosMoved) -> Deed:
    first = deed.moved[0] if deed.moved else Place(data.source_project_id, part.source_filename)
    last = Place(data.project_id, part.filename)
    return replace(deed, moved=None if first == last else (first, last))


def _trashed(deed: Deed, part: TrashedFile, data: FilesTrashed) -> Deed:
    if data.reason == "overwritten":
        return deed
    if part.name in deed.restored:
        return replace(deed, restored=_without(deed.restored, part.name))
    return replace(deed, trashed={**deed.trashed, part.name: part})


def _restored(deed: Deed, part: TrashedFile, _: FilesRestored) -> Deed:
    if part.name in deed.trashed:
        return replace(deed, trashed=_without(deed.trashed, part.name))
    return replace(deed, restored={**deed.restored, part.name: part})


def _files_changed(deed: Deed, part: PhotoFiles, data: PhotoFilesChanged) -> Deed:
    if data.cause not in {"file_removal", "undo"}:
        return deed
    return _with_facts(deed, Place(data.project_id, part.filename), (*part.added, *part.removed))


def _removed(deed: Deed, part: PhotoRemoved, data: PhotosRemoved) -> Deed:
    if data.cause not in {"file_removal", "undo"} and not deed.trashed:
        return deed  # the disk had lost it: nothing that the task did
    known = _with_facts(deed, Place(data.project_id, part.filename), part.files)
    if deed.brought_back:
        return replace(known, brought_back=False)
    return replace(known, removed=part)


def _brought_back(deed: Deed, part: PhotoRestored, data: PhotosRestored) -> Deed:
    if data.cause == "folder_check":
        return deed  # its owner had brought it back
    known = _with_facts(deed, Place(data.project_id, part.filename), part.files)
    if deed.removed is not None:
        return replace(known, removed=None)
    return replace(known, brought_back=True)


def _with_facts(deed: Deed, place: Place, files: Iterable[FileFact]) -> Deed:
    return replace(deed, place=place, facts={**deed.facts, **{file.name: file for file in files}})


FileT = TypeVar("FileT")


def _without(files: Mapping[str, FileT], name: str) -> dict[str, FileT]:
    return {other: file for other, file in files.items() if other != name}


_TAKES: Final[Mapping[type[EventData], Callable[[Deed, Any, Any], Deed]]] = {
    KeepChanged: _kept,
    TagsChanged: _tagged,
    PhotosMoved: _moved,
    FilesTrashed: _trashed,
    FilesRestored: _restored,
    PhotoFilesChanged: _files_changed,
    PhotosRemoved: _removed,
    PhotosRestored: _brought_back,
}

TOLD_BY: Final = tuple(data.TYPE for data in _TAKES)
"""Types of the events that deeds are told from."""
