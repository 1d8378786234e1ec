"""What lies under names in a project's folder, and whether it is what the catalogue says. All calls block."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from photobus_common.errors import PhotobusError
from photobus_common.storage.errors import is_about_one_file
from photobus_common.storage.folder import Entry
from photobus_common.storage.project_folder import ProjectFolder, modified_at
from photobus_common.store.photos import KnownFile
from photobus_gateway.uploads.planning import Existing
from photobus_gateway.uploads.putting import md5_of

_UNREADABLE = ""
"""Stands for the MD5 of a file that cannot be read: no upload has the same bytes."""


@dataclass(frozen=True)
class Occupant:
    """The file that lies under a name, and what is known of it."""

    entry: Entry
    existing: Existing


def occupants(folder: ProjectFolder, names: Iterable[str], rows: Mapping[str, KnownFile]) -> dict[str, Occupant]:
    """Return what lies under ``names``. An MD5 on record counts while the file's size and time are the row's."""
    found: dict[str, Occupant] = {}
    for name in names:
        entry = folder.stat(name)
        if entry is None:
            continue
        known = rows.get(name)
        trusted = known is not None and (known.file.size, known.file.modified_at) == (entry.size, modified_at(entry))
        md5 = known.file.md5 if known is not None and trusted else _md5(folder, name)
        found[name] = Occupant(entry, Existing(md5, known.photo_id if known else None))
    return found


def _md5(folder: ProjectFolder, name: str) -> str:
    try:
        return md5_of(folder, name)
    except PhotobusError as error:
        if not is_about_one_file(error):
            raise
        return _UNREADABLE
