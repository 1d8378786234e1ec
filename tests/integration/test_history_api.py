"""History of photos, projects and tasks, and the audit: from the archive, in words, whatever became of the rows."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import images
import pytest
from catalogue import add_tenant
from chronicle import Chronicle
from folding import Log
from gateway_server import Gateway
from told import arrange
from uploading import make_project, upload

from photobus_common.events import EventData
from photobus_common.events.access import TokenRevoked
from photobus_common.events.maintenance import (
    Finding,
    FindingsReported,
    FolderRenamed,
    PhotosRecognized,
    ProjectRemoved,
)
from photobus_common.events.projects import (
    DerivativesUpdated,
    FilesTrashed,
    KeptKinds,
    MovedFile,
    PhotoDerivatives,
    PhotoMoved,
    PhotoRemoved,
    PhotosMoved,
    PhotosRemoved,
    ProjectCanceled,
    TrashedFile,
)
from photobus_common.store import history

KEPT = KeptKinds(jpg=True, raw=False, other=False)
GONE = "DELETE FROM projects WHERE id = $1"
PHOTOS_GONE = "DELETE FROM photos WHERE project_id = $1"


@pytest.fixture
def chronicle(gateway: Gateway) -> Chronicle:
    """What happens here."""
    return Chronicle(gateway, Log(gateway.database))


async def project(gateway: Gateway, name: str) -> dict[str, Any]:
    """Make a project; return how it is named in events."""
    folder = await make_project(gateway, name)
    shown = await gateway.get(f"/api/projects/{folder}")
    return {"project_id": shown.body["id"], "project_folder": folder}


async def photos(gateway: Gateway, folder: str, *names: str) -> list[int]:
    """Upload photos of these names; return their ids."""
    sent = [(f"{name}.jpg", images.noise_jpeg(64, 48, seed=number)) for number, name in enumerate(names)]
    answer = await upload(gateway, folder, sent)
    return [result["photo_id"] for result in answer.body["results"]]


def moved(photo_id: int, version: int, before: str, after: str) -> PhotoMoved:
    """Tell of a photo with a JPEG that lies elsewhere, or is called otherwise, now."""
    file = MovedFile(name=f"{after}.jpg", source_name=f"{before}.jpg", kind="jpg", size=1)
    made = {"thumbnail_status": "generated", "preview_status": "generated"}
    return PhotoMoved(photo_id=photo_id, filename=after, source_filename=before, version=version, files=(file,), **made)


def source(of: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that name a project as the one that photos came from."""
    return {f"source_{name}": value for name, value in of.items()}


def removed(photo_id: int, name: str) -> PhotoRemoved:
    """Tell of a photo whose row is gone."""
    return PhotoRemoved(photo_id=photo_id, filename=name, version=9, keep=KEPT)


def unmade(photo_id: int, name: str, reason: str) -> PhotoDerivatives:
    """Tell of a photo whose derivatives could not be made."""
    failed = {"thumbnail_status": "failed", "preview_status": "failed"}
    return PhotoDerivatives(photo_id=photo_id, filename=name, version=3, **failed, reason=reason)


def befalls(alps: dict[str, Any], sea: dict[str, Any], photo: int, other: int, task: UUID) -> list[EventData]:
    """Return what services tell of two photos, from their derivatives to the end of their project."""
    return [
        DerivativesUpdated(
            **alps, photos=(unmade(other, "IMG_2", "it is no image"), unmade(photo, "IMG_1", "it is cut short"))
        ),
        PhotosMoved(
            **sea,
            **source(alps),
            photos=(moved(other, 4, "IMG_2", "IMG_2"), moved(photo, 4, "IMG_1", "IMG_1 (2)")),
        ),
        PhotosRecognized(**sea, **source(sea), photos=(moved(photo, 5, "IMG_1 (2)", "best"),)),
        FindingsReported(
            task_id=task,
            task_type="maintenance",
            job_id=uuid4(),
            job_type="folder_check",
            findings=(
                Finding(kind="reported", code="odd", reason="it is odd", photo_id=photo),
                Finding(kind="reported", code="even", reason="it is even", photo_id=other),
            ),
        ),
        FilesTrashed(
            **sea,
            reason="committed",
            files=(
                TrashedFile(photo_id=photo, name="best.jpg", trash_path=".trash/t/best.jpg", size=1),
                TrashedFile(photo_id=other, name="IMG_2.jpg", trash_path=".trash/t/IMG_2.jpg", size=1),
            ),
        ),
        PhotosRemoved(**sea, cause="project_delete", photos=(removed(other, "IMG_2"), removed(photo, "best"))),
        ProjectCanceled(**sea, cause="deleted", name="Sea", version=2),
    ]


async def test_a_photos_history_goes_on_over_moves_renames_and_the_end_of_photo_and_project(
    gateway: Gateway, chronicle: Chronicle
) -> None:
    alps, sea = await project(gateway, "Alps"), await project(gateway, "Sea")
    photo, other = await photos(gateway, alps["project_folder"], "IMG_1", "IMG_2")
    items = [{"photo_id": one, "tags": ["summit", f"own {one}"]} for one in (photo, other)]
    await gateway.post("/api/photos/tags/add", {"items": items})
    await gateway.post("/api/photos/keep", {"items": [{"photo_id": photo, "keep_jpg": False}]})
    chronicle.task = uuid4()
    await chronicle.say(*befalls(alps, sea, photo, other, chronicle.task))
    async with gateway.database.transaction() as connection:
        await connection.execute(PHOTOS_GONE, alps["project_id"])

    told = await chronicle.told(f"/api/photos/{photo}/history?order=asc")

    assert told[0].startswith("Added to project “Alps” as IMG_1: IMG_1.jpg (")
    assert told[1:] == [
        f"Tags “own {photo}” and “summit” added",
        "Not to keep: JPEG",
        "Derivatives could not be made: it is cut short",
        "Moved from project “Alps” to “Sea” as IMG_1 (2)",
        "Renamed outside photobus from IMG_1 (2) to best, and recognised",
        "Check “folder check” left it as found: it is odd",
        "best.jpg went to the trash, by a commit: .trash/t/best.jpg",
        "Removed from project “Sea”, with its project",
    ]
    assert await chronicle.told(f"/api/photos/{photo}/history") == told[::-1]
    (move,) = [
        item
        for item in (await gateway.get(f"/api/photos/{photo}/history")).body["items"]
        if item["type"] == "PhotosMoved"
    ]
    assert move["data"]["photos"] == [moved(photo, 4, "IMG_1", "IMG_1 (2)").model_dump(mode="json", exclude_none=True)]
    assert (move["photos"], move["photo_count"]) == ([{"photo_id": photo, "filename": "IMG_1 (2)"}], 1)
    assert (move["task_id"], move["project"]) == (str(chronicle.task), {"id": sea["project_id"], "folder": "Sea"})


async def test_a_photo_of_which_nothing_is_known_or_that_is_somebody_elses_is_not_found(
    gateway: Gateway, chronicle: Chronicle
) -> None:
    alps = await project(gateway, "Alps")
    (photo,) = await photos(gateway, "Alps", "IMG_1")
    early = await gateway.get(f"/api/photos/{photo}/history")
    assert (early.status, early.body["items"], early.body["total"]) == (200, [], 0)
    async with gateway.database.transaction() as connection:
        await add_tenant(connection, "user_9")
    theirs = TrashedFile(photo_id=4711, name="secret.jpg", trash_path=".trash/secret.jpg", size=1)
    await chronicle.say(
        FilesTrashed(project_id=99, project_folder="Theirs", reason="committed", files=(theirs,)), tenant="user_9"
    )
    await chronicle.say(
        FilesTrashed(**alps, reason="committed", files=(theirs.model_copy(update={"photo_id": photo}),))
    )

    unknown = await gateway.get("/api/photos/4712/history")
    foreign = await gateway.get("/api/photos/4711/history")
    by_them = await gateway.get(f"/api/photos/{photo}/history", token=await gateway.token("viewer", "user_9"))

    assert [answer.status for answer in (unknown, foreign, by_them)] == [404, 404, 404]
    assert unknown.body["errors"][0]["field"] == "path.photo_id"
    assert (await gateway.get("/api/projects/Theirs/history")).status == 404
    viewer = await gateway.token("viewer")
    assert len(await chronicle.told(f"/api/photos/{photo}/history", token=viewer)) == 2


async def test_a_projects_history_has_its_photos_those_that_left_it_too_and_outlives_it(
    gateway: Gateway, chronicle: Chronicle
) -> None:
    alps, sea = await project(gateway, "Alps"), await project(gateway, "Sea")
    ids = await photos(gateway, "Alps", *(f"IMG_{number:02}" for number in range(12)))
    await gateway.post("/api/photos/tags/add", {"items": [{"photo_id": one, "tags": ["snow"]} for one in ids]})
    await chronicle.say(
        PhotosMoved(**sea, **source(alps), photos=(moved(ids[0], 2, "IMG_00", "IMG_00"),)),
        PhotosRecognized(**alps, **source(alps), photos=(moved(ids[1], 2, "IMG_01", "IMG_99"),)),
        PhotosRecognized(**alps, **source(sea), photos=(moved(ids[0], 3, "IMG_00", "IMG_00"),)),
    )
    common = [
        "Photo IMG_00 moved from project “Alps” to “Sea”",
        "Photo IMG_00 moved outside photobus from project “Sea” to “Alps”, and recognised",
    ]

    of_alps = (await gateway.get("/api/projects/Alps/history?order=asc")).body["items"]
    assert [item["summary"] for item in of_alps if item["type"] != "PhotosAdded"] == [
        "Project “Alps” made, in the folder “Alps”",
        "Tags of 12 photos (IMG_00, IMG_01, IMG_02 and 9 more) changed: “snow” added",
        common[0],
        "Photo IMG_01 renamed outside photobus from IMG_01 to IMG_99, and recognised",
        common[1],
    ]
    assert await chronicle.told("/api/projects/Sea/history?order=asc") == [
        "Project “Sea” made, in the folder “Sea”",
        *common,
    ]
    (tagged,) = [item for item in of_alps if item["type"] == "TagsChanged"]
    assert (tagged["photo_count"], len(tagged["photos"]), len(tagged["data"]["photos"])) == (12, 10, 10)
    assert (tagged["whole"], tagged["actor_name"]) == (False, "admin")

    await chronicle.say(
        ProjectCanceled(**sea, cause="folder_gone", name="Sea", version=2), ProjectRemoved(**sea, name="Sea")
    )
    async with gateway.database.transaction() as connection:
        await arrange(connection)
        await connection.execute(GONE, sea["project_id"])
    gone = await gateway.get("/api/projects/Sea/history?limit=1")
    assert gone.body["items"][0]["summary"] == "Project “Sea” removed from the catalogue, for its folder is gone"
    assert (gone.body["project_id"], gone.body["total"]) == (sea["project_id"], 5)


async def test_a_folder_stands_for_the_project_that_has_it_or_had_it_last_and_for_another_if_that_is_named(
    gateway: Gateway, chronicle: Chronicle
) -> None:
    first = await project(gateway, "Trip")
    await chronicle.say(
        FolderRenamed(
            **first,
            cause="folder_discovery",
            old_folder="Trip",
            new_folder="Journey",
            project_name="Journey",
            version=2,
        )
    )
    async with gateway.database.transaction() as connection:
        await connection.execute("UPDATE projects SET folder = 'Journey', name = 'Journey'")
    root = gateway.settings.library.root / gateway.tenant
    (root / "Trip").rename(root / "Journey")
    renamed = (await gateway.get("/api/projects/Trip/history")).body
    assert (renamed["project_id"], renamed["project_ids"]) == (first["project_id"], [first["project_id"]])
    second = await project(gateway, "Trip")
    await chronicle.archive()

    both = (await gateway.get("/api/projects/Trip/history")).body
    named = (await gateway.get(f"/api/projects/Trip/history?project_id={first['project_id']}")).body
    never = await gateway.get(f"/api/projects/Journey/history?project_id={second['project_id']}")

    assert both["project_ids"] == [second["project_id"], first["project_id"]]
    assert [item["summary"] for item in both["items"]] == ["Project “Trip” made, in the folder “Trip”"]
    assert named["items"][0]["summary"] == "Folder “Trip” renamed to “Journey”, by its owner"
    assert (never.status, never.body["errors"][0]["field"]) == (404, "query.project_id")
    assert (await gateway.get("/api/projects/Nowhere/history")).status == 404


async def test_pages_of_a_history_are_cut_by_number_and_by_bytes_and_lead_to_each_other(
    gateway: Gateway, chronicle: Chronicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    alps = await project(gateway, "Alps")
    for number in range(6):
        await chronicle.say(ProjectCanceled(**alps, cause="deleted", name="x" * 100 + str(number), version=number))
    monkeypatch.setattr(history, "PAGE_BYTES", 1200)  # three events of more than 400 bytes are too many
    everything: list[int] = []
    cursors: list[str] = []
    path = "/api/projects/Alps/history?limit=4"
    page = (await gateway.get(path)).body
    while True:
        everything += [item["seq"] for item in page["items"]]
        assert len(page["items"]) <= 2
        if page["next_cursor"] is None:
            break
        cursors.append(page["next_cursor"])
        page = (await gateway.get(f"{path}&cursor={page['next_cursor']}")).body
    assert len(everything) == page["total"] == 7
    assert everything == sorted(everything, reverse=True)
    backwards = [item["seq"] for item in reversed(page["items"])]
    while page["prev_cursor"] is not None:
        page = (await gateway.get(f"{path}&cursor={page['prev_cursor']}")).body
        backwards += [item["seq"] for item in reversed(page["items"])]
    assert backwards == everything[::-1]
    wrong = await gateway.get(f"{path}&order=asc&cursor={cursors[0]}")
    assert (wrong.status, wrong.body["errors"][0]["field"]) == (400, "query.cursor")


async def test_a_tasks_events_begin_with_its_request_and_hold_what_it_did(
    gateway: Gateway, chronicle: Chronicle
) -> None:
    alps = await project(gateway, "Alps")
    (photo,) = await photos(gateway, "Alps", "IMG_1")
    asked = await gateway.post("/api/photos/process", {"items": [{"photo_id": photo}]})
    task = asked.body["task"]["id"]
    early = await gateway.get(f"/api/tasks/{task}/events")
    chronicle.task = UUID(task)
    made = PhotoDerivatives(
        photo_id=photo, filename="IMG_1", version=2, thumbnail_status="generated", preview_status="generated"
    )
    await chronicle.say(DerivativesUpdated(**alps, photos=(made,)))

    items = (await gateway.get(f"/api/tasks/{task}/events")).body["items"]

    assert (early.status, early.body["items"]) == (200, [])
    label = asked.body["task"]["label"]
    assert [item["summary"] for item in items[:2]] == [
        f"Task “{label}” requested, on 1 photo",
        "Derivatives of 1 photo made",
    ]
    assert {item["summary"] for item in items[2:]} == {  # what was decided at once lies in any order
        "Task started, with 1 photo in 1 step",
        "Job “generate derivatives” queued, for 1 photo",
    }
    assert {item["task_type"] for item in items} == {"generate_derivatives"}
    assert {item["cause_id"] for item in items[2:]} == {task}
    assert (await gateway.get(f"/api/tasks/{uuid4()}/events")).status == 404
    theirs = await gateway.token("viewer", "user_0")
    assert len(await chronicle.told(f"/api/tasks/{task}/events", token=theirs)) == 4


async def test_an_audit_finds_by_actor_kind_and_place_and_is_for_admins(gateway: Gateway, chronicle: Chronicle) -> None:
    alps = await project(gateway, "Alps")
    await chronicle.archive()
    first = await chronicle.seq()
    async with gateway.database.transaction() as connection:
        await add_tenant(connection, "user_9")
    deleted = [ProjectCanceled(**alps, cause="deleted", name=name, version=1) for name in ("one", "two", "three")]
    await chronicle.say(deleted[0], actor="ada")
    bob, _ = await chronicle.say(deleted[1], TokenRevoked(token_id=UUID(int=7)), actor="bob")
    await chronicle.say(ProjectRemoved(**alps, name="four"), actor="bob")
    await chronicle.say(deleted[2], actor="ada", tenant="user_9")
    slow = bob.time - timedelta(microseconds=1)
    await chronicle.say(ProjectRemoved(**alps, name="late"), at=slow)

    async def found(query: str) -> list[str]:
        items = (await gateway.get(f"/api/audit?order=asc&{query}")).body["items"]
        return [item["data"].get("name", item["type"]) for item in items if item["seq"] > first]

    assert await found("") == ["one", "two", "TokenRevoked", "four", "late"]
    assert await found("actor=bob") == ["two", "TokenRevoked", "four"]
    assert await found("type=ProjectCanceled") == ["one", "two"]
    assert await found("type=ProjectRemoved&type=ProjectCanceled") == ["one", "two", "four", "late"]
    assert await found("actor=bob&type=ProjectCanceled&type=TokenRevoked") == ["two", "TokenRevoked"]
    assert await found("actor=nobody") == []
    at = bob.time.isoformat().replace("+", "%2B")
    assert await found(f"from={at}") == ["two", "TokenRevoked", "four"]
    assert await found(f"to={at}") == ["one", "two", "late"]
    assert await found(f"from={at}&to={at}") == ["two"]
    seq = (await gateway.get("/api/audit?actor=bob&order=asc")).body["items"][0]["seq"]
    assert await found(f"from={seq}&to={seq + 1}") == ["two", "TokenRevoked"]
    assert await found(f"to={first}") == []
    made = (await gateway.get("/api/audit?type=TokenCreated")).body["items"]
    assert [item["summary"] for item in made] == ["Token “admin” made, with the role admin"]
    for role in ("viewer", "editor"):
        refused = await gateway.get("/api/audit", token=await gateway.token(role))
        assert refused.status == 403
    for query, field in (("type=Nothing", "query.type.0"), ("from=yesterday", "query.from"), ("to=-1", "query.to")):
        wrong = await gateway.get(f"/api/audit?{query}")
        assert (wrong.status, wrong.body["errors"][0]["field"]) == (400, field)


async def test_who_got_access_is_in_no_history_but_the_audit(gateway: Gateway, chronicle: Chronicle) -> None:
    alps = await project(gateway, "Alps")
    chronicle.task = uuid4()
    await chronicle.say(
        TokenRevoked(token_id=UUID(int=7)), ProjectCanceled(**alps, cause="deleted", name="a", version=1)
    )
    paths: Sequence[str] = ("/api/projects/Alps/history", f"/api/tasks/{chronicle.task}/events")
    for path in paths:
        types = {item["type"] for item in (await gateway.get(path)).body["items"]}
        assert types == {"ProjectCanceled"} | ({"ProjectCreated"} if "projects" in path else set())


async def test_the_client_reads_histories_over_all_their_pages(gateway: Gateway, chronicle: Chronicle) -> None:
    alps = await project(gateway, "My Alps")
    await chronicle.say(
        *(ProjectCanceled(**alps, cause="deleted", name=str(number), version=1) for number in range(120))
    )
    async with chronicle.client() as client:
        of_project = [event async for event in client.history.project("My Alps", newest_first=False)]
        by_ada = [event async for event in client.history.audit(actor="ada", types=["ProjectCanceled"])]
        since = [event async for event in client.history.audit(first=by_ada[0].seq, last=by_ada[0].time)]
    assert [event.data["name"] for event in of_project] == ["My Alps", *map(str, range(120))]
    assert by_ada == of_project[:0:-1]
    assert since == by_ada[:1]
    assert of_project[0].project is not None
    assert of_project[0].project.folder == "My Alps"
