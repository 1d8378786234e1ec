"""Uploads that cannot be placed as was decided: each ends for itself, told as it is, and no other waits for it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from gateway_server import Gateway
from images import dng, jpeg
from uploading import (
    TUS,
    begin,
    count,
    folder_of,
    make_project,
    photos,
    portion,
    received,
    service,
    statuses,
    take_away,
    upload,
    upload_together,
    visible,
)

from photobus_common.errors import StorageUnavailableError
from photobus_common.storage.errors import storage_errors
from photobus_common.storage.folder import Folder
from photobus_gateway.uploads import putting, recording
from photobus_gateway.uploads.placing import Placer
from photobus_gateway.uploads.putting import Put
from photobus_gateway.uploads.resumable import Resumable

PHOTO = jpeg(64, 48)
OTHER = jpeg(48, 64)
RAW = dng(64, 48)
INSERT_OPERATION = """
INSERT INTO file_operations (id, tenant, actor, task_id, job_id, attempt, position, photo_id, kind, project_id, path)
SELECT gen_random_uuid(), tenant, 'ada', gen_random_uuid(), gen_random_uuid(), 1, 0, photo_id, 'trash', project_id, name
FROM photo_files
"""
SIDECAR = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'


@pytest.fixture
async def trip(gateway: Gateway) -> str:
    """A project."""
    return await make_project(gateway, "Trip")


def open_files() -> list[str]:
    """Paths of what this process holds open."""
    paths: list[str] = []
    for fd in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # The listing itself is one of them.
            paths.append(str(fd.readlink()))
    return paths


@contextmanager
def storage_away(after_intents: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the storage stop answering between the intents and the first file."""

    def put_all(*_args: Any) -> Any:
        with storage_errors("placing"):
            raise OSError(errno.EIO, "Input/output error")

    with after_intents.context() as patch:
        patch.setattr(Placer, "_put_all", put_all)
        yield


async def change_intents(gateway: Gateway, change: str) -> None:
    """Change what is on record of the intents."""
    async with gateway.database.transaction() as connection:
        await connection.execute(f"UPDATE uploads SET {change} WHERE state = 'placing'")  # noqa: S608 - words of tests


@pytest.mark.parametrize("name", ["x" * 248 + ".JPG", "x" * 250 + ".JPG", "x" * 250 + ".jpeg"])
async def test_a_name_too_long_for_sidecars_is_stored_and_the_project_goes_on(
    gateway: Gateway, trip: str, name: str
) -> None:
    answer = await upload(gateway, trip, [(name, PHOTO)])
    later = await upload(gateway, trip, [("A.JPG", PHOTO)])

    assert statuses(answer) == [(name, "created", None)]
    assert statuses(later) == [("A.JPG", "created", None)]
    assert visible(gateway, trip) == ["A.JPG", name]


async def test_a_sidecar_that_cannot_be_read_is_passed_over(
    gateway: Gateway, trip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder_of(gateway, trip) / "A.xmp").write_bytes(SIDECAR)
    (folder_of(gateway, trip) / "A.JPG.xmp").write_bytes(SIDECAR)
    opened = Folder.open

    def refuse(folder: Folder, name: str) -> int:
        with storage_errors(f"opening {name}"):
            if name == "A.xmp":
                raise PermissionError(errno.EACCES, "Permission denied")
        return opened(folder, name)

    monkeypatch.setattr(Folder, "open", refuse)
    answer = await upload(gateway, trip, [("A.JPG", PHOTO), ("B.JPG", PHOTO)])

    assert [status for _, status, _ in statuses(answer)] == ["created", "created"]
    assert [file["name"] for file in (await photos(gateway, trip))["A"]["files"]] == ["A.JPG", "A.JPG.xmp"]


async def test_an_intent_that_fails_for_itself_ends_and_holds_up_no_other(
    gateway: Gateway, trip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = await begin(gateway, trip, len(PHOTO), filename="A.JPG")
    with storage_away(monkeypatch):
        assert (await portion(gateway, address, 0, PHOTO)).status == 503
    await change_intents(gateway, "target_name = repeat('x', 300) || '.JPG'")
    answer = await upload(gateway, trip, [("B.JPG", PHOTO)])

    assert statuses(answer) == [("B.JPG", "created", None)]
    result = (await gateway.get(address)).body["result"]
    assert (result["status"], result["code"]) == ("refused", "not_placed")
    assert visible(gateway, trip) == ["B.JPG"]
    assert received(gateway) == []


async def test_a_storage_that_is_away_ends_no_intent(
    gateway: Gateway, trip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with storage_away(monkeypatch):
        await upload(gateway, trip, [("A.JPG", PHOTO)])
        await upload(gateway, trip, [("B.JPG", PHOTO)])
        assert await count(gateway, "uploads") == 1
    answer = await upload(gateway, trip, [("A.JPG", PHOTO), ("B.JPG", PHOTO)])

    assert statuses(answer) == [("A.JPG", "skipped", "same_bytes"), ("B.JPG", "created", None)]
    assert visible(gateway, trip) == ["A.JPG", "B.JPG"]


async def test_what_is_on_record_is_told_as_unfinished_and_not_as_refused(
    gateway: Gateway, trip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = await begin(gateway, trip, len(PHOTO), filename="B.JPG")
    with storage_away(monkeypatch):
        first = await upload(gateway, trip, [("A.JPG", PHOTO), ("A.txt", b"no photo")])
        resumable = await portion(gateway, address, 0, PHOTO)
    await service(gateway).sweeper.sweep()

    assert statuses(first) == [("A.JPG", "unfinished", "unfinished"), ("A.txt", "refused", "not_accepted")]
    assert (resumable.status, resumable.body["code"]) == (503, "storage_unavailable")
    assert (await gateway.get(address)).body["result"]["status"] == "created"
    assert visible(gateway, trip) == ["A.JPG", "B.JPG"]


async def test_a_resumable_upload_on_record_is_unfinished_until_it_is_asked_for(
    gateway: Gateway, trip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = await begin(gateway, trip, len(PHOTO), filename="A.JPG")
    with storage_away(monkeypatch):
        answer = await portion(gateway, address, 0, PHOTO)
    assert (answer.status, answer.body["code"], answer.headers["Retry-After"]) == (503, "unfinished", "1")
    assert (await gateway.get(address)).body["result"]["status"] == "created"


async def test_two_intents_for_one_name_make_one_file_and_the_project_goes_on(
    gateway: Gateway, trip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upload(gateway, trip, [("0.JPG", PHOTO)])
    with storage_away(monkeypatch):
        await upload_together(gateway, trip, [("0.JPG", PHOTO), ("A.JPG", PHOTO), ("B.JPG", PHOTO)])
    await change_intents(gateway, "target_name = 'A.JPG', basename = 'A'")
    answer = await upload(gateway, trip, [("C.JPG", PHOTO)])

    assert statuses(answer) == [("C.JPG", "created", None)]
    assert sorted(await photos(gateway, trip)) == ["0", "A", "C"]
    assert received(gateway) == []


async def test_a_file_that_the_database_refuses_ends_and_the_others_are_stored(
    gateway: Gateway, trip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = recording.record

    async def refuse(work: Any, origin: Any, project: Any, done: Any) -> Any:
        results = await record(work, origin, project, done)
        if any(isinstance(item, Put) and item.intent.basename == "A" for item in done):
            raise asyncpg.CardinalityViolationError
        return results

    monkeypatch.setattr(recording, "record", refuse)
    answer = await upload_together(gateway, trip, [("0.JPG", PHOTO), ("A.JPG", PHOTO), ("B.JPG", PHOTO)])

    assert statuses(answer)[1:] == [("A.JPG", "refused", "not_recorded"), ("B.JPG", "created", None)]
    assert sorted(await photos(gateway, trip)) == ["0", "B"]
    assert await count(gateway, "uploads") == 0


async def test_what_was_put_there_by_hand_and_cannot_be_read_has_the_name(
    gateway: Gateway, trip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with storage_away(monkeypatch):
        await upload(gateway, trip, [("A.JPG", PHOTO)])
    (folder_of(gateway, trip) / "A.JPG").write_bytes(PHOTO)

    def unreadable(_folder: Folder, name: str) -> str:
        raise StorageUnavailableError(f"{name} cannot be read.")

    monkeypatch.setattr(putting, "md5_of", unreadable)
    assert statuses(await upload(gateway, trip, [("B.JPG", PHOTO)])) == [("B.JPG", "created", None)]
    assert await count(gateway, "uploads") == 0
    assert list(await photos(gateway, trip)) == ["B"]


async def test_received_bytes_that_cannot_be_removed_change_no_answer_and_keep_nothing_open(
    gateway: Gateway, trip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed = Folder.remove

    def refuse(folder: Folder, name: str) -> bool:
        with storage_errors(f"removing {name}"):
            if folder.name == ".uploads":
                raise OSError(errno.EROFS, "Read-only file system")
        return removed(folder, name)

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "remove", refuse)
        stored = await upload_together(gateway, trip, [("A.JPG", PHOTO), ("B.JPG", PHOTO)])
        refused = await upload(gateway, trip, [("C.JPG", b"no photo")])

    assert statuses(stored) == [("A.JPG", "skipped", "same_bytes"), ("B.JPG", "created", None)]
    assert statuses(refused) == [("C.JPG", "refused", "content_differs")]
    assert [path for path in open_files() if "/.uploads" in path] == []


async def test_an_upload_that_comes_on_record_while_it_is_ended_is_not_lost(
    gateway: Gateway, trip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = await begin(gateway, trip, len(PHOTO), filename="A.JPG")
    look_up = Resumable._row
    last: list[int] = []

    async def look_up_and_be_overtaken(resumable: Resumable, project: Any, upload_id: Any) -> Any:
        row = await look_up(resumable, project, upload_id)
        with monkeypatch.context() as patch:
            patch.setattr(Resumable, "_row", look_up)
            last.append((await portion(gateway, address, 0, PHOTO)).status)
        return row

    with storage_away(monkeypatch), monkeypatch.context() as patch:
        patch.setattr(Resumable, "_row", look_up_and_be_overtaken)
        ended = await gateway.call("DELETE", address, headers=TUS)
    await service(gateway).sweeper.sweep()

    assert (ended.status, last) == (204, [423])
    assert (visible(gateway, trip), received(gateway)) == ([], [])


async def test_a_name_that_is_being_removed_is_not_given_before_that_is_done(gateway: Gateway, trip: str) -> None:
    await upload(gateway, trip, [("A.JPG", PHOTO)])
    async with gateway.database.transaction() as connection:
        await connection.execute(INSERT_OPERATION)
    (folder_of(gateway, trip) / "A.JPG").unlink()  # the file mover died right after it took the file away

    again = await upload(gateway, trip, [("A.JPG", PHOTO), ("A.dng", RAW)])
    assert statuses(again) == [("A.JPG", "refused", "being_removed"), ("A.dng", "paired", None)]

    async with gateway.database.transaction() as connection:
        await connection.execute("UPDATE file_operations SET state = 'done'")
    assert statuses(await upload(gateway, trip, [("A.JPG", PHOTO)])) == [("A.JPG", "paired", None)]


async def test_a_library_that_is_away_takes_nothing(gateway: Gateway, trip: str) -> None:
    root = take_away(gateway)
    answer = await upload(gateway, trip, [("A.JPG", PHOTO)])

    assert statuses(answer) == [("A.JPG", "refused", "storage_unavailable")]
    assert list(root.iterdir()) == []
