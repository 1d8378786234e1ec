"""What the log, and so every client that follows it, is told of files that join or replace others."""

from gateway_server import Gateway
from images import dng, jpeg
from uploading import make_project, photos, said, statuses, upload

from photobus_common.events.projects import PhotoFilesChanged

PHOTO = jpeg(64, 48)
OTHER = jpeg(48, 64)
RAW = dng(64, 48)


async def changed_statuses(gateway: Gateway) -> list[tuple[str | None, str | None]]:
    events = await said(gateway, PhotoFilesChanged)
    return [(photo.thumbnail_status, photo.preview_status) for event in events for photo in event.photos]


async def test_a_changed_photo_is_told_with_the_state_of_its_derivatives(gateway: Gateway) -> None:
    trip = await make_project(gateway, "Trip")
    await upload(gateway, trip, [("A.JPG", PHOTO)])
    async with gateway.database.transaction() as connection:
        await connection.execute("UPDATE photos SET thumbnail_status = 'generated', preview_status = 'failed'")
    paired = await upload(gateway, trip, [("A.dng", RAW)])
    overwritten = await upload(gateway, trip, [("A.JPG", OTHER)], "?on_conflict=overwrite")

    assert [status for _, status, _ in (*statuses(paired), *statuses(overwritten))] == ["paired", "overwritten"]
    assert await changed_statuses(gateway) == [("generated", "failed"), ("pending", "pending")]
    photo = (await photos(gateway, trip))["A"]
    assert (photo["thumbnail_status"], photo["preview_status"]) == ("pending", "pending")
