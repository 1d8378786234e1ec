"""Photos go in, derivatives come out, live: every format, upright, in sRGB, each step told in order."""

from pathlib import Path
from typing import Any

import images
import psutil
import pytest
from images import Shot
from running_stack import RunningStack
from shoot import Visit, Watcher, detail, failures, photos_of, picture, until_idle, upload

from photobus_client import Photo

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
}


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
        small = await picture(photobus, photo.id)
        assert max(small.size) <= 400
        if photo.filename != "old":
            assert alike(corner_colours(small), images.QUARTERS), photo.filename
    assert (await picture(photobus, photos["turned_6"].id, "preview")).size == (1200, 800)

    assert (task.type, task.status, task.items) == ("upload_postprocess", "completed", len(photos))
    shown = await detail(photobus, task.id)
    assert [step["type"] for step in shown["steps"]] == ["upload_postprocess", "manifest_check", "folder_check"]
    assert all(step["progress_done"] == step["progress_total"] == len(photos) for step in shown["steps"])
    told_in_order(live, list(photos.values()))


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
    }
    results = await upload(photobus, project.folder, files)
    assert [results[name]["status"] for name in ("alone.dng", "embedded.dng", "pair.dng")] == ["created"] * 3
    assert results["pair.JPG"]["status"] == "paired"
    await until_idle(photobus, 1)

    photos = await photos_of(photobus, project.folder)

    assert sorted(photos) == ["alone", "embedded", "pair"]
    assert {photo.thumbnail_status for photo in photos.values()} == {"generated"}
    assert (photos["pair"].jpg_available, photos["pair"].raw_available) == (True, True)
    assert (await picture(photobus, photos["pair"].id, "preview")).size == (900, 600)
    assert (await picture(photobus, photos["embedded"].id, "preview")).size == (1200, 800)


async def test_hostile_files_fail_alone_with_their_reason(photobus: Visit, shared_stack: RunningStack) -> None:
    project = await photobus.create_project("Hostile")
    files = {
        "good_1.jpg": images.noise_jpeg(900, 600, seed=1),
        "cut.jpg": images.truncated(images.noise_jpeg(900, 600, seed=2)),
        "bomb.png": images.huge_png(),
        "empty.jpg": b"",
        "letter.jpg": b"Dear photographer, this is no picture." * 20,
        "good_2.jpg": images.noise_jpeg(900, 600, seed=3),
    }

    results = await upload(photobus, project.folder, files)
    [task] = await until_idle(photobus, 1)

    assert [results[name]["status"] for name in ("good_1.jpg", "good_2.jpg", "cut.jpg", "bomb.png")] == ["created"] * 4
    assert results["empty.jpg"]["code"] == "empty_file"
    assert results["letter.jpg"]["code"] == "content_differs"
    assert task.status == "completed_with_errors"
    reasons = await failures(photobus, task.id)
    assert sorted(reasons) == ["bomb", "cut"]
    assert "too_many_pixels" in reasons["bomb"]
    photos = await photos_of(photobus, project.folder)
    assert photos["good_1"].thumbnail_status == photos["good_2"].thumbnail_status == "generated"
    assert photos["bomb"].thumbnail_status == photos["cut"].thumbnail_status == "failed"
    assert peak_bytes(shared_stack, "derivatives") < 1024**3


def peak_bytes(stack: RunningStack, name: str) -> int:
    """Most memory that the process and its children ever had resident, added up."""
    process = psutil.Process(stack.pids[name])
    peaks = [Path(f"/proc/{one.pid}/status").read_text().split("VmHWM:")[1] for one in (process, *process.children())]
    return sum(int(peak.split()[0]) * 1024 for peak in peaks)


async def test_a_file_that_exists_is_skipped_or_a_conflict_never_silent(photobus: Visit) -> None:
    project = await photobus.create_project("Again")
    first, other = images.jpeg(300, 200), images.noise_jpeg(300, 200)
    await upload(photobus, project.folder, {"again.jpg": first})

    again = await upload(photobus, project.folder, {"again.jpg": first})
    conflict = await upload(photobus, project.folder, {"again.jpg": other})

    assert again["again.jpg"]["status"] == "skipped"
    assert conflict["again.jpg"]["status"] == "conflict"
    assert sorted(await photos_of(photobus, project.folder)) == ["again"]
