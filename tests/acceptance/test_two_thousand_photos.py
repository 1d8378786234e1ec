"""2,000 photos in 40 projects: whatever is done to them is one task, loses no file, is told live, and can be undone."""

import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from bus_traffic import until
from forty_projects import (
    ALIKE,
    GOING,
    PENDING,
    PHOTOS,
    PROJECTS,
    SHOWN_ANEW,
    TAGGED,
    State,
    arrange,
    hashes,
    originals,
)
from insight import stored
from running_stack import RunningStack
from shoot import LONG, Visit, Watcher, until_ended, until_idle

from photobus_client import CommitPlan, LiveEvent, MovePlan, Selection, Task, TaskDetail, TaskPlan
from photobus_client.plans import PlannedMove, PlannedRemoval
from photobus_orchestrator.audit import replay

SIZES = {
    "image_move_files": 400,
    "file_removal": 150,
    "undo_files": 250,
    "manifest_check": 500,
    "catalogue_update": 300,
    "generate_derivatives": 200,
}
"""Photos of one job, by its type."""

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(600),
    pytest.mark.stack_settings(PHOTOBUS_JOBS__SIZE=json.dumps(SIZES), PHOTOBUS_LIBRARY__UNIQUE_NAMES="project"),
]

Jobs = list[tuple[str, int | None]]


@pytest.fixture(scope="module")
async def library(module_stack: RunningStack) -> RunningStack:
    """The stack with the 40 projects; each test leaves them as they were."""
    async with Visit(module_stack) as photobus:
        await arrange(photobus)
    assert set(originals(hashes(module_stack)).values()) == {1}
    return module_stack


@pytest.fixture
async def photobus(library: RunningStack, module_photobus: Visit) -> Visit:
    """A client, when the 40 projects are there."""
    return module_photobus


async def done(photobus: Visit, asked: Awaitable[Task]) -> TaskDetail:
    """Ask for a task and wait for its end, which must be without a fault, and for the end of what it led to."""
    task = await photobus.task((await until_ended(photobus, (await asked).id)).id)
    assert (task.status, task.failed) == ("completed", 0), task
    await until_idle(photobus, 1)
    return task


def jobs_of(asked: TaskDetail | TaskPlan) -> Jobs:
    """Return how many jobs each step has, or would have."""
    return [(step.type, step.jobs) for step in asked.steps]


def cut(photos: int, *job_types: str) -> Jobs:
    """Return the same for steps over so many photos, as the sizes say."""
    return [(job_type, ceil(photos / SIZES[job_type])) for job_type in job_types]


def of_a_move() -> Jobs:
    """Return the jobs of a move of everything."""
    return cut(PHOTOS, "image_move_files", "manifest_check", "generate_derivatives")


def of_a_commit() -> Jobs:
    """Return the jobs of a commit of all that is pending: what is checked are projects, by one job however many."""
    return [*cut(PENDING, "file_removal"), ("manifest_check", 1), ("folder_check", 1), ("manifest_cleaning", 1)]


def of_an_undo(photos: int) -> Jobs:
    """Return the jobs of an undo of a task over so many photos."""
    return cut(photos, "undo_files", "manifest_check", "generate_derivatives")


async def test_all_photos_are_moved_into_one_project_and_back_again_and_again(
    photobus: Visit, library: RunningStack
) -> None:
    destination = (await photobus.create_project("All")).folder
    start = await State.of(library)
    which = Selection(photo_ids=sorted(start.photos))
    plan = await photobus.photo_sets.move(which, destination, dry_run=True)
    async with Watcher(photobus).watching() as live:
        move = await done(photobus, photobus.photo_sets.move(which, destination))
        await live.until_completed(move)
        moved = await State.of(library)
        is_moved(start, moved, plan)
        told_of_moves(live.events, plan)
        await in_one_project_it_is_the_same_number_of_jobs(photobus, destination)
        assert moved.differences(await State.of(library)) == []

        before = len(live.events)
        undone = await done(photobus, photobus.undo_task(move.id))
        await live.until_completed(undone)
        assert start.differences(await State.of(library)) == []
        told_of_moves(live.events[before:], plan, back=True)
    redone = await done(photobus, photobus.undo_task(undone.id))
    assert moved.differences(await State.of(library)) == []
    await done(photobus, photobus.undo_task(redone.id))
    assert start.differences(await State.of(library)) == []

    assert jobs_of(move) == jobs_of(plan) == of_a_move()
    assert jobs_of(undone) == jobs_of(redone) == of_an_undo(PHOTOS)
    await each_was_one_task(photobus, ["image_move", *IN_ONE_PROJECT, "undo", "undo", "undo"])
    await is_a_job_of_many_projects(photobus, move, "image_move_files")


IN_ONE_PROJECT = ("generate_derivatives", "change_commit_all", "undo", "change_revert", "undo")


async def in_one_project_it_is_the_same_number_of_jobs(photobus: Visit, folder: str) -> None:
    """See that as many jobs work on 2,000 photos of one project as on those of 40."""
    which, photo_sets = Selection(projects=[folder]), photobus.photo_sets
    made = await done(photobus, photo_sets.process(which))
    commit = await done(photobus, photo_sets.commit_changes(which))
    commit_undone = await done(photobus, photobus.undo_task(commit.id))
    revert = await done(photobus, photo_sets.revert_changes(which))
    await done(photobus, photobus.undo_task(revert.id))
    assert jobs_of(made) == cut(PHOTOS, "generate_derivatives")
    assert jobs_of(commit) == of_a_commit()
    assert jobs_of(commit_undone) == of_an_undo(PENDING)
    assert jobs_of(revert) == cut(PENDING, "catalogue_update")


def is_moved(start: State, moved: State, plan: MovePlan) -> None:
    """Hold what a move made against what was there and what the dry run told: nothing else has changed."""
    assert len(plan.items) == PHOTOS
    assert sum(item.new_filename != item.filename for item in plan.items) == ALIKE * (PROJECTS // 4 - 1)
    went = dict(path for item in plan.items for path in _paths(item, plan.dest_folder))
    assert moved.tree == {went.get(path, path): md5 for path, md5 in start.tree.items()}
    for item in plan.items:
        row, before = moved.photos[item.photo_id], start.photos[item.photo_id]
        assert {**row, "project_id": before["project_id"], "filename": before["filename"]} == before
        assert row["filename"] == item.new_filename
    assert {row["project_id"] for row in moved.photos.values()} == {row["project_id"] for row in moved.files}
    assert len({row["project_id"] for row in moved.photos.values()}) == 1
    assert moved.tags == start.tags


def _paths(item: PlannedMove, destination: str) -> Iterator[tuple[str, str]]:
    """Yield from where to where each file goes, derivatives included."""
    for file in item.files:
        yield f"{item.project_folder}/{file.name}", f"{destination}/{file.new_name}"
    for kind in (".thumb", ".preview"):
        yield f"{item.project_folder}/{kind}/{item.filename}.jpg", f"{destination}/{kind}/{item.new_filename}.jpg"


def told_of_moves(events: Sequence[LiveEvent], plan: MovePlan, *, back: bool = False) -> None:
    """See that each photo left its place once and then came into the other once, and that its versions only rise."""
    names = {item.photo_id: (item.project_folder, item.filename) for item in plan.items}
    new_names = {item.photo_id: (plan.dest_folder, item.new_filename) for item in plan.items}
    left, came = (new_names, names) if back else (names, new_names)
    told: dict[int, list[LiveEvent]] = defaultdict(list)
    for event in events:
        if event.name in {"item", "item_removed", "item_moved"}:
            told[event.data["photo_id"]].append(event)
    assert told.keys() == names.keys()
    for photo_id, news in told.items():
        removed, moved = (event for event in news if event.name != "item")
        assert (removed.name, moved.name) == ("item_removed", "item_moved")
        assert (removed.data["project_folder"], removed.data["filename"]) == left[photo_id]
        assert (moved.data["project_folder"], moved.data["filename"]) == came[photo_id]
        assert (moved.data["thumbnail_status"], moved.data["preview_status"]) == ("generated", "generated")
        assert removed.data["version"] == moved.data["version"]
        versions = [event.data["version"] for event in news]
        assert versions == sorted(versions)


async def each_was_one_task(photobus: Visit, types: Sequence[str]) -> None:
    """See that there were these tasks in this order, and no other but those that commits led to.

    A job of a commit asks once for the derivatives of all photos that another file shows from then on.
    """
    tasks = await photobus.own_tasks()
    assert [task.type for task in reversed(tasks) if task.source == "user"] == list(types)
    caused = [task for task in tasks if task.source != "user"]
    commits = types.count("change_commit_all")
    assert {(task.type, task.source) for task in caused} <= {("generate_derivatives", "task")}
    assert sum(task.items for task in caused) == SHOWN_ANEW * commits
    assert len(caused) <= ceil(PENDING / SIZES["file_removal"]) * commits


async def is_a_job_of_many_projects(photobus: Visit, task: TaskDetail, job_type: str) -> None:
    """See that each project lists just those jobs of a step that have photos of it, which are of others too."""
    wanted: dict[int, set[UUID]] = defaultdict(set)
    jobs = [job.id async for job in photobus.all_jobs(filters={"task_id": str(task.id)}) if job.job_type == job_type]
    for job_id in jobs:
        async for item in photobus.job_items(job_id):
            wanted[item.project_id].add(job_id)
    assert len(wanted) == PROJECTS > len(jobs)
    folders = {project.id: project.folder async for project in photobus.projects()}
    for project_id, expected in list(wanted.items())[::8]:
        listed = photobus.all_jobs(folders[project_id], {"type": job_type})
        assert {job.id async for job in listed if job.task_id == task.id} == expected


async def test_all_that_is_pending_is_committed_by_one_task_and_comes_back(
    photobus: Visit, library: RunningStack
) -> None:
    start, before = await State.of(library), hashes(library)
    plan = await photobus.photo_sets.commit_changes(dry_run=True)
    async with Watcher(photobus).watching() as live:
        commit = await done(photobus, photobus.photo_sets.commit_changes())
        await live.until_completed(commit)
        await live.until(lambda event: event.name == "pending_changes_state" and event.data["total"] == 0)
    committed = await State.of(library)
    is_committed(start, committed, plan, hashes(library))
    assert sorted(event.data["photo_id"] for event in live.named("item_removed")) == sorted(
        item.photo_id for item in plan.items if item.photo_goes
    )
    assert {event.data["photo_id"] for event in live.named("item")} == {
        item.photo_id for item in plan.items if not item.photo_goes
    }
    undone = await done(photobus, photobus.undo_task(commit.id))
    assert start.differences(await State.of(library)) == []
    assert originals(hashes(library)) == originals(before)

    assert jobs_of(commit) == jobs_of(plan) == of_a_commit()
    assert jobs_of(undone) == of_an_undo(PENDING)
    await each_was_one_task(photobus, ["change_commit_all", "undo"])
    await is_a_job_of_many_projects(photobus, commit, "file_removal")


def is_committed(start: State, committed: State, plan: CommitPlan, found: Mapping[str, str]) -> None:
    """Hold what a commit made against what was there and what the dry run told: no file is gone but to the trash."""
    assert len(plan.items) == PENDING
    removed = {f"{item.project_folder}/{name}" for item in plan.items for name in item.removes}
    trash = Counter((_from_trash(path), md5) for path, md5 in found.items() if ".trash" in path)
    assert trash == Counter((path, start.tree[path]) for path in removed)

    unmade = _derivatives_of(item for item in plan.items if item.derivatives == "removed")
    left = {path: md5 for path, md5 in start.tree.items() if path not in removed | unmade}
    made = _derivatives_of(item for item in plan.items if item.derivatives == "pending")
    assert committed.tree.keys() == left.keys()
    assert {path for path, md5 in left.items() if committed.tree[path] != md5} == made
    going = {item.photo_id for item in plan.items if item.photo_goes}
    assert (len(going), len(made)) == (GOING, 2 * SHOWN_ANEW)
    assert committed.photos.keys() == start.photos.keys() - going


def _from_trash(path: str) -> str:
    """Return where a file lay that is in the trash."""
    project, _, _, name = Path(path).parts
    return f"{project}/{name}"


def _derivatives_of(items: Iterable[PlannedRemoval]) -> set[str]:
    return {f"{item.project_folder}/{kind}/{item.filename}.jpg" for item in items for kind in (".thumb", ".preview")}


async def test_what_is_kept_and_tagged_changes_by_one_task_each_and_changes_back(
    photobus: Visit, library: RunningStack
) -> None:
    start, tagged = await State.of(library), {"filter": {"tags": [TAGGED]}}
    of_the_tag = {photo_id for photo_id, tags in start.tags.items() if TAGGED in tags}

    revert = await done(photobus, photobus.photo_sets.revert_changes())
    reverted = await State.of(library)
    assert (await photobus.photo_sets.pending_deletes()).total == 0
    assert _changed(start, reverted) == {photo_id for photo_id, row in start.photos.items() if _is_pending(row)}
    await done(photobus, photobus.undo_task(revert.id))
    assert start.differences(await State.of(library)) == []

    keep = await done(photobus, photobus.start_task("keep_update", tagged, {"keep_jpg": False, "keep_other": False}))
    kept = await State.of(library)
    assert {
        photo_id for photo_id, row in kept.photos.items() if not (row["keep_jpg"] or row["keep_other"])
    } >= of_the_tag
    assert _changed(start, kept) <= of_the_tag
    await done(photobus, photobus.undo_task(keep.id))
    assert start.differences(await State.of(library)) == []

    tags = await done(photobus, photobus.start_task("tags_update", tagged, {"add": ["new"], "remove": [TAGGED]}))
    now = (await State.of(library)).tags
    assert now == {
        i: sorted({*have} - {TAGGED} | ({"new"} if i in of_the_tag else set())) for i, have in start.tags.items()
    }
    await done(photobus, photobus.undo_task(tags.id))
    assert start.differences(await State.of(library)) == []

    assert jobs_of(revert) == cut(PENDING, "catalogue_update")
    assert jobs_of(keep) == jobs_of(tags) == cut(len(of_the_tag), "catalogue_update")
    await each_was_one_task(photobus, ["change_revert", "undo", "keep_update", "undo", "tags_update", "undo"])


async def test_all_derivatives_are_made_anew_by_one_task(photobus: Visit, library: RunningStack) -> None:
    start, before = await State.of(library), _derivatives(library)
    made = await done(photobus, photobus.photo_sets.process(Selection(photo_ids=sorted(start.photos)), force=True))
    assert start.differences(await State.of(library)) == []
    after = _derivatives(library)
    assert (len(after), set(after)) == (2 * PHOTOS, set(before))
    assert all(after[path] != before[path] for path in after)
    assert (jobs_of(made), made.done) == (cut(PHOTOS, "generate_derivatives"), PHOTOS)
    await each_was_one_task(photobus, ["generate_derivatives"])


def _derivatives(stack: RunningStack) -> dict[Path, int]:
    """Return which file each derivative is."""
    files = (stack.data / "library").glob("*/*/.[tp][hr]*/*.jpg")
    return {path: path.stat().st_ino for path in files}


def _changed(start: State, other: State) -> set[int]:
    return {photo_id for photo_id, row in start.photos.items() if other.photos[photo_id] != row}


def _is_pending(row: Mapping[str, Any]) -> bool:
    return any(row[f"{kind}_available"] and not row[f"keep_{kind}"] for kind in ("jpg", "raw", "other"))


async def test_all_that_was_done_follows_from_the_log(library: RunningStack) -> None:
    async def drained() -> bool:
        return [row["n"] for row in await stored(library, "SELECT count(*) AS n FROM outbox")] == [0]

    await until(drained, LONG)
    assert await replay((library.data / "run" / "dsn").read_text().strip()) == []
