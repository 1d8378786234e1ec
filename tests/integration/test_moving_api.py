"""Asking for moves: one task for any photos, a dry run that tells each name, and refusals that name the field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from catalogue import Shot, add_project, add_shots, add_tenant
from gateway_server import Gateway, running_gateway

from photobus_common.bus.connection import Broker
from photobus_common.config import Library as LibrarySettings
from photobus_common.config import Settings
from photobus_common.events.tasks import TaskRequested
from photobus_common.moving import Wish
from photobus_common.storage.library import Library
from photobus_common.store import moves
from photobus_common.store.database import Connection, Database
from photobus_common.store.removals import removable_photos

FILES = """
INSERT INTO photo_files (tenant, photo_id, project_id, name, kind, size, md5, modified_at)
SELECT p.tenant, p.id, p.project_id, p.filename || ending, CASE ending WHEN '.xmp' THEN 'sidecar' ELSE 'jpg' END, 1,
    md5(p.filename), now()
FROM photos p, unnest($2::text[]) AS ending WHERE p.id = $1
"""


@dataclass(frozen=True)
class Known:
    """Projects and photos by name; ``foreign`` is a photo of another tenant."""

    projects: Mapping[str, int]
    photos: Mapping[str, int]
    foreign: int


async def shoot(connection: Connection, tenant: str, project_id: int, names: Sequence[str]) -> list[int]:
    """Write photos, each with a JPEG and a sidecar."""
    ids = await add_shots(connection, tenant, project_id, [Shot(name) for name in names])
    for photo_id in ids:
        await connection.execute(FILES, photo_id, [".JPG", ".xmp"])
    return ids


async def filled(gateway: Gateway) -> Known:
    """Alps has A0, A1; Sea has S0 and A1; Trip has T0 and A0; Gone was deleted, and Home is of another tenant."""
    async with gateway.database.transaction() as connection:
        names = {"Alps": ["A0", "A1"], "Sea": ["S0", "A1"], "Trip": ["T0", "A0"]}
        projects = {name: await add_project(connection, gateway.tenant, name) for name in names}
        photos: dict[str, int] = {}
        for name, wanted in names.items():
            ids = await shoot(connection, gateway.tenant, projects[name], wanted)
            photos |= {f"{name}/{one}": photo for one, photo in zip(wanted, ids, strict=True)}
        await add_project(connection, gateway.tenant, "Gone", "canceled")
        await add_tenant(connection, "user_9")
        home = await add_project(connection, "user_9", "Home")
        (foreign,) = await shoot(connection, "user_9", home, ["H0"])
    return Known(projects, photos, foreign)


@pytest.fixture
async def known(gateway: Gateway) -> Known:
    """What is in the catalogue."""
    return await filled(gateway)


async def asked(gateway: Gateway) -> list[TaskRequested]:
    """What was asked for."""
    events = await gateway.events("TaskRequested")
    return [event.data for event in events if isinstance(event.data, TaskRequested)]


def items(known: Known, *names: str) -> list[dict[str, int]]:
    """Photos as a request names them."""
    return [{"photo_id": known.photos[name]} for name in names]


async def test_photos_of_any_projects_move_as_one_task(gateway: Gateway, known: Known) -> None:
    body = {"items": items(known, "Sea/S0", "Alps/A0", "Sea/S0", "Trip/T0"), "dest_folder": "Trip"}
    answer = await gateway.post("/api/photos/move", body)

    assert answer.status == 202, answer.body
    task = answer.body["task"]
    assert (task["type"], task["scope"], task["source"], task["job_count"]) == ("image_move", "photo_set", "user", 3)
    (data,) = await asked(gateway)
    assert data.params == {"dest_project_id": known.projects["Trip"]}
    assert data.targets.photo_ids == tuple(known.photos[name] for name in ("Alps/A0", "Sea/S0", "Trip/T0"))
    assert data.targets.project_ids == tuple(known.projects[name] for name in ("Alps", "Sea", "Trip"))


async def test_projects_and_filters_are_kept_as_they_were_asked_for(gateway: Gateway, known: Known) -> None:
    for which in ({"projects": ["Sea", "Alps"]}, {"filter": {"text": "A"}}):
        assert (await gateway.post("/api/photos/move", {**which, "dest_folder": "Trip"})).status == 202
    whole, matching = await asked(gateway)
    assert (whole.targets.kind, whole.targets.project_ids) == (
        "projects",
        (known.projects["Sea"], known.projects["Alps"]),
    )
    assert (matching.targets.kind, matching.targets.filter) == ("filter", {"text": "A"})


async def test_a_dry_run_tells_each_photo_and_each_file_and_starts_nothing(gateway: Gateway, known: Known) -> None:
    named = ["Sea/A1", "Alps/A1", "Alps/A0", "Trip/A0", "Sea/S0"]
    answer = await gateway.post(
        "/api/photos/move", {"items": items(known, *named), "dest_folder": "Trip", "dry_run": True}
    )

    assert answer.status == 200, answer.body
    assert [answer.body[name] for name in ("type", "dest_folder", "photos", "projects")] == ["image_move", "Trip", 5, 3]
    assert [step["jobs"] for step in answer.body["steps"]] == [1, 1, 1]
    told = [(item["status"], item["new_filename"], item["reason"]) for item in answer.body["items"]]
    assert told == [
        ("moves", "A1", None),
        ("moves", "A0 (2)", "Its name is taken there."),
        ("moves", "A1 (2)", "Its name is taken there."),
        ("moves", "S0", None),
        ("stays", None, "It lies there already."),
    ]
    by_project = ["Alps/A1", "Alps/A0", "Sea/A1", "Sea/S0", "Trip/A0"]  # as the task takes them up
    assert [item["photo_id"] for item in answer.body["items"]] == [known.photos[name] for name in by_project]
    assert answer.body["items"][2]["files"] == [
        {"name": "A1.JPG", "new_name": "A1 (2).JPG"},
        {"name": "A1.xmp", "new_name": "A1 (2).xmp"},
    ]
    assert answer.body["items"][4]["files"] == []
    assert await asked(gateway) == []


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ({"projects": ["Sea", "Trip"]}, ["Sea/S0", "Sea/A1", "Trip/T0", "Trip/A0"]),
        ({"filter": {"text": "s0"}}, ["Sea/S0"]),
        ({"filter": {"text": "nothing"}}, []),
    ],
)
async def test_a_dry_run_finds_what_is_not_named(
    gateway: Gateway, known: Known, which: dict[str, Any], expected: list[str]
) -> None:
    answer = await gateway.post("/api/photos/move", {**which, "dest_folder": "Trip", "dry_run": True})
    assert [item["photo_id"] for item in answer.body["items"]] == [known.photos[name] for name in expected]
    assert answer.body["photos"] == len(expected)


WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"items": [{"photo_id": 1}]}, 400, "dest_folder"),
    ({"dest_folder": "Trip"}, 400, ""),
    ({"dest_folder": "Trip", "items": []}, 400, "items"),
    ({"dest_folder": "Trip", "items": [{"photo_id": "1"}]}, 400, "items.0.photo_id"),
    ({"dest_folder": "Trip", "items": [{"photo_id": 1}] * 2001}, 400, "items"),
    ({"dest_folder": "Trip", "items": [{"photo_id": 999_999}]}, 404, "items"),
    ({"dest_folder": "Trip", "projects": ["Nowhere"]}, 404, "projects"),
    ({"dest_folder": "Trip", "projects": ["Gone"]}, 404, "projects"),
    ({"dest_folder": "Trip", "projects": ["Sea"], "filter": {}}, 400, ""),
    ({"dest_folder": "Nowhere", "projects": ["Sea"]}, 404, "dest_folder"),
    ({"dest_folder": "Home", "projects": ["Sea"]}, 404, "dest_folder"),
    ({"dest_folder": "Gone", "projects": ["Sea"]}, 409, "dest_folder"),
    ({"dest_folder": "", "projects": ["Sea"]}, 400, "dest_folder"),
]


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(("body", "status", "field"), WRONG)
async def test_what_cannot_be_moved_is_named(
    gateway: Gateway, known: Known, body: dict[str, Any], status: int, field: str, *, dry_run: bool
) -> None:
    answer = await gateway.post("/api/photos/move", {**body, "dry_run": dry_run})
    assert (answer.status, answer.body["errors"][0]["field"]) == (status, field), answer.body
    assert await asked(gateway) == []


async def test_walls_and_roles(gateway: Gateway, known: Known) -> None:
    body = {"items": [{"photo_id": known.foreign}], "dest_folder": "Trip"}
    foreign = await gateway.post("/api/photos/move", body)
    assert (foreign.status, foreign.body["errors"][0]["field"]) == (404, "items")
    mine = {"items": items(known, "Sea/S0"), "dest_folder": "Trip"}
    assert (await gateway.post("/api/photos/move", mine, token=await gateway.token("viewer"))).status == 403
    other = await gateway.post("/api/photos/move", mine, token=await gateway.token("editor", "user_9"))
    assert (other.status, other.body["errors"][0]["field"]) == (404, "dest_folder")


async def test_the_general_form_takes_the_folder_and_logs_the_project(gateway: Gateway, known: Known) -> None:
    targets = {"photo_ids": [known.photos["Sea/S0"]]}
    body = {"type": "image_move", "targets": targets, "params": {"dest_folder": "Trip"}}
    assert (await gateway.post("/api/tasks", {**body, "dry_run": True})).status == 200
    assert (await gateway.post("/api/tasks", body)).status == 202
    (data,) = await asked(gateway)
    assert data.params == {"dest_project_id": known.projects["Trip"]}

    for params, status, field in (
        ({}, 400, "params.dest_folder"),
        ({"dest_project_id": 1}, 400, "params.dest_folder"),
        ({"dest_folder": "Nowhere"}, 404, "params.dest_folder"),
        ({"dest_folder": "Gone"}, 409, "params.dest_folder"),
    ):
        refused = await gateway.post("/api/tasks", {**body, "params": params})
        assert (refused.status, refused.body["errors"][0]["field"]) == (status, field), refused.body


async def test_the_form_of_a_project_moves_photos_of_any_project_there(gateway: Gateway, known: Known) -> None:
    named = [{"filename": "S0"}, {"photo_id": known.photos["Alps/A0"]}]
    body = {"task_type": "image_move", "items": named, "filenames": ["T0.xmp"]}
    assert (await gateway.post("/api/projects/Trip/jobs", body)).status == 202
    (data,) = await asked(gateway)
    assert data.params == {"dest_project_id": known.projects["Trip"]}
    assert data.targets.photo_ids == tuple(known.photos[name] for name in ("Alps/A0", "Sea/S0", "Trip/T0"))
    assert data.targets.project_ids == tuple(known.projects[name] for name in ("Alps", "Sea", "Trip"))


@pytest.mark.parametrize(
    ("folder", "body", "status", "field", "words"),
    [
        ("Trip", {}, 400, "items", "moved here"),
        ("Trip", {"items": [{"filename": "A1"}]}, 400, "items", "Alps, Sea"),
        ("Trip", {"filenames": ["A0.JPG"]}, 400, "filenames", "Alps, Trip"),
        ("Trip", {"filenames": ["S0.png"]}, 404, "filenames", "S0.png"),
        ("Trip", {"items": [{"filename": "H0"}]}, 404, "items", "H0"),
        ("Trip", {"items": [{"photo_id": 999_999}]}, 404, "items", "999999"),
        ("Trip", {"items": [{"filename": "S0"}], "force": True}, 400, "force", ""),
        ("Nowhere", {"items": [{"filename": "S0"}]}, 404, "path.folder", "Nowhere"),
        ("Gone", {"items": [{"filename": "S0"}]}, 409, "path.folder", "deleted"),
    ],
)
async def test_what_the_form_of_a_project_refuses(
    gateway: Gateway, known: Known, folder: str, body: dict[str, Any], status: int, field: str, words: str
) -> None:
    answer = await gateway.post(f"/api/projects/{folder}/jobs", {"task_type": "image_move", **body})
    (error,) = answer.body["errors"]
    assert (answer.status, error["field"]) == (status, field), answer.body
    assert words in error["message"]
    assert await asked(gateway) == []


async def test_of_many_projects_that_have_a_name_the_first_are_told(gateway: Gateway, known: Known) -> None:
    async with gateway.database.transaction() as connection:
        for number in range(25):
            await shoot(connection, gateway.tenant, await add_project(connection, gateway.tenant, f"P{number}"), ["M"])
    answer = await gateway.post("/api/projects/Trip/jobs", {"task_type": "image_move", "filenames": ["M"]})
    assert answer.status == 400
    assert "P0, P1, P10" in answer.body["detail"]
    assert answer.body["detail"].endswith(" and 5 more; give its photo_id")


async def test_a_move_that_failed_is_tried_again_into_the_same_project(gateway: Gateway, known: Known) -> None:
    task = (await gateway.post("/api/photos/move", {"projects": ["Sea"], "dest_folder": "Trip"})).body["task"]
    async with gateway.database.transaction() as connection:
        await connection.execute(
            "INSERT INTO tasks (id, tenant, type, scope, source, label, actor, status, state, created_at, ended_at) "
            "VALUES ($1, $2, 'image_move', 'photo_set', 'user', 'Move photos', 'ada', 'failed', '{}', now(), now())",
            task["id"],
            gateway.tenant,
        )
    answer = await gateway.post(f"/api/tasks/{task['id']}/retry")
    assert answer.status == 202, answer.body
    first, again = await asked(gateway)
    assert (again.params, again.targets, str(again.retry_of)) == (first.params, first.targets, task["id"])


async def test_where_names_may_repeat_only_the_destination_counts(
    settings: Settings, database: Database, broker: Broker, library: Library, tenant: str
) -> None:
    repeating = LibrarySettings(root=settings.library.root, unique_names="project")
    lenient = settings.model_copy(update={"library": repeating})
    async with running_gateway(lenient, database, broker, library, tenant) as gateway:
        known = await filled(gateway)
        async with database.transaction() as connection:
            await shoot(connection, tenant, known.projects["Sea"], ["A0 (2)"])
        body = {"items": items(known, "Alps/A0"), "dest_folder": "Trip", "dry_run": True}
        (planned,) = (await gateway.post("/api/photos/move", body)).body["items"]
    assert planned["new_filename"] == "A0 (2)"


async def test_photos_that_are_all_called_the_same_are_planned_as_quickly_as_others(
    database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    look = moves.taken_at

    async def counting(*arguments: Any) -> Any:
        asked.append(len(arguments[4]))
        return await look(*arguments)

    monkeypatch.setattr(moves, "taken_at", counting)
    async with database.transaction() as connection:
        trip = await add_project(connection, tenant, "Trip")
        await shoot(connection, tenant, trip, ["A", *(f"A ({number})" for number in range(2, 30)), "B"])
        photo_ids = []
        for number in range(40):
            project = await add_project(connection, tenant, f"P{number}")
            photo_ids += await shoot(connection, tenant, project, ["A", f"B{number}"])
        photos = await removable_photos(connection, tenant, photo_ids)
        wishes = [Wish(photos[photo_id], photos[photo_id].filename) for photo_id in photo_ids]
        planned = await moves.planned_moves(connection, tenant, trip, wishes, "project")
    assert [move.filename for move in planned[::2]] == [f"A ({number})" for number in range(30, 70)]
    assert [move.filename for move in planned[1::2]] == [f"B{number}" for number in range(40)]
    assert sum(asked) < 10 * len(wishes)
