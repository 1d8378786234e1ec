"""Photos go in, derivatives come out, live: every format, upright, in sRGB, each step told in order."""

import asyncio
from typing import Any

import images
import psutil
import pytest
from bus_traffic import until
from images import Shot
from insight import decoders, peak_of, stop_at_work
from running_stack import RunningStack
from shoot import Visit, Watcher, detail, failures, items_of, jobs_of, photos_of, picture, until_idle, upload

from photobus_client import Photo, Task

pytestmark = pytest.mark.stack

ORIENTATIONS = {f"turned_{n}.jpg": images.jpeg(1200, 800, shot=Shot(orientation=n)) for n in range(1, 9)}
FORMATS = {
    "lossless.png": images.png(),
    "deep.png": images.png_16_bit(),
    "scan.tif": images.tiff(),
    "web.webp": images.webp(),
    "phone.heic": images.heic(),
    "small.avif": images.avif(),
    "old.gif": images.animated("GIF"),
    "wide.jpg": images.jpeg(icc=images.wide_gamut_profile()),
}
FROM_WIDE_GAMUT = ((233, 24, 36), (0, 172, 44), (0, 57, 195), (225, 211, 33))
"""What the colours of the quarters are in sRGB where the original has them in Adobe RGB."""


def corner_colours(image: Any) -> list[tuple[int, int, int]]:
    """Colours of the quarters of ``image``, row by row."""
    rgb = image.convert("RGB")
    at = [(x * rgb.width // 4, y * rgb.height // 4) for y in (1, 3) for x in (1, 3)]
    return [rgb.getpixel(point) for point in at]


def alike(found: list[tuple[int, int, int]], wanted: Any, tolerance: int = 24) -> bool:
    """Whether colours agree, but for what lossy coding does to them."""
    pairs = zip(found, wanted, strict=True)
    return all(abs(a - b) <= tolerance for one, other in pairs for a, b in zip(one, other, strict=True))


async def test_every_photo_has_both_derivatives_upright_and_the_live_updates_tell_it_in_order(
    photobus: Visit,
) -> None:
    project = await photobus.create_project("Trip")
    async with Watcher(photobus).watching() as live:
        results = await upload(photobus, project.folder, ORIENTATIONS | FORMATS)
        assert {result["status"] for result in results.values()} == {"created"}
        [task] = await until_idle(photobus, 1)
        await live.until(lambda event: event.name == "task_completed")

    photos = await photos_of(photobus, project.folder)
    assert len(photos) == len(ORIENTATIONS | FORMATS)
    assert {(photo.thumbnail_status, photo.preview_status) for photo in photos.values()} == {("generated", "generated")}
    for photo in photos.values():
        await is_right(photobus, photo)
    await reads_as_done(photobus, task, len(photos))
    told_in_order(live, list(photos.values()))


async def is_right(photobus: Visit, photo: Photo) -> None:
    """Look at both derivatives: small enough, upright, and in sRGB."""
    small, large = await picture(photobus, photo.id), await picture(photobus, photo.id, "preview")
    assert (max(small.size) <= 400, max(large.size) <= 2048) == (True, True)
    for image in (small, large):
        assert "icc_profile" not in image.info, photo.filename
        if photo.filename == "wide":
            assert alike(corner_colours(image), FROM_WIDE_GAMUT, tolerance=8)
        elif photo.filename != "old":
            assert alike(corner_colours(image), images.QUARTERS), photo.filename
    if photo.filename.startswith("turned"):
        assert (small.size, large.size) == ((400, 267), (1200, 800)), photo.filename


async def reads_as_done(photobus: Visit, task: Task, photos: int) -> None:
    """See that the task, each of its steps, each job and each item say that all is done."""
    shown = await detail(photobus, task.id)
    assert (task.type, task.status, task.items) == ("upload_postprocess", "completed", photos)
    assert (task.done, task.failed, task.skipped) == (photos * len(shown["steps"]), 0, 0)
    assert [step["type"] for step in shown["steps"]] == ["upload_postprocess", "manifest_check", "folder_check"]
    assert [step["jobs_by_status"] for step in shown["steps"]] == [{"completed": 1}] * 3
    assert all(step["progress_done"] == step["progress_total"] == photos for step in shown["steps"])
    jobs = await jobs_of(photobus, task.id)
    assert {job["status"] for job in jobs} == {"completed"}
    assert {job["job_type"] for job in jobs} == {step["type"] for step in shown["steps"]}
    assert all(job["progress_done"] == job["items"] for job in jobs)
    items = await items_of(photobus, task.id)
    assert len(items) == photos * len(shown["steps"])
    assert {item["status"] for item in items} == {"done"}


def told_in_order(live: Watcher, photos: list[Photo]) -> None:
    """Every photo's end state was told once as generated, every job started before it completed, ids only rise."""
    assert live.places() == sorted(set(live.places()))
    generated = [
        event.data["photo_id"] for event in live.named("item") if event.data["thumbnail_status"] == "generated"
    ]
    assert sorted(set(generated)) == sorted(photo.id for photo in photos)
    words = [event.name for event in live.events if event.name.startswith(("task_", "job_"))]
    assert words.index("job_started") < words.index("job_completed") < words.index("task_completed")
    assert words.count("job_completed") == 3


async def test_raw_alone_paired_with_and_without_an_embedded_preview(photobus: Visit) -> None:
    project = await photobus.create_project("Raw")
    files = {
        "alone.dng": images.dng(),
        "embedded.dng": images.dng(preview=images.jpeg(1200, 800)),
        "pair.dng": images.dng(),
        "pair.JPG": images.jpeg(900, 600),
        "whole.JPG": images.jpeg(960, 640),
        "whole.dng": images.dng(preview=images.jpeg(1200, 800)),
    }
    results = await upload(photobus, project.folder, files)
    paired = {"pair.JPG", "whole.dng"}
    assert {name: result["status"] for name, result in results.items()} == {
        name: "paired" if name in paired else "created" for name in files
    }
    await until_idle(photobus, 1)

    photos = await photos_of(photobus, project.folder)

    assert sorted(photos) == ["alone", "embedded", "pair", "whole"]
    assert {photo.thumbnail_status for photo in photos.values()} == {"generated"}
    for name in ("pair", "whole"):
        assert (photos[name].jpg_available, photos[name].raw_available) == (True, True)
    previews = {name: await picture(photobus, photo.id, "preview") for name, photo in photos.items()}
    assert {name: previews[name].size for name in ("embedded", "pair", "whole")} == {
        "embedded": (1200, 800),
        "pair": (900, 600),
        "whole": (960, 640),
    }
    assert all(alike(corner_colours(preview), images.QUARTERS, 40) for preview in previews.values())


HOSTILE = {
    "large_1.png": images.png(images.quarters(6000, 4000)),
    "large_2.jpg": images.jpeg(8000, 6000, progressive=True),
    "large_3.png": images.png(images.quarters(6000, 4001)),
    "large_4.jpg": images.jpeg(8000, 6001, progressive=True),
    "good_1.jpg": images.noise_jpeg(900, 600, seed=1),
    "cut.jpg": images.truncated(images.noise_jpeg(900, 600, seed=2)),
    "bomb.png": images.huge_png(),
    "empty.jpg": b"",
    "letter.jpg": b"Dear photographer, this is no picture." * 20,
    "good_2.jpg": images.noise_jpeg(900, 600, seed=3),
}
HOPELESS = {"bomb": "too_many_pixels", "cut": "truncated"}
REFUSED = {"empty.jpg": "empty_file", "letter.jpg": "content_differs"}


async def test_hostile_files_and_dead_decoders_cost_their_photo_alone(
    photobus: Visit, shared_stack: RunningStack
) -> None:
    """One decoder dies over a photo, one hangs, until its time is over; others do the rest meanwhile."""
    project = await photobus.create_project("Hostile")
    old = decoders(shared_stack)
    async with peak_of(shared_stack.pids["derivatives"]) as peak:
        stopping = asyncio.gather(*(stop_at_work(decoder) for decoder in old))
        results = await upload(photobus, project.folder, HOSTILE)
        await stopping
        old[0].kill()
        [task] = await until_idle(photobus, 1)
        await until(lambda: is_whole(shared_stack, old))

    assert {name: result["code"] for name, result in results.items() if result["status"] != "created"} == REFUSED
    assert task.status == "completed_with_errors"
    reasons = await failures(photobus, task.id)
    victims = {name for name, reason in reasons.items() if reason.startswith(("decoder_died", "time_limit"))}
    assert sorted(reasons[name][:10] for name in victims) == ["decoder_di", "time_limit"]
    assert set(reasons) == victims | HOPELESS.keys()
    assert all(HOPELESS[name] in reasons[name] for name in HOPELESS.keys() - victims)
    photos = await photos_of(photobus, project.folder)
    assert {name for name, photo in photos.items() if photo.thumbnail_status == "failed"} == reasons.keys()
    assert {photos[name].thumbnail_status for name in photos.keys() - reasons.keys()} == {"generated"}
    assert peak.bytes < 1024**3


def is_whole(stack: RunningStack, old: list[psutil.Process]) -> bool:
    """Whether there are as many decoders as before, all of them others."""
    return len(now := decoders(stack)) == len(old) and not set(now) & set(old)


async def test_a_file_that_exists_is_skipped_or_a_conflict_never_silent(photobus: Visit) -> None:
    project = await photobus.create_project("Again")
    first, other = images.jpeg(300, 200), images.noise_jpeg(300, 200)
    await upload(photobus, project.folder, {"again.jpg": first})

    again = await upload(photobus, project.folder, {"again.jpg": first})
    conflict = await upload(photobus, project.folder, {"again.jpg": other})

    assert again["again.jpg"]["status"] == "skipped"
    assert conflict["again.jpg"]["status"] == "conflict"
    assert sorted(await photos_of(photobus, project.folder)) == ["again"]
    await until_idle(photobus, 1)
