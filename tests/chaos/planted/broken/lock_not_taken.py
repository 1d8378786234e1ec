"""The lock of a project's folder is not taken: everybody who asks for it has it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from photobus_common.storage.project_folder import ProjectFolder


def try_lock(self: ProjectFolder) -> bool:
    """Have it."""
    return True


def unlock(self: ProjectFolder) -> None:
    """Nothing is held."""


@asynccontextmanager
async def locked(self: ProjectFolder, wait_seconds: float) -> AsyncIterator[None]:
    """Have it."""
    yield
