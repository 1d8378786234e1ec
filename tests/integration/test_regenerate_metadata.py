"""``regenerate_metadata``: rows come to say what files tell, and what a person said of a photo stays."""

import errno
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import images
import pytest
from images import Shot
from shelf import JPEG, MADE_AT, Photo, Shelf, forbid, md5, put
from upkeep import Line, counts, everything, over_library, over_projects, report, upkeep
from working import Site, hired

from photobus_common.config import Maintenance, Settings
from photobus_common.events.maintenance import MetadataUpdated
from photobus_common.events.tasks import JobAttemptFailed, JobHandedBack
from photobus_common.photos import exif
from photobus_common.storage.library import Library
from photobus_common.store.database import Database
from photobus_common.worker.job import Handler
from photobus_maintenance.jobs import regenerate_metadata

NOON: Final = datetime(2024, 7, 14, 12, 0, tzinfo=UTC)
SHOT: Final = Shot(taken_at=NOON, make="Maker", model="Model", orientation=6)
COLUMNS = """
SELECT taken_at, taken_from, camera_make, camera_model, exif_orientation, width, height, version
FROM photos WHERE id = $1
"""
SET: Final = "UPDATE photos SET {} WHERE id = $1"
TAG = "INSERT INTO photo_tags (photo_id, tenant, tag) VALUES ($1, 'user_0', 'mine')"
KEPT = """
SELECT keep_jpg, keep_raw, ARRAY(SELECT tag FROM photo_tags t WHERE t.photo_id = p.id), jpg_available,
    thumbnail_status, derivative_key
FROM photos p ORDER BY id
"""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"maintenance": Maintenance(lock_wait_seconds=0.0)})


@pytest.fixture
def handlers(settings: Settings, library: Library) -> dict[str, Handler]:
    return upkeep(settings, library)


@dataclass(frozen=True)
class Case:
    """Files of a photo and what they hold, what its row says of it before, and how its item ends.

    ``after`` are columns that come to be others; the version says that any did.
    """

    files: Mapping[str, bytes]
    before: str = "taken_from = 'file'"
    after: Mapping[str, Any] = field(default_factory=dict)
    end: tuple[str, str | None] = ("done", None)


SHOWN: Final = images.jpeg(96, 64, shot=SHOT)
SAME: Final = (
    "taken_at = '2024-07-14 12:00Z', taken_from = 'exif', camera_make = 'Maker', camera_model = 'Model', "
    "exif_orientation = 6, width = 96, height = 64"
)
TOLD: Final = {
    "taken_at": NOON,
    "taken_from": "exif",
    "camera_make": "Maker",
    "camera_model": "Model",
    "exif_orientation": 6,
    "width": 96,
    "height": 64,
}

CASES: Final[dict[str, Case]] = {
    "tells what the row lacks": Case({"A.jpg": SHOWN}, after=TOLD),
    "tells the same": Case({"A.jpg": SHOWN}, before=SAME, end=("skipped", "unchanged")),
    "tells another maker": Case(
        {"A.jpg": SHOWN}, before=SAME.replace("'Maker'", "'Other'"), after={"camera_make": "Maker"}
    ),
    "tells nothing any more": Case(
        {"A.jpg": images.jpeg(96, 64)},
        before=SAME,
        after={
            "taken_at": MADE_AT,
            "taken_from": "file",
            "camera_make": None,
            "camera_model": None,
            "exif_orientation": None,
        },
    ),
    "another file tells what it does not": Case(
        {"A.jpeg": JPEG, "A.jpg": SHOWN},
        after=TOLD,
    ),
    "was decoded": Case(
        {"A.jpg": SHOWN},
        before=SAME.replace("width = 96", "width = 960") + f", derivative_key = '{md5(SHOWN)}.0123'",
        end=("skipped", "unchanged"),
    ),
    "was decoded when it was another": Case(
        {"A.jpg": SHOWN},
        before=SAME.replace("width = 96", "width = 960") + f", derivative_key = '{md5(JPEG)}.0123'",
        after={"width": 96},
    ),
    "is not what its name says": Case({"A.jpg": b"text"}, end=("failed", "other_content")),
    "has none": Case({}, end=("failed", "no_original")),
    "a sidecar tells nothing": Case({"A.xmp": b"<x/>"}, end=("failed", "no_original")),
}


async def described(shelf: Shelf, site: Site, name: str, case: Case) -> Photo:
    """Make a project with the photo of the case."""
    photo = await shelf.photo((name, await shelf.project(name)), "A", case.files)
    for file, content in case.files.items():
        await shelf.replace(photo, file, content)
    await site.execute(SET.format(case.before), photo.id)
    await site.execute(TAG, photo.id)
    return photo


async def rows_of(site: Site, photos: Sequence[Photo]) -> list[dict[str, Any]]:
    """Return what the rows say that files tell."""
    async with site.database.connection() as connection:
        return [dict(await connection.fetchrow(COLUMNS, photo.id)) for photo in photos]  # type: ignore[arg-type]


async def test_rows_come_to_say_what_files_tell_and_all_else_stays(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], database: Database
) -> None:
    photos = [await described(shelf, site, name, case) for name, case in CASES.items()]
    before, kept = await rows_of(site, photos), await site.fetch(KEPT)
    targets = [photo.target for photo in photos]

    async with hired(settings, handlers):
        command = await site.post(targets, "regenerate_metadata", task_type="regenerate_metadata")
        await site.until_idle()
        after, all_of_it = await rows_of(site, photos), await everything(shelf, database)
        again = await site.post(targets, "regenerate_metadata", task_type="regenerate_metadata")
        await site.until_idle()

    expected = [
        {**row, **case.after, "version": 2 if case.after else 1}
        for row, case in zip(before, CASES.values(), strict=True)
    ]
    assert after == expected
    assert await site.fetch(KEPT) == kept
    ends = [(photo.id, *case.end) for photo, case in zip(photos, CASES.values(), strict=True)]
    assert await site.outcomes(command) == ends
    told = {part.photo_id: part for data in await site.said(MetadataUpdated) for part in data.photos}
    for photo, case, row in zip(photos, CASES.values(), before, strict=True):
        if case.after:
            assert told[photo.id].version == 2
            assert {name: told[photo.id].after[name] for name in case.after} == {
                name: value.isoformat() if isinstance(value, datetime) else value for name, value in case.after.items()
            }
            assert told[photo.id].before.get("camera_make", row["camera_make"]) == row["camera_make"]
            assert told[photo.id].before.keys() == told[photo.id].after.keys()
    changed = sum(bool(case.after) for case in CASES.values())
    assert len(told) == changed
    assert await counts(site, command) == (len(CASES), changed, 3, 0)
    assert {line.code for line in await report(site, command) if line.kind == "changed"} == {"metadata_updated"}
    assert await everything(shelf, database) == all_of_it
    assert {status for _, status, _ in await site.outcomes(again)} == {"skipped", "failed"}


async def test_files_that_are_gone_unreadable_or_in_motion_fail_their_photos_only(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = ("a", await shelf.project("a"))
    names = ("bad", "fine", "forbidden", "gone", "moving")
    photos = {name: await shelf.photo(project, name, [f"{name}.dng", f"{name}.jpg"]) for name in names}
    (photos["gone"].folder / "gone.dng").unlink()
    forbid(monkeypatch, "forbidden.dng")
    forbid(monkeypatch, "bad.jpg", errno.EIO)
    await shelf.intend(photos["moving"], "moving.jpg")
    before = await shelf.rows()

    async with hired(settings, handlers):
        command = await site.post([photo.target for photo in photos.values()], "regenerate_metadata")
        await site.until_idle()

    assert [(status, reason) for _, status, reason in await site.outcomes(command)] == [
        ("failed", "unreadable"),
        ("done", None),
        ("failed", "unreadable"),
        ("failed", "original_missing"),
        ("failed", "in_motion"),
    ]
    assert {row["filename"] for row in await shelf.rows() if row not in before} == {"fine"}
    [line, *_] = await report(site, command)
    assert line == Line("changed", "metadata_updated", "a", None, None, 1, "MetadataUpdated")


async def test_whole_projects_and_the_library_can_be_read_again(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regenerate_metadata, "PORTION", 2)
    projects = {name: await shelf.project(name) for name in ("a", "b")}
    for name, project_id in projects.items():
        for number in range(5):
            await shelf.photo((name, project_id), str(number), [f"{number}.jpg"])

    async with hired(settings, handlers):
        one = await over_projects(site, "regenerate_metadata", projects["a"])
        await site.until_idle()
        assert await counts(site, one) == (5, 5, 0, 0)
        rest = await over_library(site, "regenerate_metadata")
        await site.until_idle()
    assert await counts(site, rest) == (10, 5, 0, 0)
    assert {row["version"] for row in await shelf.rows()} == {2}


class Meddling:
    """Does something to the rows once, after a photo was read and before that is written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, site: Site, *statements: tuple[Any, ...]) -> None:
        self._really = regenerate_metadata._Portion._read
        self._site = site
        self._statements = list(statements)
        meddling = self

        async def read(portion: Any, photos: Any) -> None:
            await meddling._really(portion, photos)
            while meddling._statements:
                await meddling._site.execute(*meddling._statements.pop())

        monkeypatch.setattr(regenerate_metadata._Portion, "_read", read)


async def test_a_photo_that_is_replaced_meanwhile_is_read_again(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = await shelf.photo(("a", await shelf.project("a")), "A", ["A.jpg"])
    put(photo.folder / "A.jpg", SHOWN)
    change = "UPDATE photo_files SET md5 = 'ff' WHERE photo_id = $1"
    make_other = "UPDATE photos SET camera_make = 'Other' WHERE id = $1"
    Meddling(monkeypatch, site, (change, photo.id), (make_other, photo.id))

    async with hired(settings, handlers):
        command = await site.post([photo.target], "regenerate_metadata")
        await site.until_idle()
    assert await site.outcomes(command) == [(photo.id, "done", None)]
    [told] = await site.said(MetadataUpdated)
    assert (told.photos[0].before["camera_make"], told.photos[0].after["camera_make"]) == ("Other", "Maker")


async def test_photos_that_move_or_go_meanwhile_are_taken_up_where_they_are(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = ("a", await shelf.project("a")), ("b", await shelf.project("b"))
    moved, removed, stays = [await shelf.photo(a, name, [f"{name}.jpg"]) for name in ("1", "2", "3")]
    put(moved.folder.parent / "b" / "1.jpg", SHOWN)
    Meddling(
        monkeypatch,
        site,
        ("UPDATE photo_files SET project_id = $1 WHERE photo_id = $2", b[1], moved.id),
        ("UPDATE photos SET project_id = $1 WHERE id = $2", b[1], moved.id),
        ("DELETE FROM photos WHERE id = $1", removed.id),
    )
    async with hired(settings, handlers):
        command = await site.post([photo.target for photo in (moved, removed, stays)], "regenerate_metadata")
        await site.until_idle()

    assert await site.outcomes(command) == [
        (moved.id, "done", None),
        (removed.id, "skipped", "The photo is no longer there."),
        (stays.id, "done", None),
    ]
    assert {data.project_folder for data in await site.said(MetadataUpdated)} == {"a", "b"}
    assert {reason for (reason,) in [(data.reason,) for data in await site.said(JobHandedBack)]} == {"locked"}
    assert await site.said(JobAttemptFailed) == []


async def test_an_absent_library_changes_nothing(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    photo = await shelf.photo(("a", await shelf.project("a")), "A", ["A.jpg"])
    before = await shelf.rows()
    shelf.away()
    async with hired(settings, handlers):
        command = await site.post([photo.target], "regenerate_metadata")
        await site.until_idle()
        assert [failed.code for failed in await site.said(JobAttemptFailed)] == ["storage_unavailable"]
        assert await shelf.rows() == before
        shelf.back()
        await site.again(command, attempt=2, dispatch=2)
        await site.until_idle()
    assert await site.outcomes(command) == [(photo.id, "done", None)]


async def test_a_file_that_is_written_to_while_it_is_read_fails_its_photo(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = await shelf.photo(("a", await shelf.project("a")), "A", ["A.jpg"])
    really = exif.read

    def reading(fd: int) -> exif.Exif:
        put(photo.folder / "A.jpg", SHOWN)
        return really(fd)

    monkeypatch.setattr(exif, "read", reading)
    async with hired(settings, handlers):
        command = await site.post([photo.target], "regenerate_metadata")
        await site.until_idle()
    assert await site.outcomes(command) == [(photo.id, "failed", "changed")]
