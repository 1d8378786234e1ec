"""Turns of a request's files: what becomes of one is none of the others' business."""

import asyncio
from typing import Any, cast
from unittest.mock import Mock

import pytest

from photobus_common.config import Uploader
from photobus_common.photos.filenames import parse
from photobus_gateway.uploads import turns
from photobus_gateway.uploads.answers import refused
from photobus_gateway.uploads.files import Received, Wish
from photobus_gateway.uploads.taking_in import Taken
from photobus_gateway.uploads.turns import Turns


def taken(name: str) -> Taken:
    """A file that may be renamed, so that the next of its basename joins its turn."""
    return cast("Taken", Mock(parsed=parse(name, Uploader()), wish=Wish(on_conflict="rename")))


async def test_a_file_that_nobody_waits_for_any_more_keeps_no_answer_from_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def check(file: Taken) -> Any:
        return Mock(spec=Received, parsed=file.parsed)

    def place(file: Received) -> asyncio.Future[Any]:
        placed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        placed.set_result(refused(file.parsed.name, "locked"))
        return placed

    monkeypatch.setattr(turns, "check", check)
    waiting = Turns(place)
    first, second = waiting.add(taken("A.dng")), waiting.add(taken("A.JPG"))
    first.cancel()
    waiting.close()

    async with asyncio.timeout(5):
        assert (await second).filename == "A.JPG"
