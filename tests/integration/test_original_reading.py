"""How ``integrity_check`` reads originals: from the disk itself, twice where it must, by turns, at a pace."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from shelf import JPEG, Shelf, put
from upkeep import agree, over_library, report, rot, upkeep
from working import Site, hired

from photobus_common.config import Maintenance, Settings
from photobus_common.storage.library import Library
from photobus_common.worker.job import Handler
from photobus_maintenance import original_reading
from photobus_maintenance.original_reading import Pace


@pytest.fixture
def settings(settings: Settings) -> Settings:
    guard = Maintenance(lock_wait_seconds=0.0, settle_seconds=600)
    return settings.model_copy(update={"maintenance": guard})


@pytest.fixture
def handlers(settings: Settings, library: Library) -> dict[str, Handler]:
    return upkeep(settings, library)


@contextmanager
def during_reading(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> Iterator[list[int]]:
    """Let something happen each time a file was opened to be read."""
    times: list[int] = []
    really = original_reading._Original.read_on

    def reading(self: Any, budget: int) -> None:
        times.append(budget)
        happens()
        really(self, budget)

    with monkeypatch.context() as patch:
        patch.setattr(original_reading._Original, "read_on", reading)
        yield times


async def test_a_file_that_changes_while_it_is_read_is_no_finding(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = await shelf.photo(("a", await shelf.project("a")), "A", ["A.jpg"])
    longer = JPEG

    def grow() -> None:
        nonlocal longer
        longer += b"more"
        put(photo.folder / "A.jpg", longer)

    async with hired(settings, handlers):
        with during_reading(monkeypatch, grow) as times:
            command = await over_library(site, "integrity_check")
            await site.until_idle()
    assert len(times) == 1
    assert await report(site, command) == []


async def test_a_disk_that_errs_once_is_no_finding(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = await shelf.photo(("a", await shelf.project("a")), "A", ["A.jpg"])
    await agree(site, photo, "A.jpg")
    rot(photo, "A.jpg")
    readings = 0

    def mend() -> None:
        nonlocal readings
        readings += 1
        if readings == 2:
            (photo.folder / "A.jpg").write_bytes(JPEG)
            os.utime(photo.folder / "A.jpg", (time.time() - 3600,) * 2)

    async with hired(settings, handlers):
        with during_reading(monkeypatch, mend):
            command = await over_library(site, "integrity_check")
            await site.until_idle()
    assert readings == 2
    assert await report(site, command) == []


async def test_reading_keeps_to_the_pace_of_the_settings() -> None:
    now = 0.0
    pace = Pace(1_000_000, lambda: now)
    assert pace.turn == 1_000_000
    assert pace.due(500_000) == pytest.approx(0.5)
    assert pace.due(500_000) == pytest.approx(1.0)
    now = 10.0
    assert pace.due(1_000_000) == pytest.approx(1.0)
    assert Pace(0, lambda: now).due(10**12) == 0.0


async def test_a_large_file_is_read_by_turns_and_whole(
    shelf: Shelf, site: Site, settings: Settings, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Maintenance(settle_seconds=600, integrity_bytes_per_second=2 * 1024**2)
    settings = settings.model_copy(update={"maintenance": slow})
    photo = await shelf.photo(("a", await shelf.project("a")), "A", ["A.jpg"])
    await shelf.replace(photo, "A.jpg", JPEG + bytes(5 * 1024**2))
    turns: list[int] = []

    async def keep(_pace: Pace, read: int) -> None:
        turns.append(read)

    monkeypatch.setattr(Pace, "keep", keep)
    with during_reading(monkeypatch, lambda: None) as times:
        async with hired(settings, upkeep(settings, library)):
            command = await over_library(site, "integrity_check")
            await site.until_idle()
    assert len(times) == 3
    assert turns == [2 * 1024**2, 2 * 1024**2, 1024**2 + len(JPEG)]
    assert await report(site, command) == []
