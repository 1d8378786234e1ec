"""Photos whose derivatives are made in tests, and those whose making is held up."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from shelf import Photo, Shelf
from working import Site

from photobus_common.commands import RunJob
from photobus_common.config import Processing
from photobus_common.derivation import Recipe
from photobus_common.events.projects import DerivativesUpdated
from photobus_common.events.tasks import JobCompleted
from photobus_common.storage.project_folder import PREVIEWS, THUMBNAILS
from photobus_derivatives.files import OpenFiles

PROCESSING = Processing(worker_count=2, thumbnail_px=32, preview_px=64)
KEY = Recipe.of(PROCESSING).key


async def add(shelf: Shelf, folder: str, *names: str) -> list[Photo]:
    """Make a project with one photo a file name."""
    project = (folder, await shelf.project(folder))
    return [await shelf.photo(project, name.partition(".")[0], [name]) for name in names]


def made(photo: Photo, name: str) -> tuple[Path, Path]:
    """Where the derivatives lie."""
    return photo.folder / THUMBNAILS / name, photo.folder / PREVIEWS / name


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of an image."""
    return Image.open(BytesIO(path.read_bytes())).size


def left_behind(shelf: Shelf) -> list[str]:
    """Names of temporary files."""
    return [path.name for kind in (THUMBNAILS, PREVIEWS) for path in shelf.root.glob(f"*/{kind}/.*")]


async def statuses(shelf: Shelf) -> dict[str, tuple[str, str | None, str | None]]:
    """Status, key and reason of each photo; both derivatives have one status."""
    rows = await shelf.rows()
    assert all(row["thumbnail_status"] == row["preview_status"] for row in rows)
    return {row["filename"]: (row["preview_status"], row["derivative_key"], row["derivative_reason"]) for row in rows}


async def run(site: Site, photos: list[Photo], *, force: bool = False) -> list[tuple[str, str | None]]:
    """Let the worker at hand do a job over ``photos``; return status and reason of each."""
    params = {"force": True} if force else {}
    command = await site.post([photo.target for photo in photos], params=params)
    await site.until_idle()
    return [(status, reason) for _, status, reason in await site.outcomes(command)]


class Held:
    """Stops makers at one function of theirs, before it or after it, until they may go on."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self.times = 0


@contextmanager
def held(monkeypatch: pytest.MonkeyPatch, holder: type, name: str) -> Iterator[Held]:
    """Hold whoever calls a function of ``holder``, the first time, when it has done its work."""
    function: Callable[..., Any] = getattr(holder, name)
    hold = Held()

    def holding(*args: Any) -> Any:
        hold.times += 1
        first = hold.times == 1
        result = function(*args)
        if first:
            hold.reached.set()
            hold.go_on.wait(30)
        return result

    with monkeypatch.context() as patch:
        patch.setattr(holder, name, holding)
        try:
            yield hold
        finally:
            hold.go_on.set()


def held_unnamed(monkeypatch: pytest.MonkeyPatch) -> AbstractContextManager[Held]:
    """Hold the first maker whose derivatives are on disk and have no names yet."""
    return held(monkeypatch, OpenFiles, "sync")


async def each_once(site: Site, command: RunJob, photos: list[Photo]) -> None:
    """Hold the job to having done and told of each photo once."""
    assert await site.outcomes(command) == [(photo.id, "done", None) for photo in photos]
    told = [photo.filename for data in await site.said(DerivativesUpdated) for photo in data.photos]
    assert sorted(told) == ["one", "three", "two"]
    [completed] = await site.said(JobCompleted)
    assert (completed.done, completed.failed, completed.skipped) == (len(photos), 0, 0)
