"""Reading again what a photo's files tell of it, and what that makes of its row."""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any, Literal, NamedTuple

from photobus_common.photos import content, exif
from photobus_common.photos.exif import Exif
from photobus_common.storage.errors import FileMissingError, storage_errors
from photobus_common.storage.project_folder import ProjectFolder, descriptor_entry
from photobus_common.store.metadata import DescribedPhoto, OriginalFile
from photobus_common.store.photos import combined_metadata

Refusal = Literal["no_original", "original_missing", "unreadable", "other_content", "changed", "in_motion"]
"""Why a photo's metadata cannot be read now. ``other_content``: a file is not what its name says; ``changed``: it was
being written."""


class Difference(NamedTuple):
    """Columns of a row that differ from what the files tell; ``row`` is all of it as it should be."""

    before: dict[str, Any]
    after: dict[str, Any]
    row: dict[str, Any]


def read_photo(folder: ProjectFolder, files: Sequence[OriginalFile]) -> list[Exif] | Refusal:
    """Read the EXIF of each file; raises ``StorageUnavailableError``. Blocks."""
    if not files:
        return "no_original"
    found: list[Exif] = []
    for file in files:
        told = _read(folder, file.name)
        if not isinstance(told, Exif):
            return told
        found.append(told)
    return found


def _read(folder: ProjectFolder, name: str) -> Exif | Refusal:
    try:
        fd = folder.open(name)
    except FileMissingError:
        return "original_missing"
    try:
        before = descriptor_entry(fd, name)
        with storage_errors(f"reading {name!r}"):
            head = os.pread(fd, content.HEAD_BYTES, 0)
        if not content.matches(name.rpartition(".")[2].lower(), content.sniff(head)):
            return "other_content"
        told = exif.read(fd)
        return told if descriptor_entry(fd, name) == before else "changed"
    finally:
        os.close(fd)


def difference(photo: DescribedPhoto, told: Sequence[Exif]) -> Difference | None:
    """Compare a photo's row with what its files tell, in the order of showing. Pure.

    Whoever decoded one of them knows its size best, so that is left where derivatives were made of what is there now.
    """
    row = combined_metadata(
        [(one, file.modified_at.astimezone(UTC)) for one, file in zip(told, photo.files, strict=True)]
    )
    decoded = (photo.derivative_key or "").partition(".")[0]
    sized = row["width"] is not None and decoded not in {file.md5 for file in photo.files}
    if not sized:
        row |= {side: photo.metadata[side] for side in ("width", "height")}
    names = [name for name, value in photo.metadata.items() if row[name] != value]
    if not names:
        return None
    return Difference(_picked(photo.metadata, names), _picked(row, names), row)


def _picked(columns: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: columns[name] for name in names}
