"""What happens to photos, in words: to one in its own history, where it need not be named, and to all of an event."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from photobus_common.events.maintenance import MetadataUpdated, PhotosRecognized
from photobus_common.events.parts import DerivativeStatus
from photobus_common.events.projects import (
    DerivativesUpdated,
    FileFact,
    FilesRestored,
    FilesTrashed,
    KeepChanged,
    KeptKinds,
    PhotoFiles,
    PhotoFilesChanged,
    PhotosAdded,
    PhotosMoved,
    PhotosRemoved,
    PhotosRestored,
    TagsChanged,
    TrashedFile,
)
from photobus_gateway.words.phrasing import counted, listed, plain, quoted, sentence_of, size


class _Named(Protocol):
    """What an event tells of one photo."""

    @property
    def filename(self) -> str: ...


_DERIVATIVE: Final[dict[DerivativeStatus, str]] = {
    "pending": "to be made",
    "generated": "made",
    "failed": "failed",
    "missing": "missing",
    "not_supported": "not possible",
}

_BY: Final = {
    "upload": "by an upload",
    "manifest_check": "as a check found them",
    "folder_check": "as a check found them",
    "file_removal": "by a commit",
    "undo": "by an undo",
}

_WHY_TRASHED: Final = {
    "overwritten": "for an upload replaced it",
    "committed": "by a commit",
    "undone": "by an undo",
}

_WHY_REMOVED: Final = {
    "file_removal": "by a commit",
    "manifest_cleaning": "for none of its files is there",
    "undo": "by an undo",
    "project_delete": "with its project",
    "orphaned_project_cleanup": "for its project's folder is gone",
}

_WHY_RESTORED: Final = {
    "undo": "by an undo",
    "project_restore": "with its project",
    "folder_check": "for its files are there again",
}

_KINDS: Final = {"jpg": "JPEG", "raw": "RAW", "other": "other files"}


# --- added, changed, removed ----------------------------------------------------------------------------------------


def _added(data: PhotosAdded) -> str:
    (photo,) = data.photos
    return f"Added to project {quoted(data.project_folder)} as {photo.filename}: {_files(photo.files)}"


def _all_added(data: PhotosAdded) -> str:
    return f"{_photos(data.photos)} added"


def _files(files: Sequence[FileFact]) -> str:
    return listed([f"{file.name} ({size(file.size)})" for file in files]) or "no files"


def _files_changed(data: PhotoFilesChanged) -> str:
    (photo,) = data.photos
    told = _changes_of_files(photo)
    return f"{'; '.join(told)}, {_BY[data.cause]}" if told else f"Files as before, {_BY[data.cause]}"


def _all_files_changed(data: PhotoFilesChanged) -> str:
    return f"Files of {_photos(data.photos)} changed, {_BY[data.cause]}"


def _changes_of_files(photo: PhotoFiles) -> list[str]:
    before, after = {file.name for file in photo.removed}, {file.name for file in photo.added}
    groups = (
        (sorted(before & after), "replaced"),
        (sorted(after - before), "added"),
        (sorted(before - after), "gone"),
    )
    return [f"{listed(names)} {what}" for names, what in groups if names]


def _removed(data: PhotosRemoved) -> str:
    return f"Removed from project {quoted(data.project_folder)}, {_WHY_REMOVED[data.cause]}"


def _all_removed(data: PhotosRemoved) -> str:
    return f"{_photos(data.photos)} removed, {_WHY_REMOVED[data.cause]}"


def _restored(data: PhotosRestored) -> str:
    (photo,) = data.photos
    return f"Back in project {quoted(data.project_folder)} as {photo.filename}, {_WHY_RESTORED[data.cause]}"


def _all_restored(data: PhotosRestored) -> str:
    return f"{_photos(data.photos)} came back, {_WHY_RESTORED[data.cause]}"


# --- files in the trash ---------------------------------------------------------------------------------------------


def _files_trashed(data: FilesTrashed) -> str:
    return f"{_trashed(data.files)} went to the trash, {_WHY_TRASHED[data.reason]}: {_places(data.files)}"


def _all_files_trashed(data: FilesTrashed) -> str:
    return f"{_trashed(data.files)} went to the trash, {_WHY_TRASHED[data.reason]}"


def _files_restored(data: FilesRestored) -> str:
    return f"{_trashed(data.files)} came back from the trash, from {_places(data.files)}"


def _all_files_restored(data: FilesRestored) -> str:
    return f"{_trashed(data.files)} came back from the trash"


def _trashed(files: Sequence[TrashedFile]) -> str:
    return listed([file.name for file in files])


def _places(files: Sequence[TrashedFile]) -> str:
    return listed([file.trash_path for file in files])


# --- moved ----------------------------------------------------------------------------------------------------------


def _moved(data: PhotosMoved) -> str:
    (photo,) = data.photos
    renamed = "" if photo.filename == photo.source_filename else f" as {photo.filename}"
    return f"Moved {_from_to(data)}{renamed}"


def _all_moved(data: PhotosMoved) -> str:
    if len(data.photos) == 1:
        return _with_its_name(data.photos[0].source_filename, _moved(data))
    return f"{_photos(data.photos)} moved {_from_to(data)}"


def _recognized(data: PhotosRecognized) -> str:
    (photo,) = data.photos
    names = "" if photo.filename == photo.source_filename else f" from {photo.source_filename} to {photo.filename}"
    if data.source_project_id == data.project_id:
        return f"Renamed outside photobus{names}, and recognised"
    renamed = f" and renamed{names}" if names else ""
    return f"Moved outside photobus {_from_to(data)}{renamed}, and recognised"


def _all_recognized(data: PhotosRecognized) -> str:
    if len(data.photos) == 1:
        return _with_its_name(data.photos[0].source_filename, _recognized(data))
    if data.source_project_id == data.project_id:
        return f"{_photos(data.photos)} renamed outside photobus, and recognised"
    return f"{_photos(data.photos)} moved outside photobus {_from_to(data)}, and recognised"


def _with_its_name(name: str, sentence: str) -> str:
    return f"photo {name} {sentence[0].lower()}{sentence[1:]}"


def _from_to(data: PhotosMoved | PhotosRecognized) -> str:
    return f"from project {quoted(data.source_project_folder)} to {quoted(data.project_folder)}"


# --- what is known of them ------------------------------------------------------------------------------------------


def _derivatives(data: DerivativesUpdated) -> str:
    (photo,) = data.photos
    if photo.reason:
        return f"Derivatives could not be made: {photo.reason}"
    if photo.thumbnail_status == photo.preview_status == "generated":
        return "Thumbnail and preview made"
    return f"Thumbnail {_DERIVATIVE[photo.thumbnail_status]}, preview {_DERIVATIVE[photo.preview_status]}"


def _all_derivatives(data: DerivativesUpdated) -> str:
    failed = [photo for photo in data.photos if photo.reason]
    made = len(data.photos) - len(failed)
    told = [f"Derivatives of {counted(made, 'photo')} made"] if made else []
    if failed:
        told.append(f"Derivatives of {_photos(failed)} could not be made: {failed[0].reason}")
    return "; ".join(told)


def _keep(data: KeepChanged) -> str:
    (photo,) = data.photos
    return "; ".join(_kept(photo.before, photo.after)) or "Kept as before"


def _all_keep(data: KeepChanged) -> str:
    return f"Decided anew what is kept of {_photos(data.photos)}"


def _kept(before: KeptKinds, after: KeptKinds) -> list[str]:
    gained = [name for kind, name in _KINDS.items() if getattr(after, kind) and not getattr(before, kind)]
    lost = [name for kind, name in _KINDS.items() if getattr(before, kind) and not getattr(after, kind)]
    return [f"{words} {listed(kinds)}" for words, kinds in (("To keep:", gained), ("Not to keep:", lost)) if kinds]


def _tags(data: TagsChanged) -> str:
    (photo,) = data.photos
    words = "Tag" if len(photo.added) + len(photo.removed) == 1 else "Tags"
    return f"{words} {'; '.join(_tag_changes(photo.added, photo.removed)) or 'as before'}"


def _all_tags(data: TagsChanged) -> str:
    added = dict.fromkeys(tag for photo in data.photos for tag in photo.added)
    removed = dict.fromkeys(tag for photo in data.photos for tag in photo.removed)
    return f"Tags of {_photos(data.photos)} changed: {'; '.join(_tag_changes([*added], [*removed])) or 'none'}"


def _tag_changes(added: Sequence[str], removed: Sequence[str]) -> list[str]:
    groups = ((added, "added"), (removed, "removed"))
    return [f"{listed([quoted(tag) for tag in tags])} {what}" for tags, what in groups if tags]


def _metadata(data: MetadataUpdated) -> str:
    (photo,) = data.photos
    changed = sorted(plain(name) for name, value in photo.after.items() if photo.before.get(name) != value)
    return f"Metadata read again: {listed(changed) or 'nothing'} changed"


def _all_metadata(data: MetadataUpdated) -> str:
    return f"Metadata of {_photos(data.photos)} read again, and changed"


# --- of all photos of an event --------------------------------------------------------------------------------------


def _photos(photos: Sequence[_Named]) -> str:
    names = sorted(photo.filename for photo in photos)
    return f"photo {names[0]}" if len(names) == 1 else f"{len(names)} photos ({listed(names)})"


def _capital(sentence: Callable[[Any], str]) -> Callable[[Any], str]:
    def said(data: Any) -> str:
        words = sentence(data)
        return words[:1].upper() + words[1:]

    return said


SENTENCES: Final = (
    sentence_of(PhotosAdded, _capital(_all_added)),
    sentence_of(PhotoFilesChanged, _all_files_changed),
    sentence_of(DerivativesUpdated, _all_derivatives),
    sentence_of(FilesTrashed, _all_files_trashed),
    sentence_of(FilesRestored, _all_files_restored),
    sentence_of(PhotosRemoved, _capital(_all_removed)),
    sentence_of(PhotosRestored, _capital(_all_restored)),
    sentence_of(PhotosMoved, _capital(_all_moved)),
    sentence_of(KeepChanged, _all_keep),
    sentence_of(TagsChanged, _all_tags),
    sentence_of(PhotosRecognized, _capital(_all_recognized)),
    sentence_of(MetadataUpdated, _all_metadata),
)

OF_PHOTO: Final = (
    sentence_of(PhotosAdded, _added),
    sentence_of(PhotoFilesChanged, _files_changed),
    sentence_of(DerivativesUpdated, _derivatives),
    sentence_of(FilesTrashed, _files_trashed),
    sentence_of(FilesRestored, _files_restored),
    sentence_of(PhotosRemoved, _removed),
    sentence_of(PhotosRestored, _restored),
    sentence_of(PhotosMoved, _moved),
    sentence_of(KeepChanged, _keep),
    sentence_of(TagsChanged, _tags),
    sentence_of(PhotosRecognized, _recognized),
    sentence_of(MetadataUpdated, _metadata),
)
