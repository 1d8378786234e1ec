"""An empty folder in the library's place is taken for it: nobody asks for the sentinel, nor how much is gone."""

import os
from typing import Any, Final

from photobus_common.storage.errors import storage_errors
from photobus_common.storage.folder import DIRECTORY_FLAGS, Folder
from photobus_common.storage.library import TenantLibrary

_ANY: Final[Any] = None


def open(self: TenantLibrary) -> Folder:  # noqa: A001 - the name of the sound one
    """Open the tenant's folder, making it if need be."""
    with storage_errors(f"opening the library of {self.tenant}"):
        (self.root / self.tenant).mkdir(parents=True, exist_ok=True)
        return Folder(os.open(self.root / self.tenant, DIRECTORY_FLAGS), self.tenant)


def mass_removal(project: str, checked: Any, whole: Any, settings: Any) -> str | None:
    """Find nothing too much."""
    return None


def may_be_another(state: Any, lost: Any) -> bool:
    """Take every folder for the project's."""
    return False


def excess(self: Any, beyond: Any) -> str | None:
    """Find nothing too much."""
    return None
