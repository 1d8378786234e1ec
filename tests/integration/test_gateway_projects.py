"""Projects: names, folders and manifests agree, whatever was there before and whatever breaks in between."""

import asyncio
from contextlib import suppress
from uuid import UUID

import pytest
from gateway_server import Gateway

from photobus_common.events import Origin
from photobus_common.events.projects import ProjectCreated
from photobus_common.storage.library import SENTINEL, Library
from photobus_common.storage.manifest import MANIFEST
from photobus_common.store.unit_of_work import unit_of_work
from photobus_gateway.new_projects import create


class BrokenOffError(Exception):
    """Stands for a process that ends."""


async def test_a_project_has_a_row_a_folder_a_manifest_and_an_event(
    gateway: Gateway, library: Library, library_id: UUID
) -> None:
    made = await gateway.post("/api/projects", {"name": "  Été / Ärzte: 2026?  "})
    assert made.status == 201
    project = made.body
    assert project["name"] == "Été / Ärzte: 2026?"
    assert project["folder"] == "Été _ Ärzte_ 2026_"
    assert (project["status"], project["photos"]) == ("active", 0)
    with library.tenant(gateway.tenant, library_id).open_project(project["folder"]) as folder:
        manifest = folder.read_manifest()
    assert manifest is not None
    assert (manifest.id, manifest.name) == (project["id"], project["name"])
    (said,) = await gateway.events("ProjectCreated")
    assert isinstance(said.data, ProjectCreated)
    assert (said.data.project_id, said.data.project_folder, said.data.name) == (
        project["id"],
        project["folder"],
        project["name"],
    )
    assert said.actor.startswith("token:")
    assert (await gateway.get("/api/projects/Été _ Ärzte_ 2026_")).body == project


async def test_equal_names_and_equal_folders_get_numbers(gateway: Gateway) -> None:
    names = ["Trip", "Trip", "Trip", "A/B", "A:B"]
    made = [(await gateway.post("/api/projects", {"name": name})).body for name in names]
    assert [project["name"] for project in made] == ["Trip", "Trip (2)", "Trip (3)", "A/B", "A:B (2)"]
    assert [project["folder"] for project in made] == ["Trip", "Trip (2)", "Trip (3)", "A_B", "A_B (2)"]


async def test_any_number_at_once_of_one_name_are_different_projects(gateway: Gateway) -> None:
    answers = await asyncio.gather(*(gateway.post("/api/projects", {"name": "Same"}) for _ in range(8)))
    expected = {"Same", *(f"Same ({number})" for number in range(2, 9))}
    assert {answer.body["name"] for answer in answers} == expected
    assert {answer.body["folder"] for answer in answers} == expected


async def test_a_folder_that_nobody_knows_is_left_to_discovery(
    gateway: Gateway, library: Library, library_id: UUID
) -> None:
    with library.tenant(gateway.tenant, library_id).create_project("Old") as folder:
        folder.write_replacing("DSC1.JPG", b"not ours to touch")
    made = await gateway.post("/api/projects", {"name": "Old"})
    assert (made.body["name"], made.body["folder"]) == ("Old (2)", "Old (2)")


async def test_a_folder_whose_manifest_is_no_file_is_not_taken_over(gateway: Gateway) -> None:
    (gateway.settings.library.root / gateway.tenant / "Trip" / MANIFEST).mkdir(parents=True)
    answer = await gateway.post("/api/projects", {"name": "Trip"})
    assert (answer.status, answer.body["folder"]) == (201, "Trip (2)")


async def test_a_creation_that_breaks_off_before_its_commit_leaves_nothing_in_the_way(
    gateway: Gateway, library: Library, library_id: UUID
) -> None:
    tenant_library = library.tenant(gateway.tenant, library_id)
    with suppress(BrokenOffError):
        async with unit_of_work(gateway.database, gateway.publisher) as work:
            await create(work, Origin("/test", gateway.tenant, "test"), tenant_library, "Trip")
            raise BrokenOffError
    assert tenant_library.project_folders() == ["Trip"]
    assert (await gateway.get("/api/projects")).body["total"] == 0
    made = (await gateway.post("/api/projects", {"name": "Trip"})).body
    assert (made["name"], made["folder"]) == ("Trip", "Trip")
    with tenant_library.open_project("Trip") as folder:
        manifest = folder.read_manifest()
    assert manifest is not None
    assert manifest.id == made["id"]


async def test_a_creation_that_fails_takes_its_folder_back(
    gateway: Gateway, library: Library, library_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise BrokenOffError

    monkeypatch.setattr("photobus_common.store.projects.project_of_folder", broken)
    assert (await gateway.post("/api/projects", {"name": "Trip"})).status == 500
    assert library.tenant(gateway.tenant, library_id).project_folders() == []


async def test_a_library_that_is_away_is_not_made_anew(gateway: Gateway) -> None:
    (gateway.settings.library.root / gateway.tenant / SENTINEL).unlink()
    refused = await gateway.post("/api/projects", {"name": "Trip"})
    assert (refused.status, refused.body["code"]) == (503, "storage_unavailable")
    assert (await gateway.get("/api/projects")).body["items"] == []
    assert not (gateway.settings.library.root / gateway.tenant / "Trip").exists()


async def test_a_name_that_nobody_could_read_is_refused_by_field(gateway: Gateway) -> None:
    for name in ("", " ", "\t", "a\nb", "nul\0", "x" * 201):
        refused = await gateway.post("/api/projects", {"name": name})
        assert refused.status == 400, name
        assert refused.body["errors"][0]["field"] == "name"


async def test_pages_lead_through_all_projects_and_back(gateway: Gateway) -> None:
    for number in range(7):
        await gateway.post("/api/projects", {"name": f"P{number}"})
    seen, cursor = [], ""
    while True:
        page = (await gateway.get(f"/api/projects?limit=3{cursor}")).body
        seen.append([project["name"] for project in page["items"]])
        assert page["total"] == 7
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [["P0", "P1", "P2"], ["P3", "P4", "P5"], ["P6"]]
    back = (await gateway.get(f"/api/projects?limit=3&cursor={page['prev_cursor']}")).body
    assert [project["name"] for project in back["items"]] == ["P3", "P4", "P5"]
    newest = (await gateway.get("/api/projects?sort=created_at&limit=1")).body
    assert newest["items"][0]["name"] == "P6"


async def test_a_key_makes_one_project_of_many_requests(gateway: Gateway) -> None:
    key = {"Idempotency-Key": "once"}
    calls = (gateway.post("/api/projects", {"name": "Trip"}, headers=key) for _ in range(6))
    answers = await asyncio.gather(*calls)
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert (await gateway.get("/api/projects")).body["total"] == 1
