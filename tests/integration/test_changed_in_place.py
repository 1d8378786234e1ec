"""Files that are written over in place outside photobus: what the rows, and the next derivatives, come to."""

import os
from datetime import UTC, datetime

import images
import pytest
from by_hand import Owner, bytes_of, seen_as
from images import Shot
from shelf import JPEG, md5

from photobus_common.events.maintenance import FindingsReported
from photobus_common.events.projects import PhotoFilesChanged
from photobus_common.events.tasks import TaskRequested

pytestmark = pytest.mark.usefixtures("marks_at_once")

FILE = "SELECT md5, size, modified_at FROM photo_files WHERE name = $1"
VERSIONS = "SELECT id, version FROM photos ORDER BY id"


async def changes(owner: Owner) -> list[PhotoFilesChanged]:
    return [data for data in await owner.said() if isinstance(data, PhotoFilesChanged)]


async def test_other_bytes_are_followed(owner: Owner) -> None:
    here = await owner.project("a")
    photo = await owner.photo(here, "A", "A.dng", "A.jpg", "A.jpg.xmp")
    await owner.check()
    before = dict(await owner.runner.site.fetch(VERSIONS))
    edited = images.jpeg(200, 100, shot=Shot(taken_at=datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC)))
    owner.put("a/A.jpg", edited)
    await owner.check("folder_check", source="user")

    [(digest, size, modified_at)] = await owner.runner.site.fetch(FILE, "A.jpg")
    assert (digest, size) == (md5(edited), len(edited))
    assert modified_at.timestamp() == pytest.approx((photo.folder / "A.jpg").stat().st_mtime, abs=1e-5)
    [told] = await changes(owner)
    [part] = told.photos
    assert (told.cause, part.photo_id, part.version) == ("folder_check", photo.id, before[photo.id] + 1)
    assert [(file.name, file.md5) for file in part.added] == [("A.jpg", md5(edited))]
    assert [(file.name, file.md5) for file in part.removed] == [("A.jpg", md5(bytes_of("A.jpg")))]
    [row] = await owner.shelf.rows()
    assert (row["width"], row["height"], row["thumbnail_status"]) == (200, 100, "pending")
    assert (await owner.taken_at())[photo.id].year == 2020
    [asked] = [data for data in await owner.said() if isinstance(data, TaskRequested)]
    assert asked.targets.photo_ids == (photo.id,)
    assert (await owner.seen())[photo.id].tags == ("of A",)
    await owner.nothing_more()


async def test_another_half_or_a_sidecar_makes_no_new_derivatives(owner: Owner) -> None:
    here = await owner.project("a")
    await owner.photo(here, "A", "A.dng", "A.jpg", "A.jpg.xmp")
    owner.put("a/A.dng", bytes_of("A.dng") + b"more")
    owner.put("a/A.jpg.xmp", bytes_of("A.jpg.xmp") + b"more")
    await owner.check("folder_check")
    assert [len(part.added) for data in await changes(owner) for part in data.photos] == [2]
    [row] = await owner.shelf.rows()
    assert row["thumbnail_status"] == "generated"
    assert "TaskRequested" not in await owner.words()
    await owner.nothing_more()


async def test_another_time_alone_is_no_change(owner: Owner) -> None:
    here = await owner.project("a")
    await owner.photo(here, "A", "A.jpg")
    before = await owner.runner.site.fetch(VERSIONS)
    os.utime(owner.shelf.root / "a" / "A.jpg", (1_000_000_000, 1_000_000_000))
    await owner.check("folder_check")
    [(digest, _, modified_at)] = await owner.runner.site.fetch(FILE, "A.jpg")
    assert (digest, modified_at) == (md5(bytes_of("A.jpg")), datetime.fromtimestamp(1_000_000_000, UTC))
    assert await owner.runner.site.fetch(VERSIONS) == before
    assert await owner.words() == []


async def test_only_files_that_look_otherwise_are_read(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    here = await owner.project("a")
    for name in "ABC":
        await owner.photo(here, name, f"{name}.jpg")
    await owner.check()
    opened: list[str] = []
    really_open = os.open

    def noted(path: str, *args: int, **options: int) -> int:
        opened.append(path)
        return really_open(path, *args, **options)

    owner.put("a/B.jpg", bytes_of("B.jpg") + b"more")
    monkeypatch.setattr(os, "open", noted)
    await owner.check("folder_check", source="user")
    assert {name for name in opened if str(name).endswith(".jpg")} == {"B.jpg"}


async def test_names_that_were_swapped_hold_each_others_bytes(owner: Owner) -> None:
    here = await owner.project("a")
    a, b = await owner.photo(here, "A", "A.jpg"), await owner.photo(here, "B", "B.jpg")
    owner.put("a/A.jpg", bytes_of("B.jpg") + b"longer, so that it shows")
    owner.put("a/B.jpg", bytes_of("A.jpg") + b"longer too, and otherwise")
    await owner.check()
    seen = await owner.seen()
    assert seen_as(seen) == {a.id: ("a", "A", ("A.jpg",)), b.id: ("a", "B", ("B.jpg",))}
    assert [seen[photo.id].tags for photo in (a, b)] == [("of A",), ("of B",)]
    rows = {row["id"]: row["files"] for row in await owner.shelf.rows()}
    assert rows[a.id] == [f"A.jpg {md5(bytes_of('B.jpg') + b'longer, so that it shows')}"]
    assert rows[b.id] == [f"B.jpg {md5(bytes_of('A.jpg') + b'longer too, and otherwise')}"]
    await owner.nothing_more()


@pytest.mark.parametrize("content", [b"", b"not a photo"])
async def test_what_is_no_photo_any_more_stays_and_is_reported(owner: Owner, content: bytes) -> None:
    here = await owner.project("a")
    photo = await owner.photo(here, "A", "A.jpg")
    owner.put("a/A.jpg", content)
    owner.put("a/NEW.jpg", content)
    owner.put("a/A.dng", content)
    await owner.check()
    assert seen_as(await owner.seen()) == {photo.id: ("a", "A", ("A.jpg",))}
    told = [found for data in await owner.said() if isinstance(data, FindingsReported) for found in data.findings]
    assert sorted((found.kind, found.code, found.subject, found.photo_id) for found in told) == [
        ("reported", "other_content", "A.dng", photo.id),
        ("reported", "other_content", "A.jpg", photo.id),
        ("reported", "other_content", "NEW.jpg", None),
    ]
    assert sorted(path.name for path in photo.folder.glob("*.*")) == [".project.yaml", "A.dng", "A.jpg", "NEW.jpg"]
    assert await owner.marked() == [here[1]]  # told once; a run that passes over does not tell it again
    words = await owner.words()
    await owner.check("folder_check")
    assert await owner.words() == words


async def test_a_file_that_is_being_written_waits(owner: Owner) -> None:
    here = await owner.project("a")
    photo = await owner.photo(here, "A", "A.jpg")
    (photo.folder / "A.jpg").write_bytes(JPEG + b"half")
    await owner.check("folder_check")
    assert await changes(owner) == []
    assert await owner.marked() == []


async def test_killed_between_any_two_effects_a_change_is_told_once(owner: Owner) -> None:
    here = await owner.project("a")
    for effects in range(20):
        name = f"A{effects}"
        await owner.photo(here, name, f"{name}.jpg")
        owner.put(f"a/{name}.jpg", bytes_of(f"{name}.jpg") + b"more")
        command = await owner.runner.job("folder_check")
        if not await owner.runner.dies(command, effects):
            break
        await owner.runner.run(command)
    else:
        pytest.fail("it dies at every point")
    told = [part.filename for data in await changes(owner) for part in data.photos]
    assert sorted(told) == sorted(f"A{number}" for number in range(effects + 1))
    asked = [data.targets.photo_ids or () for data in await owner.said() if isinstance(data, TaskRequested)]
    assert sorted(photo for ids in asked for photo in ids) == sorted(await owner.seen())
