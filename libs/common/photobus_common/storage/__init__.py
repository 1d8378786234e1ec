"""Files on disk: the library behind its sentinel, project folders by descriptor, locks, manifests, names."""

from photobus_common.storage.errors import (
    FileMissingError,
    FileUnreadableError,
    FolderMissingError,
    LockedError,
    ManifestBrokenError,
    NameTakenError,
    StorageFullError,
)
from photobus_common.storage.folder import TEMPORARY_PREFIX, Entry, Folder
from photobus_common.storage.library import SENTINEL, UPLOADS, Library, TenantLibrary
from photobus_common.storage.manifest import MANIFEST, Manifest
from photobus_common.storage.names import MAX_NAME_BYTES, folder_name, numbered, numbered_names
from photobus_common.storage.project_folder import (
    PREVIEWS,
    THUMBNAILS,
    TRASH,
    ProjectFolder,
    trash_cause,
    trash_folder,
    trashed_at,
)

__all__ = [
    "MANIFEST",
    "MAX_NAME_BYTES",
    "PREVIEWS",
    "SENTINEL",
    "TEMPORARY_PREFIX",
    "THUMBNAILS",
    "TRASH",
    "UPLOADS",
    "Entry",
    "FileMissingError",
    "FileUnreadableError",
    "Folder",
    "FolderMissingError",
    "Library",
    "LockedError",
    "Manifest",
    "ManifestBrokenError",
    "NameTakenError",
    "ProjectFolder",
    "StorageFullError",
    "TenantLibrary",
    "folder_name",
    "numbered",
    "numbered_names",
    "trash_cause",
    "trash_folder",
    "trashed_at",
]
