"""The command line on the whole system: sets of photos are moved, committed, reverted, processed, and all is undone."""

import images
import pytest
from bus_traffic import until
from command_line import CommandLine
from running_stack import RunningStack
from shoot import Visit, photos_of, until_idle, upload

from photobus_client import Keep, Photo, Selection

pytestmark = pytest.mark.stack


@pytest.fixture
def photobus_command(shared_stack: RunningStack) -> CommandLine:
    """The command line, pointed at the shared stack."""
    return CommandLine(shared_stack)


async def _project(photobus: Visit, name: str, *basenames: str) -> tuple[str, dict[str, Photo]]:
    """Make a project of pairs."""
    folder = (await photobus.create_project(name)).folder
    files = {f"{base}.jpg": images.noise_jpeg(96, 64, seed=len(base)) for base in basenames}
    await upload(photobus, folder, files | {f"{base}.dng": images.dng() for base in basenames})
    return folder, await photos_of(photobus, folder)


async def _names(photobus: Visit, folder: str) -> list[str]:
    return sorted(await photos_of(photobus, folder))


def _told(output: str) -> list[str]:
    return [" ".join(line.split()) for line in output.splitlines()]


async def test_photos_are_moved_committed_reverted_deleted_and_all_of_it_undone(
    photobus: Visit, photobus_command: CommandLine
) -> None:
    hills, photos = await _project(photobus, "Hills", "h_one", "h_two", "h_three")
    dunes, _ = await _project(photobus, "Dunes", "d_one")
    await until_idle(photobus, 2)
    ids = [photos[name].id for name in ("h_one", "h_two")]
    chosen = [argument for photo_id in ids for argument in ("--photo", str(photo_id))]

    status, out, _ = await photobus_command("process", "--project", dunes, "--dry-run")
    assert (status, _told(out)[2:]) == (0, [f"d_one {dunes} thumbnail and preview are up to date"])
    status, out, _ = await photobus_command("process", "--project", dunes, "--force", "--dry-run")
    assert _told(out)[2:] == [f"d_one {dunes} thumbnail and preview are made of d_one.jpg"]
    status, out, _ = await photobus_command("move", dunes, *chosen, "--dry-run")
    assert (status, _told(out)[2:]) == (
        0,
        [f"{name} {hills} moves: {name}.dng, {name}.jpg" for name in ("h_one", "h_two")],
    )
    assert await _names(photobus, dunes) == ["d_one"]
    status, out, errors = await photobus_command("move", dunes, *chosen)
    assert (status, errors) == (0, "")
    assert "completed: 2 photos" in _told(out)
    assert "image_move_files 2 0 0" in _told(out)
    assert await _names(photobus, dunes) == ["d_one", "h_one", "h_two"]
    undone = await photobus_command.json("undo", _task_of(out))
    assert (undone["task"]["status"], undone["failed_items"]) == ("completed", [])
    assert await _names(photobus, hills) == ["h_one", "h_three", "h_two"]

    await photobus.photo_sets.keep({photo_id: Keep(raw=False) for photo_id in ids})
    status, out, _ = await photobus_command("revert", "--project", hills, "--dry-run")
    assert sorted(_told(out)[2:]) == [f"{name} {hills} kept again: raw" for name in ("h_one", "h_two")]
    await photobus_command.json("revert", "--filter", f"project_folder={hills}", "--filter", "text=h_two")
    plan = await photobus_command.json("commit", "--project", hills, "--dry-run")
    assert [(item["filename"], item["removes"]) for item in plan["items"]] == [("h_one", ["h_one.dng"])]
    committed = await photobus_command.json("commit", "--project", hills)
    assert {name: photo.raw_available for name, photo in (await photos_of(photobus, hills)).items()} == {
        "h_one": False,
        "h_two": True,
        "h_three": True,
    }
    status, out, _ = await photobus_command("undo", committed["task"]["id"], "--dry-run")
    assert f"h_one {hills} h_one.dng comes back from the trash" in _told(out)

    status, out, _ = await photobus_command("delete", hills, "--dry-run")
    assert (status, len(_told(out))) == (0, 5)
    assert f"h_one {hills} goes to the library's trash with its project: h_one.jpg" in _told(out)
    assert await _names(photobus, hills) == ["h_one", "h_three", "h_two"]
    status, out, errors = await photobus_command("delete", hills)
    assert (status, "Delete Hills with its 3 photos?" in out) == (1, True)
    deleted = await photobus_command.json("delete", hills, "--yes")
    assert hills not in {project.folder async for project in photobus.projects()}
    await photobus_command.json("undo", deleted["task"]["id"])
    assert {photo.id for photo in (await photos_of(photobus, hills)).values()} == {p.id for p in photos.values()}


async def test_what_happened_to_a_photo_is_told_after_it_was_moved_and_its_project_deleted(
    photobus: Visit, photobus_command: CommandLine
) -> None:
    marsh, photos = await _project(photobus, "Marsh", "m_one")
    photo_id = photos["m_one"].id
    heath = (await photobus.create_project("Heath")).folder
    await until_idle(photobus, 1)
    moved = await photobus_command.json("move", heath, "--photo", str(photo_id))
    await photobus_command.json("delete", heath, "--yes")

    async def archived() -> bool:
        return (await anext(photobus.history.photo(photo_id))).type == "PhotosRemoved"

    await until(archived)
    status, out, errors = await photobus_command("history", "photo", str(photo_id), "--oldest-first")
    assert (status, errors) == (0, "")
    told = _told(out)
    assert told[0] == "seq when who what"
    assert f"Added to project “{marsh}” as m_one: " in told[1]
    assert any(line.endswith("Thumbnail and preview made") for line in told)
    assert any(line.endswith(f"Moved from project “{marsh}” to “{heath}”") for line in told)
    assert told[-1].endswith(f"Removed from project “{heath}”, with its project")
    for folder in (marsh, heath):
        events = await photobus_command.json("history", "project", folder)
        assert "PhotosMoved" in {event["type"] for event in events}
    of_task = await photobus_command.json("history", "task", moved["task"]["id"])
    assert of_task[0]["type"] == "TaskRequested"
    assert {"PhotosMoved", "JobCompleted", "TaskCompleted"} <= {event["type"] for event in of_task}
    (move,) = [event for event in of_task if event["type"] == "PhotosMoved"]
    place = str(move["seq"])
    audit = await photobus_command.json("audit", "events", "--type", "PhotosMoved", "--from", place, "--to", place)
    assert audit == [move]
    then = await photobus_command.json("tasks", "--as-of", str(of_task[0]["seq"]))
    assert (then[0]["id"], then[0]["status"]) == (moved["task"]["id"], "running")


async def test_what_fails_is_told_photo_by_photo_and_ends_as_a_failure(
    photobus: Visit, photobus_command: CommandLine
) -> None:
    folder = (await photobus.create_project("Broken")).folder
    files = {"b_good.jpg": images.jpeg(96, 64), "b_cut.jpg": images.truncated(images.noise_jpeg(900, 600, seed=2))}
    await upload(photobus, folder, files)
    await until_idle(photobus, 1)
    status, out, errors = await photobus_command("process", "--project", folder, "--force")
    assert (status, errors) == (1, "")
    told = _told(out)
    assert "completed_with_errors: 2 photos" in told
    assert any(line.split(" ", 3)[1:3] == ["b_cut", folder] and "truncated" in line for line in told)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("process", "--photo", "999999"), "photobus: Unknown photos: 999999.\n"),
        (("move", "Nowhere", "--filter", "text=x"), "Nowhere"),
        (("commit", "--filter", "file_type=blue"), "photobus: filter.file_type: Input should be "),
        (("revert", "--filter", "colour=red"), "photobus: filter.colour: Extra inputs are not permitted\n"),
        (("process", *["--photo", "1"] * 2001), "at most 2000"),
        (("delete", "Nowhere", "--yes"), "Nowhere"),
        (("undo", "00000000-0000-0000-0000-000000000001"), "There is no task"),
    ],
)
async def test_a_refusal_is_one_line_that_names_field_and_limit(
    photobus_command: CommandLine, arguments: tuple[str, ...], expected: str
) -> None:
    status, out, errors = await photobus_command(*arguments)
    assert (status, out, errors.count("\n")) == (1, "", 1)
    assert errors.startswith("photobus: ")
    assert expected in errors


async def test_keys_come_as_a_stream_from_the_running_system(photobus: Visit) -> None:
    folder, photos = await _project(photobus, "Keys", "k_one", "k_two")
    await until_idle(photobus, 1)
    keys = photobus.photo_sets.all_keys({"project_folder": folder, "sort": "filename"})
    assert [key async for key in keys] == [f"{folder}::k_one", f"{folder}::k_two"]
    assert keys.photo_ids == [photos["k_one"].id, photos["k_two"].id]
    plan = await photobus.photo_sets.process(Selection(projects=[folder]), dry_run=True)
    assert (plan.photos, plan.projects) == (2, 1)


def _task_of(output: str) -> str:
    """Return the id that the command told first."""
    return output.split(maxsplit=1)[0]
