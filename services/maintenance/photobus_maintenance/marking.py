"""Telling by a glance that nothing changed in a project's folder, so that it need not be gone through.

A folder's times change with each name that comes or goes in it. What they cannot show, bytes written over in place, is
left to the full pass that is made however often all looks the same (``maintenance.full_pass_hours``).
"""

import hashlib
import os
import stat
from typing import Final

from photobus_common.config import Settings
from photobus_common.storage.errors import storage_errors
from photobus_common.storage.manifest import MANIFEST
from photobus_common.storage.project_folder import PREVIEWS, THUMBNAILS, TRASH, ProjectFolder
from photobus_common.store.folder_marks import RowsMark

_PARTS: Final = (".", THUMBNAILS, PREVIEWS, TRASH, MANIFEST)

_YOUNG_NS: Final = 2_000_000_000
"""A time so near that a later change might get the same: file systems count in steps of up to two seconds."""


class Glance:
    """What can be seen of a folder without going through it; ``now_ns`` is when it was looked at.

    Under other ``settings`` the same folder may be another matter.
    """

    def __init__(self, folder: ProjectFolder, settings: Settings, now_ns: int) -> None:
        self._rules = _rules(settings)
        self._times = _times(folder)
        self._settled = all(max(times[:2]) < now_ns - _YOUNG_NS for times in self._times if times)

    def mark(self, rows: RowsMark) -> str | None:
        """Return what stands for folder and rows together; None while the folder may change without its times."""
        return f"{self._times}|{rows}|{self._rules}" if self._settled else None


def _rules(settings: Settings) -> str:
    """Return what stands for the settings by which a check tells whether there is anything to do."""
    uploader = settings.uploader
    rules = (
        *(uploader.accepted_files, uploader.sidecars, settings.library.unique_names),
        *(settings.processing.format, settings.maintenance.stray_files),
    )
    return hashlib.sha256(repr(rules).encode()).hexdigest()[:16]


def _times(folder: ProjectFolder) -> list[tuple[int, int, int, int]]:
    """Return change times, inode and size of the parts of the folder; empty for one that is not there. Blocks."""
    found: list[tuple[int, int, int, int]] = []
    for part in _PARTS:
        with storage_errors(f"looking at {part!r} in {folder.name!r}"):
            try:
                known = os.lstat(part, dir_fd=folder.fd)
            except FileNotFoundError:
                found.append((0, 0, 0, 0))
                continue
        size = known.st_size if stat.S_ISREG(known.st_mode) else 0
        found.append((known.st_mtime_ns, known.st_ctime_ns, known.st_ino, size))
    return found
