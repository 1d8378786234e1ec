"""What must be, by what was asked and answered alone.

Each owner has photos of their own, so the operations on a photo have one order. What a task did to each of its photos
is what photobus says of its items; where it says nothing, as of a canceled task, or where two operations on a photo
were open at once, all that either may have left is allowed. So each fact is a set of possibilities, mostly of one.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final, Literal

Area = Literal["place", "trash"]
Verdict = Literal["done", "nothing", "unclear"]

PLACE: Final[frozenset[Area]] = frozenset({"place"})
TRASH: Final[frozenset[Area]] = frozenset({"trash"})
NOWHERE: Final[frozenset[Area]] = frozenset()


@dataclass
class File:
    """One file by its bytes. ``sure``: photobus said that it has it; else it may be there once.

    ``places`` are projects, none of them: any; with ``areas`` empty it must be nowhere.
    """

    md5: str
    name: str
    ending: str
    kind: str
    op: str
    sure: bool
    areas: frozenset[Area]
    places: frozenset[int]
    photo: "Photo | None" = None


@dataclass
class Photo:
    """One photo and what may be so of it; ``bases`` are names it may have, but for a number behind.

    ``lately`` is where it lay when the tasks were asked for that may be open on it, until ``open_until``.
    """

    id: int
    bases: set[str] = field(default_factory=set)
    places: frozenset[int] = frozenset()
    files: dict[str, File] = field(default_factory=dict)
    tags: dict[str, frozenset[bool]] = field(default_factory=dict)
    keep: dict[str, frozenset[bool]] = field(default_factory=dict)
    lately: frozenset[int] = frozenset()
    open_until: float = 0.0
    history: list[str] = field(default_factory=list)

    def in_place(self) -> list[File]:
        """Return the files that may lie in the project's folder."""
        return [file for file in self.files.values() if "place" in file.areas]

    def available(self, kind: str) -> bool:
        """Whether the photo may have a file of the kind."""
        return any(file.kind == kind for file in self.in_place())

    def surely_available(self, kind: str) -> bool:
        """Whether the photo must have a file of the kind."""
        return any(file.kind == kind and file.sure and file.areas == PLACE for file in self.files.values())

    def go(self, places: frozenset[int], *, loose: bool) -> None:
        """The photo lies in one of ``places`` now; ``loose``: or where it lay, and so may what went to the trash."""
        self.places = places | self.places if loose else places
        for file in self.files.values():
            if loose or file.areas == PLACE | TRASH:
                file.places |= self.places
            elif file.areas == PLACE:
                file.places = self.places


@dataclass(frozen=True)
class Before:
    """How a photo was before a task."""

    places: frozenset[int]
    files: Mapping[str, tuple[frozenset[Area], frozenset[int]]]
    tags: Mapping[str, frozenset[bool]]
    keep: Mapping[str, frozenset[bool]]

    @classmethod
    def of(cls, photo: Photo) -> "Before":
        """Remember it."""
        files = {md5: (file.areas, file.places) for md5, file in photo.files.items()}
        return cls(photo.places, files, deepcopy(photo.tags), deepcopy(photo.keep))

    def bring_back(self, photo: Photo, *, loose: bool) -> None:
        """Have the photo as it was; ``loose``: or as it is."""
        photo.places = self.places | photo.places if loose else self.places
        for md5, (areas, places) in self.files.items():
            file = photo.files[md5]
            file.areas = areas | file.areas if loose else areas
            file.places = places | file.places if loose else places
        for file in photo.files.values():
            if loose and file.md5 not in self.files:  # what came meanwhile went along
                file.places |= photo.places
        photo.tags = _merged(photo.tags, self.tags, loose=loose)
        photo.keep = _merged(photo.keep, self.keep, loose=loose)
        if loose:
            _meanwhile(photo)


def _merged(
    now: Mapping[str, frozenset[bool]], before: Mapping[str, frozenset[bool]], *, loose: bool
) -> dict[str, frozenset[bool]]:
    absent = frozenset({False})
    if not loose:
        return {name: before.get(name, absent) for name in {**now, **before}}
    return {name: before.get(name, absent) | now.get(name, absent) for name in {**now, **before}}


def commit(photo: Photo, verdict: Verdict, *, loose: bool) -> None:
    """Files of kinds that are not kept went to the trash, or may have."""
    for file in photo.in_place():
        kept = _kept(photo, file)
        if kept == {True} or verdict == "nothing":
            continue
        file.areas = TRASH if verdict == "done" and kept == {False} and not loose else file.areas | TRASH
        file.places |= photo.lately if loose else frozenset()  # it may have gone before the photo moved on


def _meanwhile(photo: Photo) -> None:
    """A commit that is open may have seen what is kept for a moment."""
    for file in photo.files.values():
        if file.areas and _kept(photo, file) != {True}:
            file.areas = PLACE | TRASH
            file.places |= photo.lately


def _kept(photo: Photo, file: File) -> frozenset[bool]:
    """Whether the file's kind is kept; a sidecar goes with the file that it is called after."""
    kind = file.kind
    if kind == "sidecar":
        owner = file.ending.removesuffix(".xmp")
        kind = next((other.kind for other in photo.files.values() if other.ending == owner), "sidecar")
    return photo.keep.get(kind, frozenset({True, False}))


def revert(photo: Photo, verdict: Verdict, *, loose: bool) -> None:
    """All kinds that there are are kept again, or may be."""
    if verdict == "nothing":
        return
    for kind in ("jpg", "raw", "other"):
        if photo.available(kind):
            surely = verdict == "done" and not loose
            photo.keep[kind] = frozenset({True}) if surely else photo.keep.get(kind, frozenset()) | {True}


def move(photo: Photo, verdict: Verdict, destination: int, *, loose: bool) -> None:
    """The photo lies in its destination, or may do."""
    if verdict != "nothing":
        photo.go(frozenset({destination}), loose=loose or verdict == "unclear")


def tag(photo: Photo, name: str, verdict: Verdict, *, given: bool, loose: bool) -> None:
    """The photo has a tag, or has it no more, or may."""
    if verdict == "nothing":
        return
    before = photo.tags.get(name, frozenset({False}))
    photo.tags[name] = frozenset({given}) if verdict == "done" and not loose else before | {given}


def keep(photo: Photo, wish: Mapping[str, bool], verdict: Verdict, *, loose: bool) -> None:
    """Kinds of the photo are kept as it was said; a commit that was open meanwhile may have seen this or that."""
    if verdict == "nothing":
        return
    for kind, wanted in wish.items():
        surely = verdict == "done" and not loose
        photo.keep[kind] = frozenset({wanted}) if surely else photo.keep.get(kind, frozenset()) | {wanted}
    if loose:
        _meanwhile(photo)


def replaced(photo: Photo, new: File, project: int, *, loose: bool) -> None:
    """The file of the ending of ``new`` that lay in the folder of ``project`` made room for it."""
    for file in photo.in_place():
        if file.ending == new.ending and file.md5 != new.md5:
            file.areas = file.areas | TRASH if loose else TRASH
            file.places = file.places | {project} if loose else frozenset({project})
