"""Uploads of names that belong to a move on record: refused until it has ended, in every project that it touches."""

import pytest
from gateway_server import Gateway
from images import dng, jpeg
from uploading import begin, make_project, portion, statuses, upload, visible

PHOTO = jpeg(64, 48)
OTHER = jpeg(48, 64)
RAW = dng(64, 48)
RENAME = "?on_conflict=rename"

INTEND = """
INSERT INTO file_operations (id, tenant, actor, task_id, job_id, attempt, position, photo_id, kind, project_id, path,
    filename, target_project_id, target_path, target_filename)
SELECT gen_random_uuid(), f.tenant, 'ada', gen_random_uuid(), gen_random_uuid(), 1, 0, f.photo_id, $3, f.project_id,
    f.name, $4, pr.id, $5 || '.JPG', $5
FROM photo_files f JOIN projects pr ON pr.folder = $2
WHERE f.name = $1
"""
END = "UPDATE file_operations SET state = 'done', outcome = 'moved'"


async def intend(
    gateway: Gateway, name: str, into: str, basename: str, kind: str = "move", leaving: str | None = None
) -> None:
    """Put on record that the file ``name`` is to move, as one of the photo ``basename`` there."""
    async with gateway.database.transaction() as connection:
        await connection.execute(INTEND, name, into, kind, leaving, basename)


async def end(gateway: Gateway) -> None:
    """Say that all operations have ended."""
    async with gateway.database.transaction() as connection:
        await connection.execute(END)


@pytest.fixture
async def trip(gateway: Gateway) -> str:
    """A project with a photo A."""
    folder = await make_project(gateway, "Trip")
    await upload(gateway, folder, [("A.JPG", PHOTO)])
    return folder


@pytest.fixture
async def sea(gateway: Gateway) -> str:
    """A project without photos."""
    return await make_project(gateway, "Sea")


async def test_the_basename_of_a_photo_that_moves_is_given_to_none_here_or_there(
    gateway: Gateway, trip: str, sea: str
) -> None:
    await intend(gateway, "A.JPG", sea, "A (2)", leaving="A")

    files = [("A.JPG", PHOTO), ("A.dng", RAW), ("B.JPG", OTHER)]
    assert statuses(await upload(gateway, trip, files)) == [
        ("A.JPG", "refused", "being_moved"),
        ("A.dng", "refused", "being_moved"),
        ("B.JPG", "created", None),
    ]
    assert statuses(await upload(gateway, sea, [("A (2).JPG", PHOTO), ("A (2).xmp", b"<x/>")])) == [
        ("A (2).JPG", "refused", "being_moved"),
        ("A (2).xmp", "refused", "content_differs"),
    ]
    alps = await make_project(gateway, "Alps")
    taken = await upload(gateway, alps, [("A (2).JPG", OTHER)])
    assert statuses(taken) == [("A (2).JPG", "conflict", "name_in_other_project")]
    assert (taken.body["results"][0]["project_folder"], taken.body["results"][0]["photo_id"]) == (sea, None)

    await end(gateway)
    assert statuses(await upload(gateway, sea, [("A (2).JPG", OTHER)])) == [("A (2).JPG", "created", None)]
    assert visible(gateway, trip) == ["A.JPG", "B.JPG"]


async def test_a_file_that_comes_back_has_its_name(gateway: Gateway, trip: str) -> None:
    await intend(gateway, "A.JPG", trip, "C", kind="restore")
    assert statuses(await upload(gateway, trip, [("C.JPG", OTHER), ("C.dng", RAW)])) == [
        ("C.JPG", "refused", "being_moved"),
        ("C.dng", "refused", "being_moved"),
    ]


async def test_a_renamed_file_gets_no_name_that_a_photo_on_its_way_will_have(
    gateway: Gateway, trip: str, sea: str
) -> None:
    await upload(gateway, sea, [("B.JPG", OTHER)])
    await intend(gateway, "B.JPG", trip, "A (2)", leaving="B")

    answer = await upload(gateway, trip, [("A.JPG", OTHER), ("A.dng", RAW)], RENAME)
    assert [result["stored_as"] for result in answer.body["results"]] == ["A (3).JPG", "A (3).dng"]


async def test_what_follows_a_photo_that_moves_away_is_refused(gateway: Gateway, trip: str, sea: str) -> None:
    together = f"{RENAME}&batch=b"
    await upload(gateway, trip, [("A.JPG", OTHER)], together)
    await intend(gateway, "A (2).JPG", sea, "A (2)", leaving="A (2)")

    again = await upload(gateway, trip, [("A.JPG", OTHER), ("A.dng", RAW)], together)
    assert statuses(again) == [("A.JPG", "refused", "being_moved"), ("A.dng", "refused", "being_moved")]
    await end(gateway)
    after = await upload(gateway, trip, [("A.JPG", OTHER), ("A.dng", RAW)], together)
    assert statuses(after) == [("A.JPG", "skipped", "same_bytes"), ("A.dng", "renamed", None)]
    assert visible(gateway, trip) == ["A (2).JPG", "A (2).dng", "A.JPG"]


async def test_a_resumable_upload_is_refused_alike(gateway: Gateway, trip: str, sea: str) -> None:
    await intend(gateway, "A.JPG", sea, "A", leaving="A")
    address = await begin(gateway, sea, len(OTHER), filename="A.JPG")
    answer = await portion(gateway, address, 0, OTHER)
    assert (answer.status, '"being_moved"' in answer.headers["Photobus-Upload-Result"]) == (422, True)
