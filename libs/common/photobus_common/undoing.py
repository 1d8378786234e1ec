"""What an undo makes of a photo, by what a task did to it and by how it is now. Pure: deeds and rows in, plans out.

Only what still is as the task left it is taken back; what has changed since is left, and each thing that cannot be is
told in a sentence. The dry run of the API and the worker both plan with this.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from photobus_common.catalogue_changes import (
    CataloguePhoto,
    KeepChange,
    Kinds,
    TagsChange,
    TooManyTagsError,
    plan_tags,
)
from photobus_common.deeds import Deed, Place
from photobus_common.events.parts import FileKind
from photobus_common.events.projects import PhotoRemoved
from photobus_common.moving import Wish
from photobus_common.reconciliation import SHOWN_FIRST, CatalogueFile, CatalogueProject
from photobus_common.removal import RemovablePhoto, Removal, aftermath, plan_removal

GONE: Final = "The photo is no longer in the catalogue."

Status = Literal["restores", "refused", "unchanged"]


@dataclass(frozen=True)
class Situation:
    """How things are now. ``photo`` is None where there is none of that id.

    ``projects`` holds every project that the deed names and the photo's; ``namesakes`` says of basenames in them which
    project has another photo that is in the way of one that would get it.
    """

    photo: RemovablePhoto | None
    projects: Mapping[int, CatalogueProject]
    namesakes: Mapping[Place, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Returning:
    """A file that is to come back from the trash; ``size`` and ``md5`` are those it had."""

    name: str
    trash_path: str
    kind: FileKind
    size: int
    md5: str | None


@dataclass(frozen=True)
class Comeback:
    """What comes back to ``place``: files, and with ``row`` the photo itself, whose row is gone."""

    place: Place
    files: tuple[Returning, ...]
    row: PhotoRemoved | None


@dataclass(frozen=True)
class MoveBack:
    """A photo that is to lie where it lay."""

    project: CatalogueProject
    wish: Wish


@dataclass(frozen=True)
class Undo:
    """What is to be done to one photo, and why the rest of it cannot be: ``refused``, in sentences.

    ``project_folder`` is where it lies or, if it is gone, lay before. ``staying`` are files that would go again were
    they not to be kept by now.
    """

    photo_id: int
    filename: str | None = None
    project_folder: str | None = None
    keep: KeepChange | None = None
    tags: TagsChange | None = None
    move: MoveBack | None = None
    comeback: Comeback | None = None
    removal: Removal | None = None
    staying: tuple[CatalogueFile, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def does_something(self) -> bool:
        """Whether anything is taken back."""
        return any((self.keep, self.tags, self.move, self.comeback, self.removal))

    @property
    def status(self) -> Status:
        """What is said of the photo in a word; one that is refused may still have things that are taken back."""
        return "refused" if self.refused else "restores" if self.does_something else "unchanged"


class _RefusedError(Exception):
    """Something of a deed cannot be taken back; the argument says why."""


def plan_undo(deed: Deed, now: Situation) -> Undo:
    """Return how what the ``deed`` says is taken back."""
    there = now.photo if now.photo is None or now.projects[now.photo.project_id].active else None
    undo = Undo(deed.photo_id, deed.filename if there is None else there.filename, _folder(deed, now))
    for step in (_flags, _place, _files_back, _files_away):
        try:
            undo = step(undo, deed, replace(now, photo=there))
        except _RefusedError as refusal:
            undo = replace(undo, refused=tuple(dict.fromkeys((*undo.refused, str(refusal)))))
    return undo


def told(undo: Undo, filename: str | None = None) -> Iterator[str]:
    """Say in words what is taken back; ``filename`` is the basename that a photo that moves will get."""
    if undo.keep is not None:
        before, after = undo.keep.photo.keep, undo.keep.keep
        for kind, was, will in zip(Kinds._fields, before, after, strict=True):
            if was != will:
                yield f"{kind} is kept again" if will else f"{kind} is no longer kept"
    if undo.tags is not None:
        yield from (f"gets the tag {tag} back" for tag in undo.tags.added)
        yield from (f"loses the tag {tag}" for tag in undo.tags.removed)
    if undo.move is not None:
        wanted = undo.move.wish.filename
        renamed = filename if filename not in {None, wanted} else None
        yield f"goes back to {undo.move.project.name}" + (f" as {renamed}, since {wanted} is taken" if renamed else "")
    if undo.comeback is not None:
        yield from (["is in the catalogue again"] if undo.comeback.row else [])
        yield from (f"{file.name} comes back from the trash" for file in undo.comeback.files)
    if undo.removal is not None:
        yield from (f"{file.name} goes to the trash again" for file in undo.removal.going)
        yield from (["leaves the catalogue again"] if undo.removal.aftermath.photo_goes else [])


def _folder(deed: Deed, now: Situation) -> str | None:
    """Return the folder of the project where the photo lies or, if it is gone, lay before."""
    if now.photo is not None:
        return now.photo.project_folder
    project = None if deed.left_at is None else now.projects.get(deed.left_at.project_id)
    return None if project is None else project.folder


def _flags(undo: Undo, deed: Deed, now: Situation) -> Undo:
    """Take back what was said of the photo, kind by kind and tag by tag: where it was said anew since, that stands."""
    if deed.keep is None and not deed.tags_added and not deed.tags_removed:
        return undo
    if now.photo is None:
        raise _RefusedError(GONE)
    photo = _catalogue_photo(now.photo)
    keep = None
    if deed.keep is not None:
        changes = zip(*deed.keep, photo.keep, strict=True)
        kinds = Kinds(*(before if is_now == after else is_now for before, after, is_now in changes))
        keep = None if kinds == photo.keep else KeepChange(photo, kinds)
    try:
        tags = plan_tags(photo, add=deed.tags_removed, remove=deed.tags_added)
    except TooManyTagsError as error:
        return replace(undo, keep=keep, refused=(*undo.refused, str(error)))
    return replace(undo, keep=keep, tags=tags)


def _place(undo: Undo, deed: Deed, now: Situation) -> Undo:
    """Take back a move, unless the photo has moved on."""
    if deed.moved is None:
        return undo
    if now.photo is None:
        raise _RefusedError(GONE)
    if deed.place is not None:
        raise _RefusedError("It was moved and files of it came or went, in no order that could be taken back.")
    came_from, went_to = deed.moved
    if now.photo.project_id == came_from.project_id:
        return undo
    if now.photo.project_id != went_to.project_id:
        raise _RefusedError(f"It has moved on to {now.photo.project_folder}.")
    project = _active(now, came_from)
    as_it_was = now.photo.filename == went_to.filename
    return replace(
        undo, move=MoveBack(project, Wish(now.photo, came_from.filename if as_it_was else now.photo.filename))
    )


def _files_back(undo: Undo, deed: Deed, now: Situation) -> Undo:
    """Bring back files that went to the trash, and the photo with them if its row went."""
    if deed.moved is not None or (not deed.trashed and deed.removed is None):
        return undo
    place = deed.place
    if place is None:  # its row had gone before its files did
        raise _RefusedError(GONE)
    files = tuple(
        Returning(name, file.trash_path, deed.facts[name].kind, file.size, file.md5)
        for name, file in deed.trashed.items()
        if name in deed.facts
    )
    if now.photo is not None:
        missing = _not_there(now.photo, place, files)
        return replace(undo, comeback=Comeback(place, missing, None)) if missing else undo
    _active(now, place)
    if deed.removed is None:
        raise _RefusedError(GONE)
    if not files and deed.removed.files:
        raise _RefusedError("None of its files went to the trash.")
    if place in now.namesakes:
        raise _RefusedError(f"Another photo is called {place.filename} now, in {now.namesakes[place]}.")
    return replace(undo, comeback=Comeback(place, files, deed.removed))


def _files_away(undo: Undo, deed: Deed, now: Situation) -> Undo:
    """Let files that came back go to the trash again, but none that is to be kept by now."""
    if deed.moved is not None or (not deed.restored and not deed.brought_back):
        return undo
    if now.photo is None:
        if deed.brought_back:
            return undo
        raise _RefusedError(GONE)
    if deed.place is not None:
        _refuse_elsewhere(now.photo, deed.place)
    had = {name: deed.facts[name].md5 for name in deed.restored if name in deed.facts}
    here = {file.name: file for file in now.photo.files if had.get(file.name) == file.md5}
    pending = plan_removal(now.photo)
    going = tuple(file for file in (pending.going if pending else ()) if file.name in here)
    after = aftermath(now.photo, [file.name for file in going])
    if going or (deed.brought_back and after.photo_goes):
        undo = replace(undo, removal=Removal(now.photo, going, after))
    staying = tuple(file for file in here.values() if file not in going)
    if staying:
        names = ", ".join(file.name for file in staying)
        undo = replace(undo, staying=staying, refused=(*undo.refused, f"To be kept by now: {names}."))
    return undo


def _not_there(photo: RemovablePhoto, place: Place, files: tuple[Returning, ...]) -> tuple[Returning, ...]:
    """Return the files that the photo does not have; raises where they can no longer be its own."""
    _refuse_elsewhere(photo, place)
    here = {file.name: file.md5 for file in photo.files}
    others = [file.name for file in files if file.name in here and here[file.name] != file.md5]
    if others:
        raise _RefusedError(f"It has another file of the same name now: {', '.join(others)}.")
    return tuple(file for file in files if file.name not in here)


def _refuse_elsewhere(photo: RemovablePhoto, place: Place) -> None:
    if photo.project_id != place.project_id:
        raise _RefusedError(f"It lies in {photo.project_folder} now.")
    if photo.filename != place.filename:
        raise _RefusedError(f"It is called {photo.filename} now.")


def _active(now: Situation, place: Place) -> CatalogueProject:
    project = now.projects.get(place.project_id)
    if project is None:
        raise _RefusedError("Its project is no longer there.")
    if not project.active:
        raise _RefusedError(f"Its project {project.name} was deleted.")
    return project


def _catalogue_photo(photo: RemovablePhoto) -> CataloguePhoto:
    kinds = {file.kind for file in photo.files}
    return CataloguePhoto(
        id=photo.id,
        project_id=photo.project_id,
        project_folder=photo.project_folder,
        filename=photo.filename,
        version=photo.version,
        available=Kinds(**{kind: kind in kinds for kind in SHOWN_FIRST}),
        keep=photo.keep,
        tags=photo.tags,
    )
