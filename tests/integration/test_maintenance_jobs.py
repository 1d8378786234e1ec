"""Both checks over every state of disk and rows: what each makes of it, and that a second run changes nothing."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import images
import pytest
from images import Shot
from reconciling import State, arrange, checks
from shelf import DNG, JPEG, MADE_AT, Photo, Shelf, put
from working import Site, hired

from photobus_common.config import Maintenance, Settings
from photobus_common.events.projects import ManifestChanged, PhotoFilesChanged
from photobus_common.events.tasks import TaskRequested
from photobus_common.storage.library import Library
from photobus_common.storage.manifest import MANIFEST, Manifest, decode
from photobus_common.worker.job import Handler


@dataclass(frozen=True)
class End:
    """Files of the rows afterwards, the kinds that are there, and what was said of the photo."""

    files: Sequence[str]
    available: str = "jpg"
    keep: str = "jpg"
    status: str = "generated"
    said: Sequence[str] = field(default_factory=list)


CHANGED = ["ManifestChanged", "PhotoFilesChanged"]

MANIFEST_CHECK: dict[str, tuple[State, End]] = {
    "all there": (State(), End(["IMG.jpg"])),
    "the RAW of a pair gone": (
        State(rows=("IMG.dng", "IMG.jpg")),
        End(["IMG.jpg"], keep="jpg raw", said=CHANGED),
    ),
    "the JPEG of a pair gone": (
        State(rows=("IMG.dng", "IMG.jpg"), disk=("IMG.dng",)),
        End(["IMG.dng"], available="raw", keep="jpg raw", said=CHANGED),
    ),
    "everything gone": (State(disk=()), End([], available="", said=CHANGED)),
    "the sidecar gone": (State(rows=("IMG.jpg", "IMG.jpg.xmp")), End(["IMG.jpg"], said=CHANGED)),
    "everything gone but being placed": (State(disk=(), placed=("IMG.jpg",)), End(["IMG.jpg"])),
    "a folder in its place": (State(disk=(), folder="IMG.jpg"), End([], available="", said=CHANGED)),
    "a link in its place": (State(disk=(), link="IMG.jpg"), End([], available="", said=CHANGED)),
    "other bytes in its place": (State(disk=(), garbage="IMG.jpg"), End(["IMG.jpg"])),
    "a file without row beside it": (State(disk=("IMG.dng", "IMG.jpg")), End(["IMG.jpg"])),
    "another spelling of its name": (State(disk=("IMG.JPG",)), End([], available="", said=CHANGED)),
}

ASKED = [*CHANGED, "TaskRequested"]

FOLDER_CHECK: dict[str, tuple[State, End]] = {
    "nothing new": (State(), End(["IMG.jpg"])),
    "a RAW put beside the JPEG": (
        State(disk=("IMG.dng", "IMG.jpg")),
        End(["IMG.dng", "IMG.jpg"], available="jpg raw", keep="jpg raw", said=CHANGED),
    ),
    "a JPEG put beside the RAW": (
        State(rows=("IMG.dng",), disk=("IMG.dng", "IMG.JPG")),
        End(["IMG.JPG", "IMG.dng"], available="jpg raw", keep="jpg raw", status="pending", said=ASKED),
    ),
    "a sidecar put beside it": (
        State(disk=("IMG.jpg", "IMG.jpg.xmp")),
        End(["IMG.jpg", "IMG.jpg.xmp"], said=CHANGED),
    ),
    "its files come back": (
        State(rows=(), disk=("IMG.jpg",)),
        End(["IMG.jpg"], status="pending", said=ASKED),
    ),
    "a file that is being written": (State(fresh="IMG.dng"), End(["IMG.jpg"])),
    "a file that is being placed": (State(disk=("IMG.dng", "IMG.jpg"), placed=("IMG.dng",)), End(["IMG.jpg"])),
    "a file that is not what it says": (State(garbage="IMG.dng"), End(["IMG.jpg"])),
    "a folder with a photo's name": (State(folder="IMG.dng"), End(["IMG.jpg"])),
    "a link with a photo's name": (State(link="IMG.jpeg"), End(["IMG.jpg"])),
    "a hidden file": (State(disk=("IMG.jpg", ".IMG.jpg")), End(["IMG.jpg"])),
    "a file of another photo": (State(disk=("IMG.jpg", "IMG (2).jpg")), End(["IMG.jpg"])),
    "a file that is gone": (State(disk=()), End(["IMG.jpg"])),
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    guard = Maintenance(removal_photos=2, removal_share=0.3, lock_wait_seconds=0.0, settle_seconds=600)
    return settings.model_copy(update={"maintenance": guard})


@pytest.fixture
def handlers(settings: Settings, library: Library) -> dict[str, Handler]:
    return checks(settings, library)


async def ends(shelf: Shelf, site: Site, photos: dict[str, Photo]) -> dict[str, End]:
    """Say what became of each photo."""
    said = defaultdict(list)
    for data in await site.events():
        match data:
            case PhotoFilesChanged() | ManifestChanged():
                said[data.project_id].append(data.TYPE)
            case TaskRequested():
                asked = [photo for photo in photos.values() if photo.id in (data.targets.photo_ids or ())]
                for photo in asked:
                    said[photo.project_id].append(data.TYPE)
    rows = {row["id"]: row for row in await shelf.rows()}
    return {
        name: End(
            files=[file.rpartition(" ")[0] for file in rows[photo.id]["files"]],
            available=_kinds(rows[photo.id], "{}_available"),
            keep=_kinds(rows[photo.id], "keep_{}"),
            status=rows[photo.id]["thumbnail_status"],
            said=sorted(said[photo.project_id]),
        )
        for name, photo in photos.items()
    }


def _kinds(row: dict[str, object], column: str) -> str:
    return " ".join(kind for kind in ("jpg", "raw", "other") if row[column.format(kind)])


TABLES = {"manifest_check": MANIFEST_CHECK, "folder_check": FOLDER_CHECK}


@pytest.mark.parametrize("job_type", TABLES)
async def test_every_state_comes_to_its_end_and_stays_there(
    shelf: Shelf,
    site: Site,
    settings: Settings,
    handlers: dict[str, Handler],
    job_type: str,
) -> None:
    table = TABLES[job_type]
    photos = await arrange(shelf, {name: state for name, (state, _) in table.items()})
    before = shelf.disk()
    targets = [photo.target for photo in photos.values()]

    async with hired(settings, handlers):
        command = await site.post(targets, job_type)
        await site.until_idle()
        found = await ends(shelf, site, photos)
        assert found == {name: end for name, (_, end) in table.items()}
        assert await site.outcomes(command) == [(photo.id, "done", None) for photo in photos.values()]

        rows, words = await shelf.rows(), await site.words()
        again = await site.post(targets, job_type)
        await site.until_idle()

    assert await site.outcomes(again) == await site.outcomes(command)
    assert await shelf.rows() == rows
    assert sorted(await site.words()) == sorted([*words, "JobStarted", "JobCompleted"])
    assert shelf.disk() == before


def manifest_of(folder: Path) -> tuple[int, str] | None:
    """Project and name that the manifest says, if there is one."""
    path = folder / MANIFEST
    if not path.exists():
        return None
    manifest = decode(path.read_bytes())
    return manifest.id, manifest.name


def claim_folder(folder: Path, project_id: int) -> None:
    """Let the manifest say that the folder is another project's."""
    (folder / MANIFEST).write_bytes(Manifest(id=project_id, name="other", created_at=MADE_AT).encode())


async def test_a_manifest_that_is_missing_or_wrong_is_written_and_the_old_one_kept(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    names = ("right", "missing", "broken", "a copy", "of nobody", "of no row")
    photos = await arrange(shelf, dict.fromkeys(names, State()))
    (photos["missing"].folder / MANIFEST).unlink()
    (photos["broken"].folder / MANIFEST).write_bytes(b"id: ]")
    claim_folder(photos["a copy"].folder, photos["right"].project_id)
    claim_folder(photos["of nobody"].folder, 4711)
    beyond = photos["of no row"].folder / MANIFEST
    beyond.write_bytes(beyond.read_bytes().replace(b"id: ", b"id: 10000000000000000000"))
    targets = [photo.target for photo in photos.values()]

    async with hired(settings, handlers):
        command = await site.post(targets, "manifest_check")
        await site.until_idle()
        written = await site.said(ManifestChanged)
        disk = shelf.disk()
        await site.post(targets, "manifest_check")
        await site.until_idle()

    assert {status for _, status, _ in await site.outcomes(command)} == {"done"}
    assert {name: manifest_of(photo.folder) for name, photo in photos.items()} == {
        name: (photo.project_id, name) for name, photo in photos.items()
    }
    assert [data.project_folder for data in written if data.manifest_written] == list(names[1:])
    trashed = {name for name, photo in photos.items() if list(photo.folder.glob(f".trash/*/{MANIFEST}"))}
    assert trashed == {"broken", "a copy", "of nobody", "of no row"}
    assert await site.said(ManifestChanged) == written
    assert shelf.disk() == disk


async def test_a_folder_that_cannot_be_this_projects_costs_its_own_photos_only(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    names = ("fine", "renamed to", "renamed from", "archived", "deleted photo")
    photos = await arrange(shelf, dict.fromkeys(names, State(disk=())))
    claim_folder(photos["renamed to"].folder, photos["renamed from"].project_id)
    (photos["renamed from"].folder / MANIFEST).unlink()
    photos["renamed from"].folder.rmdir()
    await site.execute("UPDATE projects SET status = 'canceled' WHERE name = 'archived'")
    await site.execute("DELETE FROM photos WHERE id = $1", photos["deleted photo"].id)

    async with hired(settings, handlers):
        command = await site.post([photo.target for photo in photos.values()], "manifest_check")
        await site.until_idle()

    assert await site.outcomes(command) == [
        (photos["fine"].id, "done", None),
        (photos["renamed to"].id, "failed", "The folder renamed to is that of renamed from by its manifest."),
        (photos["renamed from"].id, "failed", "The folder renamed from is not in the library."),
        (photos["archived"].id, "canceled", "The project was deleted."),
        (photos["deleted photo"].id, "skipped", "The photo is no longer there."),
    ]
    assert {row["id"]: bool(row["files"]) for row in await shelf.rows()} == {
        photos["fine"].id: False,
        photos["renamed to"].id: True,
        photos["renamed from"].id: True,
        photos["archived"].id: True,
    }


@pytest.mark.parametrize("job_type", TABLES)
async def test_the_size_of_a_photo_follows_its_files(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], job_type: str
) -> None:
    photos = await arrange(
        shelf,
        {
            "one less": State(rows=("IMG.dng", "IMG.jpg", "IMG.jpg.xmp"), disk=("IMG.jpg", "IMG.jpg.xmp")),
            "one more": State(rows=("IMG.jpg",), disk=("IMG.dng", "IMG.jpg", "IMG.jpg.xmp")),
            "none left": State(disk=()),
        },
    )
    async with hired(settings, handlers):
        await site.post([photo.target for photo in photos.values()], job_type)
        await site.until_idle()

    sizes = dict(await site.fetch("SELECT pr.name, p.size FROM photos p JOIN projects pr ON pr.id = p.project_id"))
    if job_type == "manifest_check":
        assert (sizes["one less"], sizes["none left"]) == (len(JPEG), 0)
    else:
        assert sizes["one more"] == len(JPEG) + len(DNG)


async def test_a_photo_takes_its_time_from_the_file_that_shows_it_from_now_on(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    shot = Shot(taken_at=datetime(2024, 7, 14, 10, 20, 30, tzinfo=UTC), make="Maker", orientation=6)
    states = {
        "shown by it": State(rows=("IMG.dng",)),
        "shown by another": State(rows=("IMG.jpeg",)),
        "all others gone": State(rows=()),
    }
    photos = await arrange(shelf, {name: replace(state, disk=state.rows) for name, state in states.items()})
    for photo in photos.values():
        put(photo.folder / "IMG.jpg", images.jpeg(96, 64, shot=shot))
    await site.execute("UPDATE photos SET taken_from = 'file', camera_make = 'Other', lens = 'Other'")

    async with hired(settings, handlers):
        await site.post([photo.target for photo in photos.values()], "folder_check")
        await site.until_idle()

    rows = await site.fetch("SELECT taken_from, taken_at, camera_make, lens, exif_orientation FROM photos ORDER BY id")
    assert rows == [
        ("exif", shot.taken_at, "Maker", "Other", 6),
        ("exif", shot.taken_at, "Other", "Other", 6),
        ("exif", shot.taken_at, "Maker", None, 6),
    ]
