"""A photo and the trash of its projects, in memory: changed by tasks and by undos, each told as in the log."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from uuid import UUID

from photobus_common.catalogue_changes import (
    CataloguePhoto,
    KeepChange,
    KeepWish,
    Kinds,
    TagsChange,
    keep_events,
    plan_keep,
    plan_tags,
    tags_events,
)
from photobus_common.config import Uploader
from photobus_common.events import EventData
from photobus_common.events.projects import (
    FileFact,
    FilesRestored,
    FilesTrashed,
    MovedFile,
    PhotoFiles,
    PhotoFilesChanged,
    PhotoMoved,
    PhotoRestored,
    PhotosMoved,
    PhotosRemoved,
    PhotosRestored,
    TrashedFile,
)
from photobus_common.moving import renamed_files
from photobus_common.photos.filenames import FileKind, ParsedName, parse
from photobus_common.reconciliation import CatalogueFile, CatalogueProject
from photobus_common.removal import DeletedRow, RemovablePhoto, Removal, plan_removal, removed_photo
from photobus_common.undoing import Comeback, Undo

MADE_AT = datetime(2026, 5, 1, tzinfo=UTC)
LIBRARY = UUID(int=7)
ALL = Kinds(jpg=True, raw=True, other=True)
NONE = Kinds(jpg=False, raw=False, other=False)


def project(number: int, *, active: bool = True) -> CatalogueProject:
    return CatalogueProject(number, "user_0", f"P{number}", f"P{number}", active, MADE_AT, LIBRARY)


PROJECTS = {number: project(number) for number in (1, 2, 3)}


@dataclass(frozen=True)
class World:
    """One photo, if there is one, and the trash of its projects: which file lies where."""

    photo: RemovablePhoto | None
    trash: tuple[tuple[str, str], ...] = ()

    @property
    def state(self) -> RemovablePhoto | None:
        """The photo without what every change counts on."""
        return self.photo and replace(self.photo, version=0, files=tuple(sorted(self.photo.files, key=_by_name)))

    @property
    def known(self) -> RemovablePhoto:
        assert self.photo is not None
        return self.photo


Told = tuple[World, list[EventData]]
_numbers = count(1)


def _by_name(file: CatalogueFile) -> str:
    return file.name


def photo(names: Iterable[str] = ("A.JPG",), keep: Kinds = ALL, tags: Iterable[str] = ()) -> World:
    """Return a world with a photo in the project 1."""
    files = tuple(CatalogueFile(name, _kind(name), 1, f"md5 of {name}") for name in sorted(names))
    return World(RemovablePhoto(9, 1, "P1", "A", 1, keep, tuple(sorted(tags)), files, "generated", "generated"))


def _kind(name: str) -> FileKind:
    parsed = parse(name, Uploader())
    assert isinstance(parsed, ParsedName)
    return parsed.kind


def keeping(world: World, wish: KeepWish) -> Told:
    change = plan_keep(_catalogue(world.known), wish)
    return (world, []) if change is None else _kept(world, change)


def tagging(world: World, add: Iterable[str], remove: Iterable[str]) -> Told:
    change = plan_tags(_catalogue(world.known), add, remove)
    return (world, []) if change is None else _tagged(world, change)


def moving(world: World, project_id: int, filename: str) -> Told:
    before = world.known
    pairs = renamed_files(before.files, before.filename, filename)
    files = tuple(replace(file, name=name) for file, name in pairs)
    after = replace(before, project_id=project_id, project_folder=f"P{project_id}", filename=filename, files=files)
    moved = PhotoMoved(
        photo_id=before.id,
        filename=filename,
        source_filename=before.filename,
        version=2,
        files=tuple(
            MovedFile(name=name, source_name=file.name, kind=file.kind, size=file.size, md5=file.md5)
            for file, name in pairs
        ),
        thumbnail_status="generated",
        preview_status="generated",
    )
    data = PhotosMoved(
        **about(project_id),
        source_project_id=before.project_id,
        source_project_folder=before.project_folder,
        photos=(moved,),
    )
    return replace(world, photo=after), [data]


def committing(world: World, removal: Removal | None = None) -> Told:
    before = world.known
    undone = removal is not None
    removal = removal or plan_removal(before)
    if removal is None:
        return world, []
    trashed = tuple(
        TrashedFile(
            photo_id=before.id, name=file.name, trash_path=f".trash/{next(_numbers)}/{file.name}", size=1, md5=file.md5
        )
        for file in removal.going
    )
    said_of = about(before.project_id)
    events: list[EventData] = []
    if trashed:
        events.append(FilesTrashed(**said_of, reason="undone" if undone else "committed", files=trashed))
    left = tuple(file for file in before.files if file not in removal.going)
    if removal.aftermath.photo_goes:
        gone = removed_photo(before, DeletedRow(2, {"size": 1}))
        events.append(PhotosRemoved(**said_of, cause="undo" if undone else "file_removal", photos=(gone,)))
    else:
        part = PhotoFiles(photo_id=before.id, filename=before.filename, version=2, removed=_facts(removal.going))
        events.append(PhotoFilesChanged(**said_of, cause="undo" if undone else "file_removal", photos=(part,)))
    after = None if removal.aftermath.photo_goes else replace(before, files=left)
    return World(after, (*world.trash, *((one.trash_path, one.name) for one in trashed))), events


def undoing(world: World, undo: Undo) -> Told:
    """Do what is planned, all of it, as the worker does."""
    events: list[EventData] = []
    if undo.keep is not None:
        world, said = _kept(world, undo.keep)
        events += said
    if undo.tags is not None:
        world, said = _tagged(world, undo.tags)
        events += said
    if undo.move is not None:
        world, said = moving(world, undo.move.project.id, undo.move.wish.filename)
        events += said
    if undo.comeback is not None:
        world, said = _coming_back(world, undo.comeback)
        events += said
    if undo.removal is not None:
        world, said = committing(world, undo.removal)
        events += said
    return world, events


def _coming_back(world: World, comeback: Comeback) -> Told:
    said_of = about(comeback.place.project_id)
    for file in comeback.files:
        assert (file.trash_path, file.name) in world.trash
    returned = tuple(
        TrashedFile(photo_id=9, name=one.name, trash_path=one.trash_path, size=1, md5=one.md5) for one in comeback.files
    )
    files = tuple(CatalogueFile(one.name, one.kind, one.size, one.md5 or "") for one in comeback.files)
    events: list[EventData] = [FilesRestored(**said_of, files=returned)] if returned else []
    if comeback.row is None:
        part = PhotoFiles(photo_id=9, filename=comeback.place.filename, version=3, added=_facts(files))
        events.append(PhotoFilesChanged(**said_of, cause="undo", photos=(part,)))
        after = replace(world.known, files=(*world.known.files, *files))
    else:
        row = comeback.row
        assert world.photo is None
        back = PhotoRestored(
            **{name: getattr(row, name) for name in ("photo_id", "filename", "version", "keep", "tags")},
            files=_facts(files),
            thumbnail_status="pending",
            preview_status="pending",
        )
        events.append(PhotosRestored(**said_of, cause="undo", photos=(back,)))
        keep = Kinds(**row.keep.model_dump())
        after = replace(photo((), keep, row.tags).known, filename=row.filename, files=files)
        after = replace(after, project_id=comeback.place.project_id, project_folder=f"P{comeback.place.project_id}")
    left = tuple(one for one in world.trash if one[0] not in {file.trash_path for file in comeback.files})
    return World(after, left), events


def _kept(world: World, change: KeepChange) -> Told:
    return replace(world, photo=replace(world.known, keep=change.keep)), list(keep_events([change], {9: 2}))


def _tagged(world: World, change: TagsChange) -> Told:
    return replace(world, photo=replace(world.known, tags=change.tags)), list(tags_events([change], {9: 2}))


def about(project_id: int) -> dict[str, object]:
    return {"project_id": project_id, "project_folder": f"P{project_id}"}


def _facts(files: Iterable[CatalogueFile]) -> tuple[FileFact, ...]:
    return tuple(FileFact(name=one.name, kind=one.kind, size=one.size, md5=one.md5) for one in files)


def _catalogue(one: RemovablePhoto) -> CataloguePhoto:
    return CataloguePhoto(one.id, one.project_id, one.project_folder, one.filename, 1, one.keep, one.keep, one.tags)
