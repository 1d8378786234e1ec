"""What becomes of a file under the same-name rules. Pure: everything it needs to know is handed in."""

from dataclasses import dataclass

from photobus_common.photos.filenames import ParsedName
from photobus_common.store.uploads import OnConflict
from photobus_gateway.uploads.answers import UploadResult, UploadStatus, answer, refused


@dataclass(frozen=True)
class Existing:
    """What lies in the project under the file's name; ``photo_id`` None when it has no row, ``md5`` "" when unread."""

    md5: str
    photo_id: int | None


@dataclass(frozen=True)
class Surroundings:
    """What the project and the library hold beside the file.

    ``own_photo`` is the project's photo of the file's basename; ``elsewhere`` the folder of another project that has
    it, where the library allows a name only once. ``in_motion``: the file mover has on record to take away the file of
    this name, and until it has, nothing may lie or be thought to lie under it.
    """

    existing: Existing | None = None
    own_photo: int | None = None
    elsewhere: str | None = None
    renamed_in_batch: str | None = None
    in_motion: bool = False


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


def decide(parsed: ParsedName, md5: str, on_conflict: OnConflict | None, found: Surroundings) -> Decision:
    """Say what to do with a received file, or answer it at once.

    The same bytes are never stored twice under one name, other bytes never replace any without the client's word, and
    the second file of a pair follows the first when that was renamed.
    """
    if found.in_motion:
        return refused(parsed.name, "being_removed")
    existing = found.existing
    if existing is not None and existing.md5 == md5 and (existing.photo_id is not None or parsed.kind == "sidecar"):
        return answer(parsed.name, "skipped", "same_bytes", photo_id=existing.photo_id)
    if parsed.kind != "sidecar" and found.own_photo is None and found.elsewhere is not None:
        return answer(parsed.name, "conflict", "name_in_other_project", project_folder=found.elsewhere)
    if found.renamed_in_batch is not None and on_conflict == "rename":
        return Rename(found.renamed_in_batch)
    if existing is None or existing.md5 == md5:
        return Place()
    return _settle(parsed.name, on_conflict, existing)


def _settle(name: str, on_conflict: OnConflict | None, existing: Existing) -> Decision:
    """Say what to do where other bytes have the name."""
    if on_conflict == "overwrite":
        return Overwrite()
    if on_conflict == "rename":
        return Rename()
    status: UploadStatus = "skipped" if on_conflict == "skip" else "conflict"
    return answer(name, status, "other_bytes", photo_id=existing.photo_id)
