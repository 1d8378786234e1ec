"""What becomes of a file under the same-name rules. Pure: everything it needs to know is handed in."""

from dataclasses import dataclass
from typing import Literal

from photobus_common.photos.filenames import ParsedName
from photobus_common.store.uploads import Elsewhere, OnConflict
from photobus_gateway.uploads.answers import MOVING, UploadResult, UploadStatus, answer, refused


@dataclass(frozen=True)
class Existing:
    """What lies in the project under the file's name; ``photo_id`` None when it has no row, ``md5`` "" when unread."""

    md5: str
    photo_id: int | None


Motion = Literal["being_moved", "being_removed"]


@dataclass(frozen=True)
class Surroundings:
    """What the project and the library hold beside the file.

    ``own_photo`` is the project's photo of the file's basename; ``elsewhere`` another project that has it, where the
    library allows a name only once. ``in_motion``: the file mover has on record to take away or to bring the file of
    this name, and until it has, nothing else may lie or be thought to lie under it.
    """

    existing: Existing | None = None
    own_photo: int | None = None
    elsewhere: Elsewhere | None = None
    renamed_in_batch: str | None = None
    in_motion: Motion | None = None


@dataclass(frozen=True)
class Place:
    """Put the file under its own name."""


@dataclass(frozen=True)
class Overwrite:
    """Put the old file into the trash and this one under its name."""


@dataclass(frozen=True)
class Rename:
    """Put the file under another basename: ``basename`` if that is settled already, else the next free one."""

    basename: str | None = None


Decision = UploadResult | Place | Overwrite | Rename


def decide(
    parsed: ParsedName,
    md5: str,
    on_conflict: OnConflict | None,
    found: Surroundings,
    *,
    moves_here: bool = False,
) -> Decision:
    """Say what to do with a received file, or answer it at once.

    The same bytes are never stored twice under one name, other bytes never replace any without the client's word, and
    the second file of a pair follows the first when that was renamed. With ``moves_here`` a photo of this name that
    another project has is to come here instead, and so is then what a sidecar would wait for.
    """
    if found.in_motion is not None:
        return refused(parsed.name, found.in_motion)
    existing = found.existing
    if existing is not None and existing.md5 == md5 and (existing.photo_id is not None or parsed.kind == "sidecar"):
        return answer(parsed.name, "skipped", "same_bytes", photo_id=existing.photo_id)
    if found.own_photo is None and found.elsewhere is not None:
        moves = moves_here and found.elsewhere.photo_id is not None
        if moves or parsed.kind != "sidecar":
            return _of_elsewhere(parsed.name, found.elsewhere, moves=moves)
    if found.renamed_in_batch is not None and on_conflict == "rename":
        return Rename(found.renamed_in_batch)
    if existing is None or existing.md5 == md5:
        return Place()
    return _settle(parsed.name, on_conflict, existing)


def _of_elsewhere(name: str, other: Elsewhere, *, moves: bool) -> UploadResult:
    return answer(
        name,
        "moving" if moves else "conflict",
        "name_in_other_project",
        reason=MOVING if moves else None,
        photo_id=other.photo_id,
        project_folder=other.project_folder,
    )


def _settle(name: str, on_conflict: OnConflict | None, existing: Existing) -> Decision:
    """Say what to do where other bytes have the name."""
    if on_conflict == "overwrite":
        return Overwrite()
    if on_conflict == "rename":
        return Rename()
    status: UploadStatus = "skipped" if on_conflict == "skip" else "conflict"
    return answer(name, status, "other_bytes", photo_id=existing.photo_id)
