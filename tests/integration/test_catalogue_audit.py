"""Rows of the catalogue held beside the log: what a hand changed is named, and nothing else ever is."""

import re
from typing import Final
from uuid import uuid4

import images
import pytest
from gateway_server import Gateway
from rows_and_log import disagreements
from shelf import DNG
from uploading import make_project, photos, upload

from photobus_orchestrator.audit.catalogue import differences

JPEG: Final = images.jpeg(8, 8)

# The last said comes first in the log; the first stays in the outbox.
ARCHIVE = """
INSERT INTO event_log (seq, event_id, time, type, tenant, subject, actor, payload, hash)
SELECT row_number() OVER (ORDER BY created_at DESC, id), id, now(), convert_from(payload, 'UTF8')::jsonb ->> 'type',
    tenant, subject, 'test', convert_from(payload, 'UTF8'), ''
FROM outbox WHERE kind = 'event' ORDER BY 1 LIMIT 4
"""
SAY = "INSERT INTO outbox (id, kind, message_id, tenant, subject, payload) VALUES ($1, 'event', 'x', 'user_0', '-', $2)"
FORGET = "DELETE FROM outbox WHERE convert_from(payload, 'UTF8')::jsonb ->> 'type' = $1"
SAY_AGAIN = """
INSERT INTO outbox (id, kind, message_id, tenant, subject, payload)
SELECT gen_random_uuid(), kind, 'again', tenant, subject, payload FROM outbox
WHERE convert_from(payload, 'UTF8')::jsonb ->> 'type' = $1
"""

LAST: Final = " (an event of the outbox)"

BY_HAND: Final = {
    "UPDATE photos SET filename = 'B'": ['photo 1: filename is "B", by the log "A"' + LAST],
    "UPDATE photos SET keep_raw = true": ["photo 1: keep is jpg and raw, by the log jpg" + LAST],
    "UPDATE photos SET version = 9": ["photo 1: version is 9, by the log 4" + LAST],
    "UPDATE photos SET preview_status = 'failed'": [
        'photo 1: preview_status is "failed", by the log "pending"' + LAST,
    ],
    "UPDATE photos SET raw_available = false": ["photo 1: has on record jpg, its files are jpg and raw"],
    "UPDATE photos SET size = 1": [f"photo 1: size is 1, its files have {len(JPEG) + len(DNG)}"],
    "DELETE FROM photo_tags WHERE tag = 'a'": ['photo 1: tags is ["b"], by the log ["a", "b"]' + LAST],
    "UPDATE photo_files SET md5 = 'f' WHERE name = 'A.jpg'": [
        f'photo 1: file "A.jpg" is jpg of {len(JPEG)} bytes with MD5 f, by the log jpg of {len(JPEG)} bytes with MD5 *'
        + LAST,
    ],
    "DELETE FROM photo_files WHERE name = 'A.dng'": [
        f'photo 1: file "A.dng" is missing, by the log raw of {len(DNG)} bytes with MD5 *' + LAST,
        "photo 1: has on record jpg and raw, its files are jpg",
        f"photo 1: size is {len(JPEG) + len(DNG)}, its files have {len(JPEG)}",
    ],
    "UPDATE photo_files SET project_id = 2 WHERE name = 'A.jpg'": ['photo 1: its file "A.jpg" is in another project'],
    "DELETE FROM photos": ['photo 1: is not there, by the log it is "A"' + LAST],
    "INSERT INTO projects (tenant, name, folder) VALUES ('user_0', 'Strange', 'Strange')": [
        "project 3: is there, and the log never tells of it",
    ],
    "UPDATE projects SET folder = 'Ocean' WHERE id = 1": ['project 1: folder is "Ocean", by the log "Sea"' + LAST],
    "UPDATE projects SET status = 'canceled', version = 2 WHERE id = 1": [
        'project 1: status is "canceled", by the log "active"' + LAST,
        "project 1: version is 2, by the log 1" + LAST,
    ],
}


@pytest.fixture(autouse=True)
async def catalogue(gateway: Gateway) -> None:
    """A project with a photo of two files, of which things were said: four versions; and an empty project."""
    folder = await make_project(gateway, "Sea")
    await make_project(gateway, "Lake")
    await upload(gateway, folder, [("A.jpg", JPEG)])
    await upload(gateway, folder, [("A.dng", DNG)])
    item = {"photo_id": (await photos(gateway, folder))["A"]["id"]}
    await gateway.post("/api/photos/tags/add", {"items": [{**item, "tags": ["b", "a"]}]})
    await gateway.post("/api/photos/keep", {"items": [{**item, "keep_raw": False}]})


async def after(gateway: Gateway, statement: str, *parameters: object) -> list[str]:
    """Return the differences that there are once the statement was run, and take it back."""
    async with gateway.database.connection() as connection:
        transaction = connection.transaction(isolation="repeatable_read")
        await transaction.start()
        await connection.execute(statement, *parameters)
        found = [re.sub(r"MD5 [0-9a-f]{32}", "MD5 *", line) async for line in differences(connection)]
        await transaction.rollback()
    return found


async def test_rows_are_as_the_log_says_in_whatever_order_it_came(gateway: Gateway) -> None:
    assert await disagreements(gateway.database) == []
    async with gateway.database.transaction() as connection:
        await connection.execute(ARCHIVE)
    assert await disagreements(gateway.database) == []


async def test_what_was_changed_by_hand_is_named(gateway: Gateway) -> None:
    assert {statement: await after(gateway, statement) for statement in BY_HAND} == BY_HAND


async def test_what_the_log_lacks_or_tells_once_more_is_named(gateway: Gateway) -> None:
    lacking = await after(gateway, FORGET, "TagsChanged")
    assert lacking == [
        "photo 1: the log lacks version 3; an event of the outbox tells the next",
        'photo 1: tags is ["a", "b"], by the log []' + LAST,
    ]
    assert await after(gateway, SAY_AGAIN, "TagsChanged") == [
        "photo 1: an event of the outbox tells version 3 once more",
    ]
    assert await after(gateway, FORGET, "PhotosAdded") == [
        "photo 1: the log lacks version 1; an event of the outbox tells the next",
        "photo 1: is there, by the log it was removed" + LAST,
    ]


@pytest.mark.parametrize(
    "payload",
    [
        b"{",
        b'{"type": "PhotosAdded", "schemaversion": 1, "data": {"photos": 5}}',
        b'{"type": "PhotosAdded", "schemaversion": 1, "data": {"photos": [{"photo_id": 1, "version": 1}]}}',
        b'{"type": "PhotosAdded", "schemaversion": 9, "data": {"photos": [{"photo_id": 1, "version": 1}]}}',
        b'{"type": "ProjectCreated", "schemaversion": 1, "data": {"project_id": 1}}',
    ],
)
async def test_what_cannot_be_read_is_told_in_one_line(gateway: Gateway, payload: bytes) -> None:
    found = await after(gateway, SAY, uuid4(), payload)
    assert [line.partition(":")[0] for line in found] == ["the log cannot be read, and so not be held beside the rows"]
