"""Folders that get the name of their project: all states come to their ends, nothing is replaced, twice is as once."""

import os
import shutil
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from bus_traffic import TENANT
from renaming import Sides, call, folders, renamers, sides
from shelf import MADE_AT, Shelf
from upkeep import Line, over_library, over_projects, report
from working import Site, hired

from photobus_common.config import Maintenance, Settings
from photobus_common.events.maintenance import FolderRenamed
from photobus_common.events.projects import ProjectRenamed
from photobus_common.storage import renaming
from photobus_common.storage.folder import Folder
from photobus_common.storage.library import Library
from photobus_common.storage.manifest import MANIFEST, Manifest
from photobus_common.storage.names import folder_name
from photobus_common.worker.job import Handler

LONG = "é" * 127 + "x"
"""A name of 255 bytes."""

NFD = unicodedata.normalize("NFD", "Été")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"maintenance": Maintenance(lock_wait_seconds=0.0, settle_seconds=0.0)})


@pytest.fixture
def handlers(settings: Settings, library: Library) -> dict[str, Handler]:
    return renamers(settings, library)


@dataclass(frozen=True)
class State:
    """A project called ``name`` in the folder ``folder``, whose manifest says ``manifest``; all the same by default.

    ``others`` are files and folders (with a slash at the end) that lie in the library already; ``lies_under`` is where
    the folder lies in truth, in place of where the row says.
    """

    name: str
    folder: str = "Old"
    manifest: str = ""
    others: tuple[str, ...] = ()
    lies_under: str = ""


@dataclass(frozen=True)
class End:
    """Folder and name of the row in the end; the manifest has the same name. ``said`` are lines of the report."""

    folder: str
    name: str = ""
    said: tuple[str, ...] = field(default=("folder_renamed",))


STATES: dict[str, tuple[State, End]] = {
    "all the same": (State("Trip", "Trip"), End("Trip", said=())),
    "renamed by the API": (State("Trip", manifest="Old"), End("Trip", said=("folder_renamed", "manifest_written"))),
    "killed before the manifest": (State("Trip", "Trip", manifest="Old"), End("Trip", said=("manifest_written",))),
    "a name that cannot be a folder's": (State("a/b:c*?"), End("a_b_c__")),
    "already made from such a name": (State("a/b:c*?", "a_b_c__"), End("a_b_c__", said=())),
    "called as its folder, which the name would not give": (State("Trip.", "Trip."), End("Trip.", said=())),
    "a file has the name": (State("Trip", others=("Trip",)), End("Old", said=("name_taken",))),
    "a folder has the name": (State("Trip", others=("Trip/",)), End("Old", said=("name_taken",))),
    "numbered since the name is taken": (
        State("Trip", "Trip (2)", others=("Trip/",)),
        End("Trip (2)", said=()),
    ),
    "numbered though the name is free": (State("Trip", "Trip (2)"), End("Trip")),
    "numbered too high": (State("Trip", "Trip (4)", others=("Trip/", "Trip (3)/")), End("Trip (2)")),
    "another case": (State("Trip", "trip"), End("Trip")),
    "another normalization": (State("Été", NFD), End("Été")),
    "quotes": (State('O\'Neil "x" `y`'), End("O'Neil _x_ `y`")),
    "lines": (State("one\ntwo\ttab"), End("one_two_tab")),
    "emoji and right to left": (State("🏔️ שלום"), End("🏔️ שלום")),
    "an option": (State("-rf"), End("-rf")),
    "the parent": (State(".."), End("Project")),
    "hidden": (State(".git"), End("_git")),
    "dots and spaces at the end": (State("Trip. . "), End("Trip")),
    "as long as can be": (State(LONG), End(LONG)),
    "longer": (State(LONG + "yz"), End(LONG)),
    "half done": (State("Trip", "Old", lies_under="Trip"), End("Trip")),
    "half done before the manifest, too": (
        State("Trip", "Old", manifest="Old", lies_under="Trip"),
        End("Trip"),
    ),
    "half done from a number": (
        State("Trip", "Trip (3)", others=("Trip/",), lies_under="Trip (2)"),
        End("Trip (2)"),
    ),
    "half done by way of a third name": (
        State("Trip", "Old", lies_under="Trip (being renamed)"),
        End("Trip", said=("folder_renamed", "folder_renamed")),
    ),
    "renamed by its owner": (State("Trip", "Trip", lies_under="Summer"), End("Summer", name="Summer")),
    "numbered by its owner": (State("Trip", "Trip", lies_under="Trip (2)"), End("Trip (2)", name="Trip (2)")),
    "gone": (State("Trip", "Trip", lies_under="../away"), End("Trip", said=())),
    "gone before it could be renamed": (
        State("Trip", "Old", lies_under="../gone"),
        End("Old", said=("folder_missing",)),
    ),
}
AWAY = ("gone", "gone before it could be renamed")


async def arrange(shelf: Shelf, site: Site, state: State) -> int:
    project_id = int(
        (
            await site.fetch(
                "INSERT INTO projects (tenant, name, folder, created_at) VALUES ($1, $2, $3, $4) RETURNING id",
                TENANT, state.name, state.folder, MADE_AT,
            )
        )[0][0]
    )  # fmt: skip
    for other in state.others:
        place = shelf.root / other
        place.mkdir() if other.endswith("/") else place.write_bytes(b"somebody else's")
    folder = shelf.root / (state.lies_under or state.folder)
    folder.mkdir()
    manifest = Manifest(id=project_id, name=state.manifest or state.name, created_at=MADE_AT)
    (folder / MANIFEST).write_bytes(manifest.encode())
    (folder / "A.jpg").write_bytes(b"a photo")
    return project_id


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("over", ["library", "projects"])
async def test_every_state_comes_to_its_end_and_stays_there(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], state: str, over: str
) -> None:
    given, end = STATES[state]
    project_id = await arrange(shelf, site, given)
    others = {name: (shelf.root / name).stat().st_ino for name in given.others}
    async with hired(settings, handlers):
        first = (
            await over_library(site, "folder_alignment")
            if over == "library"
            else await over_projects(site, "folder_alignment", project_id)
        )
        await site.until_state(first, "completed")
        assert tuple(line.code for line in await report(site, first)) == end.said
        seen, disk, words = await sides(shelf, site), shelf.disk(), await site.words()
        second = await over_library(site, "folder_alignment")
        await site.until_state(second, "completed")

    name = end.name or given.name
    assert seen == {project_id: Sides(name, end.folder, None if state in AWAY else name)}
    if state not in AWAY:
        assert (shelf.root / end.folder / "A.jpg").read_bytes() == b"a photo"
        assert sorted({*folders(shelf)}) == sorted({end.folder, *(o[:-1] for o in given.others if o.endswith("/"))})
    assert {name: (shelf.root / name).stat().st_ino for name in given.others} == others
    assert await sides(shelf, site) == seen
    assert shelf.disk() == disk
    changed = [line for line in await report(site, second) if line.kind == "changed"]
    assert changed == []
    assert sorted(await site.words()) == sorted(
        [*words, "JobStarted", "JobCompleted", *["FindingsReported"] * bool(await report(site, second))]
    )


async def test_who_listens_is_told_what_was_renamed(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    project_id = await shelf.project("Old")
    await call(site, project_id, "Trip")
    other_id = await shelf.project("Before")
    (shelf.root / "Before").rename(shelf.root / "After")
    async with hired(settings, handlers):
        command = await over_library(site, "folder_alignment")
        await site.until_state(command, "completed")

    told = await site.said(FolderRenamed)
    assert [(one.project_id, one.project_folder, one.old_folder, one.new_folder, one.project_name) for one in told] == [
        (project_id, "Trip", "Old", "Trip", "Trip"),
        (other_id, "After", "Before", "After", "After"),
    ]
    assert {one.cause for one in told} == {"folder_alignment"}
    versions = await site.fetch("SELECT version FROM projects ORDER BY id")
    assert [(one.version,) for one in told] == versions
    assert [(one.old_name, one.name, one.version) for one in await site.said(ProjectRenamed)] == [
        ("Before", "After", told[1].version)
    ]
    assert await report(site, command) == [
        Line("changed", "folder_renamed", "Trip", "Old", None, 1, "FolderRenamed"),
        Line("changed", "manifest_written", "Trip", None, None, 1, "ManifestChanged"),
        Line("changed", "folder_renamed", "After", "Before", None, 1, "FolderRenamed"),
    ]


async def test_of_names_that_give_one_folder_each_project_keeps_its_own(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    names = ["a:b", "a?b", "a*b", "TRIP", "trip", "Trip"]
    made = {name: await arrange(shelf, site, State(name, f"P{number}")) for number, name in enumerate(names)}
    async with hired(settings, handlers):
        for _ in range(2):
            command = await over_library(site, "folder_alignment")
            await site.until_state(command, "completed")

    assert await sides(shelf, site) == {
        made["a:b"]: Sides("a:b", "a_b", "a:b"),
        made["a?b"]: Sides("a?b", "P1", "a?b"),
        made["a*b"]: Sides("a*b", "P2", "a*b"),
        made["TRIP"]: Sides("TRIP", "TRIP", "TRIP"),
        made["trip"]: Sides("trip", "trip", "trip"),
        made["Trip"]: Sides("Trip", "Trip", "Trip"),
    }
    assert [(line.kind, line.code, line.folder) for line in await report(site, command)] == [
        ("refused", "name_taken", "P1"),
        ("refused", "name_taken", "P2"),
    ]


OPEN: Mapping[str, str] = {
    "an upload": "INSERT INTO uploads (id, tenant, project_id, actor, filename, state, target_name, expires_at)"
    " VALUES ($3, $1, $2, 'ada', 'A.jpg', 'placing', 'A.jpg', now() + interval '1 day')",
    "a file that goes": "INSERT INTO file_operations (id, tenant, actor, task_id, job_id, attempt, position, photo_id,"
    " kind, project_id, path) VALUES ($3, $1, 'ada', $3, $3, 1, 0, 1, 'trash', $2, 'A.jpg')",
    "a file that comes": "INSERT INTO file_operations (id, tenant, actor, task_id, job_id, attempt, position, photo_id,"
    " kind, project_id, path, target_project_id, target_path) SELECT $3, $1, 'ada', $3, $3, 1, 0, 1, 'move', p.id,"
    " 'A.jpg', $2, 'A.jpg' FROM projects p WHERE p.id <> $2",
    "the folder itself": "INSERT INTO project_operations (tenant, project_id, task_id, kind, path)"
    " VALUES ($1, $2, $3, 'restore', 'Old')",
}


@pytest.mark.parametrize("what", OPEN)
async def test_what_is_on_record_for_the_folder_comes_first(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], what: str
) -> None:
    project_id, other_id = await shelf.project("Old"), await shelf.project("Other")
    await call(site, project_id, "Trip")
    await site.execute(OPEN[what], TENANT, project_id, uuid4())
    async with hired(settings, handlers):
        command = await over_library(site, "folder_alignment")
        await site.until_state(command, "completed")
        assert await sides(shelf, site) == {
            project_id: Sides("Trip", "Old", "Trip"),
            other_id: Sides("Other", "Other", "Other"),
        }
        assert sorted((line.kind, line.code) for line in await report(site, command)) == [
            ("changed", "manifest_written"),
            ("refused", "folder_in_use"),
        ]
        for table in ("uploads", "file_operations", "project_operations"):
            await site.execute(f"DELETE FROM {table}")  # noqa: S608 - one of three words
        await site.until_state(await over_library(site, "folder_alignment"), "completed")
    assert (await sides(shelf, site))[project_id] == Sides("Trip", "Trip", "Trip")


async def test_of_several_folders_with_one_manifest_none_is_taken(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    project_id = await arrange(shelf, site, State("Trip", "Old", lies_under="One"))
    shutil.copytree(shelf.root / "One", shelf.root / "Two")
    before = shelf.disk()
    async with hired(settings, handlers):
        command = await over_library(site, "folder_alignment")
        await site.until_state(command, "completed")

    assert (await sides(shelf, site))[project_id] == Sides("Trip", "Old", None)
    assert [(line.kind, line.code) for line in await report(site, command)] == [("refused", "several_folders")]
    assert shelf.disk() == before


async def test_nothing_is_renamed_in_a_library_that_is_away(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    project_id = await shelf.project("Old")
    await call(site, project_id, "Trip")
    shelf.away()
    async with hired(settings, handlers):
        command = await over_library(site, "folder_alignment")
        await site.until_state(command, "failed")
    shelf.back()
    assert await sides(shelf, site) == {project_id: Sides("Trip", "Old", "Old")}


@pytest.mark.parametrize("name", ["Trip", "a/b", "..", LONG + "z", "-rf", NFD])
def test_no_folder_name_leads_elsewhere(name: str) -> None:
    folder = folder_name(name)
    assert "/" not in folder
    assert folder not in {"", ".", ".."}
    assert len(folder.encode()) <= 255


async def test_where_two_spellings_are_one_name_the_folder_goes_by_way_of_a_third(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let the file system look up names in any case, as those of other systems do, and rename none to itself."""
    really_look, really_rename, renames = Folder.identity_of, renaming.rename_no_replace, list[str]()

    def lying_under(folder_fd: int, name: str) -> str:
        return next((found for found in os.listdir(folder_fd) if found.casefold() == name.casefold()), name)

    def looking(folder: Folder, name: str) -> tuple[int, int] | None:
        return really_look(folder, lying_under(folder.fd, name))

    def rename(source_fd: int, source: str, target_fd: int, target: str) -> None:
        if lying_under(target_fd, target) in os.listdir(target_fd):
            raise FileExistsError(target)
        renames.append(target)
        really_rename(source_fd, source, target_fd, target)

    project_id = await shelf.project("TRIP")
    await call(site, project_id, "Trip")
    monkeypatch.setattr(Folder, "identity_of", looking)
    monkeypatch.setattr(renaming, "rename_no_replace", rename)
    async with hired(settings, handlers):
        await site.until_state(await over_library(site, "folder_alignment"), "completed")

    assert renames == ["Trip (being renamed)", "Trip"]
    assert await sides(shelf, site) == {project_id: Sides("Trip", "Trip", "Trip")}
    assert folders(shelf) == ["Trip"]
