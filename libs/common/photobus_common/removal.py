"""What a commit of pending deletions makes of a photo. Pure: rows in, what goes out.

Files of a kind that is no longer to be kept go, and sidecars with the file they belong to; the photo goes with its last
file when nothing of it is kept. The dry run of the API and the worker both plan with this.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from photobus_common.catalogue_changes import Kinds
from photobus_common.events.parts import DerivativeStatus
from photobus_common.events.projects import FileFact, KeptKinds, PhotoRemoved
from photobus_common.reconciliation import SHOWN_FIRST, CatalogueFile, PhotoKind, shown_name

DerivativesFate = Literal["kept", "pending", "removed"]
"""``pending``: another file stays to make them from. ``removed``: none does."""


@dataclass(frozen=True)
class RemovablePhoto:
    """A photo of an active project with all its files, by name, as its rows say."""

    id: int
    project_id: int
    project_folder: str
    filename: str
    version: int
    keep: Kinds
    tags: tuple[str, ...]
    files: tuple[CatalogueFile, ...]
    thumbnail_status: DerivativeStatus
    preview_status: DerivativeStatus


@dataclass(frozen=True)
class DeletedRow:
    """What is left of a photo's row once it is deleted: the version that counts as, and its other columns by name."""

    version: int
    columns: Mapping[str, Any]


@dataclass(frozen=True)
class Aftermath:
    """How a photo stands once some of its files are gone. ``photo_goes``: there is nothing left to have a row for."""

    photo_goes: bool
    available: frozenset[PhotoKind]
    derivatives: DerivativesFate


@dataclass(frozen=True)
class Removal:
    """What a commit would do to ``photo``: the files that go, by name, and what follows from that."""

    photo: RemovablePhoto
    going: tuple[CatalogueFile, ...]
    aftermath: Aftermath


def plan_removal(photo: RemovablePhoto) -> Removal | None:
    """Return what a commit does to ``photo``; None where nothing of it is pending."""
    going = _going(photo)
    if not going and any(photo.keep):
        return None
    return Removal(photo, going, aftermath(photo, [file.name for file in going]))


def aftermath(photo: RemovablePhoto, removed: Collection[str]) -> Aftermath:
    """Return how ``photo`` stands without the files ``removed``, which may be others than were planned."""
    left = [file for file in photo.files if file.name not in removed]
    kinds = {file.kind for file in left}
    shown = _shown(left)
    fate: DerivativesFate = "removed" if shown is None else "kept" if shown == _shown(photo.files) else "pending"
    return Aftermath(
        photo_goes=not left and not any(photo.keep),
        available=frozenset(kind for kind in SHOWN_FIRST if kind in kinds),
        derivatives=fate,
    )


def removed_photo(photo: RemovablePhoto, deleted: DeletedRow) -> PhotoRemoved:
    """Return what the log says of ``photo``, whose row is deleted: all that is needed to bring it back."""
    return PhotoRemoved(
        photo_id=photo.id,
        filename=photo.filename,
        version=deleted.version,
        keep=KeptKinds(**photo.keep._asdict()),
        tags=photo.tags,
        files=tuple(FileFact(name=one.name, kind=one.kind, size=one.size, md5=one.md5) for one in photo.files),
        row=dict(deleted.columns),
    )


def _going(photo: RemovablePhoto) -> tuple[CatalogueFile, ...]:
    kept = {kind for kind, keep in photo.keep._asdict().items() if keep}
    originals = [file for file in photo.files if file.kind != "sidecar"]
    going = {file.name for file in originals if file.kind not in kept}
    staying = {file.name for file in originals} - going
    if not going and staying:
        return ()
    going |= {
        file.name for file in photo.files if file.kind == "sidecar" and _goes_along(file.name, going, staying, photo)
    }
    return tuple(file for file in photo.files if file.name in going)


def _goes_along(sidecar: str, going: Collection[str], staying: Collection[str], photo: RemovablePhoto) -> bool:
    """Whether a sidecar goes: with the file it is called after, else with the last original of its photo.

    Without any original its photo decides: where something is to be kept that is not there, the sidecar waits for it.
    """
    owner = sidecar.rpartition(".")[0]
    if owner in going or owner in staying:
        return owner in going
    owner = owner.lower()  # the extension may be spelt otherwise than that of the file
    if any(name.lower() == owner for name in staying):
        return False
    if any(name.lower() == owner for name in going):
        return True
    return not staying and (bool(going) or not any(photo.keep))


def _shown(files: Iterable[CatalogueFile]) -> str | None:
    return shown_name([(file.kind, file.name) for file in files])
