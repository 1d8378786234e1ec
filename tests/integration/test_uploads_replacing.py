"""Uploads that take the place of other bytes: nothing of the old file is lost, and nothing of it is told of the new."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from gateway_server import Gateway
from images import Shot, jpeg
from uploading import folder_of, make_project, photos, received, said, service, statuses, upload, visible

from photobus_common.events.projects import FilesTrashed
from photobus_common.storage.errors import storage_errors
from photobus_common.storage.project_folder import ProjectFolder

PHOTO = jpeg(64, 48)
OTHER = jpeg(48, 64)
BY_HAND = b"put there by hand"
OVERWRITE = "?on_conflict=overwrite"


@pytest.fixture
async def trip(gateway: Gateway) -> str:
    """A project."""
    return await make_project(gateway, "Trip")


@contextmanager
def placing_fails(monkeypatch: pytest.MonkeyPatch, number: int, by_hand: Path | None = None) -> Iterator[None]:
    """Let no file be placed, for this reason, and somebody put another there just before."""

    def fail(_folder: ProjectFolder, _source: Any, _name: str, target: str) -> Any:
        if by_hand is not None:
            by_hand.write_bytes(BY_HAND)
        with storage_errors(f"placing {target}"):
            raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(ProjectFolder, "place", fail)
        yield


async def test_what_was_to_be_overwritten_is_back_when_the_new_file_cannot_be_placed(
    gateway: Gateway, trip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upload(gateway, trip, [("A.JPG", PHOTO)])
    before = await photos(gateway, trip)
    with placing_fails(monkeypatch, errno.EPERM):
        answer = await upload(gateway, trip, [("A.JPG", OTHER)], OVERWRITE)

    assert statuses(answer) == [("A.JPG", "refused", "not_placed")]
    assert visible(gateway, trip) == ["A.JPG"]
    assert (folder_of(gateway, trip) / "A.JPG").read_bytes() == PHOTO
    assert await photos(gateway, trip) == before
    assert await said(gateway, FilesTrashed) == []
    assert received(gateway) == []


async def test_it_is_back_also_when_that_shows_only_once_the_storage_is_back(
    gateway: Gateway, trip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upload(gateway, trip, [("A.JPG", PHOTO)])
    with placing_fails(monkeypatch, errno.EIO):
        answer = await upload(gateway, trip, [("A.JPG", OTHER)], OVERWRITE)
        assert statuses(answer) == [("A.JPG", "unfinished", "unfinished")]
        assert visible(gateway, trip) == []
    with placing_fails(monkeypatch, errno.EPERM):
        await service(gateway).sweeper.sweep()

    assert (folder_of(gateway, trip) / "A.JPG").read_bytes() == PHOTO
    assert await said(gateway, FilesTrashed) == []


async def test_what_has_two_names_because_its_way_into_the_trash_was_cut_keeps_that_in_the_trash(
    gateway: Gateway, trip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upload(gateway, trip, [("A.JPG", PHOTO)])
    path = folder_of(gateway, trip) / "A.JPG"
    with placing_fails(monkeypatch, errno.EIO):
        await upload(gateway, trip, [("A.JPG", OTHER)], OVERWRITE)
    (trashed,) = path.parent.glob(".trash/*/A.JPG")
    path.hardlink_to(trashed)
    await service(gateway).sweeper.sweep()

    assert (path.read_bytes(), trashed.read_bytes()) == (OTHER, PHOTO)
    (told,) = [file for event in await said(gateway, FilesTrashed) for file in event.files]
    assert path.parent / told.trash_path == trashed


async def test_what_cannot_be_back_because_its_name_is_taken_is_told_to_be_in_the_trash(
    gateway: Gateway, trip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upload(gateway, trip, [("A.JPG", PHOTO)])
    path = folder_of(gateway, trip) / "A.JPG"
    with placing_fails(monkeypatch, errno.EPERM, by_hand=path):
        answer = await upload(gateway, trip, [("A.JPG", OTHER)], OVERWRITE)

    assert statuses(answer) == [("A.JPG", "refused", "not_placed")]
    assert path.read_bytes() == BY_HAND
    (trashed,) = [file for event in await said(gateway, FilesTrashed) for file in event.files]
    assert trashed.photo_id == (await photos(gateway, trip))["A"]["id"]
    assert (path.parent / trashed.trash_path).read_bytes() == PHOTO


async def test_other_bytes_in_the_place_of_a_file_that_is_gone_tell_nothing_of_that(
    gateway: Gateway, trip: str
) -> None:
    await upload(gateway, trip, [("A.JPG", jpeg(shot=Shot(make="Leica")))])
    assert (await photos(gateway, trip))["A"]["camera_make"] == "Leica"
    (folder_of(gateway, trip) / "A.JPG").unlink()
    answer = await upload(gateway, trip, [("A.JPG", OTHER)])

    photo = (await photos(gateway, trip))["A"]
    assert statuses(answer) == [("A.JPG", "paired", None)]
    assert photo["camera_make"] is None


async def test_why_the_old_file_had_no_derivatives_is_not_told_of_the_new(gateway: Gateway, trip: str) -> None:
    await upload(gateway, trip, [("A.JPG", PHOTO)])
    async with gateway.database.transaction() as connection:
        await connection.execute(
            "UPDATE photos SET thumbnail_status = 'failed', preview_status = 'failed', derivative_reason = 'truncated'"
        )
    await upload(gateway, trip, [("A.JPG", OTHER)], OVERWRITE)

    photo = (await photos(gateway, trip))["A"]
    assert (photo["thumbnail_status"], photo["derivative_reason"]) == ("pending", None)
