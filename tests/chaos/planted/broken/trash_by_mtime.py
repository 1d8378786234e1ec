"""What lies in a trash expires by the times of its files, which are those of the photos, not of their deletion."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from photobus_common.storage.errors import FileMissingError
from photobus_common.storage.folder import Folder
from photobus_common.storage.project_folder import TRASH
from photobus_maintenance.trash import Contents
from photobus_maintenance.trash import contents_of as sound_contents_of


@dataclass(frozen=True)
class _Aged(Contents):
    """What lies in a trash, and when the newest file of each folder was changed."""

    changed_at: Mapping[str, datetime] = field(default_factory=dict)

    def expired(self, before: datetime) -> list[str]:
        """Return the folders whose files were all changed before then."""
        return [name for name in self.folders if name in self.changed_at and self.changed_at[name] <= before]


def contents_of(folder: Folder) -> Contents:
    """Look at the files of each folder of the trash."""
    contents = sound_contents_of(folder)
    changed_at: dict[str, datetime] = {}
    with suppress(FileMissingError), folder.subfolder(TRASH) as trash:
        for name in contents.folders:
            with trash.subfolder(name) as own:
                if entries := own.list(hidden=True):
                    newest = max(entry.mtime_ns for entry in entries)
                    changed_at[name] = datetime.fromtimestamp(newest / 1e9, UTC)
    return _Aged(contents.folders, contents.strays, changed_at)
