"""States of disk and rows that a reconciliation may meet, and how they are arranged."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shelf import DNG, JPEG, Photo, Shelf, put

from photobus_common.config import Settings
from photobus_common.definitions import load_definitions
from photobus_common.storage.library import Library
from photobus_common.worker.job import Handler
from photobus_maintenance.context import Context
from photobus_maintenance.jobs.folder_check import FolderCheck
from photobus_maintenance.jobs.manifest_check import ManifestCheck


@dataclass(frozen=True)
class State:
    """Files that the photo ``IMG`` has by its rows, and what lies in its folder.

    ``placed`` are names an open upload intends; ``odd`` are names that a folder, a link, other content, or a file that
    was written just now bears.
    """

    rows: Sequence[str] = ("IMG.jpg",)
    disk: Sequence[str] = ("IMG.jpg",)
    placed: Sequence[str] = ()
    folder: str = ""
    link: str = ""
    garbage: str = ""
    fresh: str = ""

    def arrange(self, folder: Path) -> None:
        """Put what is odd into the folder."""
        if self.folder:
            (folder / self.folder).mkdir()
        if self.link:
            put(folder.parent / f"elsewhere of {folder.name}", JPEG)
            (folder / self.link).symlink_to(f"../elsewhere of {folder.name}")
        if self.garbage:
            put(folder / self.garbage, b"not a photo")
        if self.fresh:
            (folder / self.fresh).write_bytes(DNG)


async def arrange(shelf: Shelf, states: dict[str, State]) -> dict[str, Photo]:
    """Make one project with one photo for each state, of the state's name."""
    photos = {}
    for name, state in states.items():
        photo = await shelf.photo((name, await shelf.project(name)), "IMG", state.rows, state.disk)
        state.arrange(photo.folder)
        for placed in state.placed:
            await shelf.intend(photo, placed)
        photos[name] = photo
    return photos


def checks(settings: Settings, library: Library) -> dict[str, Handler]:
    """Return the handlers of both checks."""
    context = Context(library, settings, load_definitions())
    return {"manifest_check": ManifestCheck(context), "folder_check": FolderCheck(context)}
