"""What dry runs say of each photo: the same by whichever route, bounded, and what the workers then make of it."""

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from gateway_server import Gateway
from removing import keep
from shelf import JPEG, MADE_AT, Photo, Shelf, md5
from working import LEASES, Site, hired

from photobus_common.config import MAX_ITEMS, Processing, Settings
from photobus_common.definitions import load_definitions
from photobus_common.derivation import Recipe
from photobus_common.storage.library import Library
from photobus_derivatives.making import DerivativesMaker
from photobus_derivatives.sandbox import DecoderPool
from photobus_gateway.dry_runs import FORESEEN
from photobus_maintenance.jobs.catalogue_update import catalogue_update

PROCESSING: Final = Processing(worker_count=1, thumbnail_px=32, preview_px=64)
BOTH: Final = ["thumbnail", "preview"]

WRITTEN = "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM idempotency_keys)"
SET_KEY = "UPDATE photos SET derivative_key = $2 WHERE id = $1"
TAG = "INSERT INTO photo_tags (photo_id, tenant, tag) SELECT $1, 'user_0', unnest($2::text[])"
SAID_OF = """
SELECT p.filename, p.keep_jpg AS jpg, p.keep_raw AS raw, p.keep_other AS other,
    ARRAY (SELECT t.tag FROM photo_tags t WHERE t.photo_id = p.id) AS tags
FROM photos p ORDER BY p.id
"""
MANY = """
INSERT INTO photos (tenant, project_id, filename, taken_at, jpg_available, keep_jpg)
SELECT 'user_0', $1, 'M' || i, $2, true, false FROM generate_series(1, $3::int) i
"""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"pipeline": LEASES, "processing": PROCESSING})


@pytest.fixture
async def photos(shelf: Shelf, site: Site) -> dict[str, Photo]:
    """Alps has A, a pair whose RAW is pending, and B, a JPEG; Sea has C, a pair of which nothing is kept, and D, bare.

    A has tags, and B's derivatives are on record as made of what it is.
    """
    alps, sea = ("Alps", await shelf.project("Alps")), ("Sea", await shelf.project("Sea"))
    found = {
        "A": await shelf.photo(alps, "A", ["A.dng", "A.jpg", "A.jpg.xmp"]),
        "B": await shelf.photo(alps, "B", ["B.jpg"]),
        "C": await shelf.photo(sea, "C", ["C.dng", "C.jpg"]),
        "D": await shelf.photo(sea, "D", []),
    }
    await keep(site, found["A"], "jpg")
    await keep(site, found["C"], "")
    await site.execute(TAG, found["A"].id, ["old", "wet"])
    await site.execute(SET_KEY, found["B"].id, Recipe.of(PROCESSING).key(md5(JPEG)))
    return found


@pytest.fixture
async def pool() -> AsyncIterator[DecoderPool]:
    """A decoder."""
    started = DecoderPool(PROCESSING)
    await started.start()
    yield started
    await started.close()


async def planned(gateway: Gateway, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Ask for a dry run, which writes nothing."""
    async with gateway.database.connection() as connection:
        before = await connection.fetchval(WRITTEN)
        answer = await gateway.post(path, {**body, "dry_run": True})
        assert answer.status == 200, answer.body
        assert await connection.fetchval(WRITTEN) == before
    return dict(answer.body)


async def items(gateway: Gateway, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a dry run says of each photo."""
    return list((await planned(gateway, path, body))["items"])


async def of_task(gateway: Gateway, task: str, targets: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
    """Return what a dry run of the general form says of each photo."""
    return await items(gateway, "/api/tasks", {"type": task, "targets": targets, "params": params})


def named(photos: dict[str, Photo], names: str) -> list[dict[str, int]]:
    """Photos as a request names them."""
    return [{"photo_id": photos[name].id} for name in names]


def about(photos: dict[str, Photo], filename: str, **said: Any) -> dict[str, Any]:
    """An item: which photo it is about, and what it says."""
    photo = photos[filename]
    return {"photo_id": photo.id, "project_folder": photo.folder.name, "filename": filename, **said}


def test_of_every_task_over_photos_it_is_foreseen_what_becomes_of_each() -> None:
    provided = [task for task in load_definitions().values() if not task.missing_job_types]
    over_photos = {task.type for task in provided if any(step.over == "items" for step in task.steps)}
    assert over_photos - FORESEEN.keys() == {"undo"}  # which plans by what another task did


async def test_a_revert_tells_which_kinds_are_kept_again(gateway: Gateway, photos: dict[str, Photo]) -> None:
    a = about(photos, "A", status="changes", keeps=["raw"], gives_up=[])
    b = about(photos, "B", status="unchanged", keeps=[], gives_up=[])
    c = about(photos, "C", status="changes", keeps=["jpg", "raw"], gives_up=[])
    assert await items(gateway, "/api/photos/revert-changes", {}) == [a, c]
    assert await items(gateway, "/api/photos/revert-changes", {"items": named(photos, "BAC")}) == [b, a, c]
    assert await items(gateway, "/api/projects/Sea/revert-changes", {}) == [c]


async def test_the_making_of_derivatives_tells_of_which_file_or_why_not(
    gateway: Gateway, photos: dict[str, Photo]
) -> None:
    a = about(photos, "A", status="makes", makes=BOTH, source="A.jpg", reason=None)
    b = about(photos, "B", status="unchanged", makes=[], source="B.jpg", reason="up_to_date")
    d = about(photos, "D", status="fails", makes=[], source=None, reason="no_original")
    which = {"items": named(photos, "BAD")}
    assert await items(gateway, "/api/photos/process", which) == [b, a, d]
    assert await items(gateway, "/api/photos/process", {"filter": {"text": "b"}}) == [b]
    anew = {**b, "status": "makes", "makes": BOTH, "reason": None}
    assert await items(gateway, "/api/photos/process", {**which, "force": True}) == [anew, a, d]
    assert [one["source"] for one in await of_task(gateway, "upload_postprocess", {"project_folders": ["Sea"]})] == [
        "C.jpg",
        None,
    ]


async def test_the_reading_of_metadata_tells_of_which_files_or_why_not(
    gateway: Gateway, photos: dict[str, Photo]
) -> None:
    a = about(photos, "A", status="reads", files=["A.jpg", "A.dng"], reason=None)
    b = about(photos, "B", status="reads", files=["B.jpg"], reason=None)
    c = about(photos, "C", status="reads", files=["C.jpg", "C.dng"], reason=None)
    d = about(photos, "D", status="fails", files=[], reason="no_original")
    named_ones = {"photo_ids": [photos[name].id for name in "DB"]}
    assert await of_task(gateway, "regenerate_metadata", named_ones) == [b, d]
    assert await of_task(gateway, "regenerate_metadata", {"project_folders": ["Sea"]}) == [c, d]
    assert await of_task(gateway, "regenerate_metadata", {"filter": {"text": "a"}}) == [a]
    assert await of_task(gateway, "regenerate_metadata", {"all": True}) == [a, b, c, d]


async def test_changes_of_what_is_kept_and_of_tags_are_told_over_any_targets(
    gateway: Gateway, photos: dict[str, Photo]
) -> None:
    kept = await of_task(gateway, "keep_update", {"project_folders": ["Sea", "Alps"]}, keep_jpg=True, keep_raw=False)
    assert kept == [
        about(photos, "A", status="unchanged", keeps=[], gives_up=[]),
        about(photos, "B", status="unchanged", keeps=[], gives_up=[]),
        about(photos, "C", status="changes", keeps=["jpg"], gives_up=[]),
        about(photos, "D", status="changes", keeps=["jpg"], gives_up=[]),
    ]
    assert [one["gives_up"] for one in await of_task(gateway, "keep_update", {"all": True}, keep_jpg=False)] == [
        *(["jpg"], ["jpg"], [], []),
    ]
    tagged = await of_task(gateway, "tags_update", {"filter": {"project_folder": "Alps"}}, add=["a"], remove=["old"])
    assert tagged == [
        about(photos, "A", status="changes", adds=["a"], removes=["old"], reason=None),
        about(photos, "B", status="changes", adds=["a"], removes=[], reason=None),
    ]
    by_id = {"photo_ids": [photos["A"].id]}
    assert await of_task(gateway, "tags_update", by_id, add=["wet"]) == [
        about(photos, "A", status="unchanged", adds=[], removes=[], reason=None)
    ]


async def test_the_general_form_says_of_each_photo_what_a_route_of_its_own_says(
    gateway: Gateway, photos: dict[str, Photo]
) -> None:
    which, targets = {"items": named(photos, "CABD")}, {"photo_ids": [photos[name].id for name in "CABD"]}
    for path, body, task, params in (
        ("revert-changes", {}, "change_revert", {}),
        ("commit-changes", {}, "change_commit_all", {}),
        ("process", {"force": True}, "generate_derivatives", {"force": True}),
        ("move", {"dest_folder": "Alps"}, "image_move", {"dest_folder": "Alps"}),
    ):
        special = await planned(gateway, f"/api/photos/{path}", {**which, **body})
        general = await planned(gateway, "/api/tasks", {"type": task, "targets": targets, "params": params})
        assert general == special
        assert len(general["items"]) == 4
    projects = {"project_folders": ["Alps", "Sea"]}
    assert [
        (one["filename"], one["status"]) for one in await of_task(gateway, "image_move", projects, dest_folder="Sea")
    ] == [("A", "moves"), ("B", "moves"), ("C", "stays"), ("D", "stays")]
    committed = await of_task(gateway, "change_commit", {"project_folders": ["Alps"]})
    assert [one["removes"] for one in committed] == [["A.dng"], []]


async def test_a_deletion_tells_each_photo_with_its_files_by_either_route(
    gateway: Gateway, photos: dict[str, Photo]
) -> None:
    special = await gateway.call("DELETE", "/api/projects/Alps?dry_run=true")
    targets = {"project_folders": ["Alps"]}
    general = await planned(gateway, "/api/tasks", {"type": "project_delete", "targets": targets})
    assert special.body["items"] == [
        about(photos, "A", removes=["A.dng", "A.jpg", "A.jpg.xmp"]),
        about(photos, "B", removes=["B.jpg"]),
    ]
    assert general == special.body


async def test_only_the_first_2000_photos_are_looked_at(gateway: Gateway, shelf: Shelf, site: Site) -> None:
    project = await shelf.project("Many")
    await site.execute(MANY, project, MADE_AT, MAX_ITEMS + 1)
    targets = {"project_folders": ["Many"]}
    plans = [
        await planned(gateway, "/api/photos/revert-changes", {}),
        await planned(gateway, "/api/photos/process", {"filter": {}}),
        await planned(gateway, "/api/tasks", {"type": "tags_update", "targets": targets, "params": {"add": ["a"]}}),
        await planned(gateway, "/api/tasks", {"type": "project_delete", "targets": targets}),
    ]
    ids = [row[0] for row in await site.fetch("SELECT id FROM photos ORDER BY id")]
    for plan in plans:
        assert plan["photos"] == MAX_ITEMS + 1
        assert [one["photo_id"] for one in plan["items"]] == ids[:MAX_ITEMS]


@pytest.mark.parametrize(
    ("task", "params"),
    [
        ("change_revert", {}),
        ("keep_update", {"keep_jpg": False, "keep_other": True}),
        ("tags_update", {"add": ["new", "wet"], "remove": ["old"]}),
    ],
)
async def test_a_change_comes_out_as_the_dry_run_told(
    gateway: Gateway, site: Site, settings: Settings, photos: dict[str, Photo], task: str, params: dict[str, Any]
) -> None:
    before = await _said_of(site)
    told = await of_task(gateway, task, {"all": True}, **params)
    targets = [photo.target for photo in photos.values()]
    command = await site.post(targets, "catalogue_update", task_type=task, params=params)
    async with hired(settings, {"catalogue_update": catalogue_update}):
        await site.until_idle()

    after = await _said_of(site)
    gained = ("keeps", "adds")
    assert {one["filename"]: _list_of(one, gained) for one in told} == {
        name: sorted(after[name] - before[name]) for name in photos
    }
    lost = ("gives_up", "removes")
    assert {one["filename"]: _list_of(one, lost) for one in told} == {
        name: sorted(before[name] - after[name]) for name in photos
    }
    outcomes = {"changes": ("done", None), "unchanged": ("skipped", "unchanged")}
    assert await site.outcomes(command) == [(one["photo_id"], *outcomes[one["status"]]) for one in told]
    assert {one["status"] for one in told} >= {"changes"}


@pytest.mark.parametrize("force", [False, True])
async def test_derivatives_come_out_as_the_dry_run_told(
    gateway: Gateway,
    site: Site,
    settings: Settings,
    library: Library,
    pool: DecoderPool,
    photos: dict[str, Photo],
    *,
    force: bool,
) -> None:
    for kind in (".thumb", ".preview"):
        (photos["B"].folder / kind).mkdir()
        (photos["B"].folder / kind / "B.jpg").write_bytes(b"as it was")
    told = await of_task(gateway, "generate_derivatives", {"all": True}, force=force)
    command = await site.post([photo.target for photo in photos.values()], params={"force": force})
    async with hired(settings, DerivativesMaker(library, pool, PROCESSING)):
        await site.until_idle()

    outcomes = {"makes": "done", "unchanged": "skipped", "fails": "failed"}
    assert await site.outcomes(command) == [(one["photo_id"], outcomes[one["status"]], one["reason"]) for one in told]
    assert ((photos["B"].folder / ".thumb" / "B.jpg").read_bytes() == b"as it was") is not force
    keys = dict(await site.fetch("SELECT filename, derivative_key FROM photos WHERE derivative_key IS NOT NULL"))
    md5s = dict(await site.fetch("SELECT name, md5 FROM photo_files"))
    assert keys == {
        one["filename"]: Recipe.of(PROCESSING).key(md5s[one["source"]]) for one in told if one["source"] is not None
    }


async def _said_of(site: Site) -> dict[str, set[str]]:
    """Return by photo the kinds that are kept and the tags."""
    return {
        name: {*(kind for kind, kept in zip(("jpg", "raw", "other"), kinds, strict=True) if kept), *tags}
        for name, *kinds, tags in await site.fetch(SAID_OF)
    }


def _list_of(item: dict[str, Any], names: tuple[str, ...]) -> list[str]:
    return sorted(word for name in names for word in item.get(name, ()))
