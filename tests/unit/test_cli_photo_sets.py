"""Commands that start tasks, against a photobus of which only the answers are real: what they ask and how they end."""

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest
import typer
from aiohttp.test_utils import TestServer
from answering_photobus import JOB, PLAN, TASK, Photobus
from typer.testing import CliRunner

from photobus_cli import photo_sets, projects, tasks, waiting
from photobus_cli.carrying_out import SHOWN, Fate, Manner, show_plan
from photobus_cli.errors import CommandError
from photobus_cli.main import app
from photobus_cli.selecting import Chosen, filters
from photobus_client import TaskPlan

NEVER = 3600.0
"""Longer than a test may take."""


@pytest.fixture
def photobus() -> Photobus:
    """What answers."""
    return Photobus()


@pytest.fixture
async def address(photobus: Photobus) -> AsyncIterator[str]:
    """Where it answers."""
    async with TestServer(photobus.app(), shutdown_timeout=0) as server:
        yield str(server.make_url("/"))


def manner(address: str, *, dry_run: bool = False, wait: bool = True, json: bool = False) -> Manner:
    """How a command goes about it."""
    return Manner(address, "token", dry_run, wait, json)


async def status_of(command: Coroutine[Any, Any, None]) -> int:
    """Run the command; returns its exit status."""
    try:
        await command
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


NOTHING = Chosen(None, [], None)
ONE = {"photo_id": 1, "project_folder": "Alps", "filename": "a"}
TWO = {"photo_id": 2, "project_folder": "Sea", "filename": "b"}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (
            lambda how: photo_sets._move(how, "Sea", Chosen([1, 2], None, None)),
            ("POST", "/api/photos/move", {"items": [{"photo_id": 1}, {"photo_id": 2}], "dest_folder": "Sea"}),
        ),
        (
            lambda how: photo_sets._move(how, "Sea", Chosen(None, ["Alps"], None)),
            ("POST", "/api/photos/move", {"projects": ["Alps"], "dest_folder": "Sea"}),
        ),
        (lambda how: photo_sets._commit(how, NOTHING), ("POST", "/api/photos/commit-changes", {})),
        (
            lambda how: photo_sets._revert(how, Chosen(None, None, ["text=a=b", "tags=x", "tags=y"])),
            ("POST", "/api/photos/revert-changes", {"filter": {"text": "a=b", "tags": ["x", "y"]}}),
        ),
        (
            lambda how: photo_sets._process(how, Chosen([1], None, None), force=True),
            ("POST", "/api/photos/process", {"items": [{"photo_id": 1}], "force": True}),
        ),
        (lambda how: projects._delete(how, "Old trip", yes=True), ("DELETE", "/api/projects/Old trip", {})),
        (lambda how: tasks._undo(how, TASK), ("POST", f"/api/tasks/{TASK}/undo", {})),
    ],
)
async def test_each_command_starts_one_task(photobus: Photobus, address: str, command: Any, expected: Any) -> None:
    assert await status_of(command(manner(address))) == 0
    assert photobus.asked == [expected]


async def test_what_failed_is_told_and_ends_the_command_as_failed(
    photobus: Photobus, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    photobus.status = "completed_with_errors"
    item = {"photo_id": 5, "project_id": 1, "project_folder": "Trip", "filename": "five", "status": "failed"}
    photobus.failed = [{**item, "reason": "other_bytes: another file lies there"}]
    assert await status_of(photo_sets._commit(manner(address), NOTHING)) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith(f"{TASK} some_task")
    assert "completed_with_errors: 3 photos" in told
    assert any(line.split() == ["file_removal", "2", "1", "0"] for line in told)
    assert any(line.split(maxsplit=3) == ["5", "five", "Trip", photobus.failed[0]["reason"]] for line in told)


@pytest.mark.parametrize(("status", "expected"), [("completed", 0), ("failed", 1), ("canceled", 1)])
async def test_scripts_get_the_end_as_json_alone(
    photobus: Photobus, address: str, status: str, expected: int, capsys: pytest.CaptureFixture[str]
) -> None:
    photobus.status = status
    assert await status_of(photo_sets._commit(manner(address, json=True), NOTHING)) == expected
    told = json.loads(capsys.readouterr().out)
    assert (told["task"]["status"], told["failed_items"]) == (status, [])


async def test_a_task_is_not_waited_for_unless_wanted(
    photobus: Photobus, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    photobus.status = "requested"
    assert await status_of(photo_sets._commit(manner(address, wait=False), NOTHING)) == 0
    assert capsys.readouterr().out == f"{TASK} some_task requested\n"
    assert await status_of(photo_sets._commit(manner(address, wait=False, json=True), NOTHING)) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "requested"


async def test_live_updates_of_the_task_say_when_to_look_again(
    photobus: Photobus, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "LOOK_SECONDS", NEVER)
    photobus.status = "running"
    command = asyncio.create_task(photo_sets._commit(manner(address), NOTHING))
    await photobus.looked.wait()
    photobus.looked.clear()
    photobus.events.put_nowait({"name": "item", "photo_id": 1})
    photobus.events.put_nowait({"name": "job_update", "id": str(JOB), "task_id": str(TASK)})
    await photobus.looked.wait()
    photobus.status = "completed"
    photobus.events.put_nowait({"name": "task_completed", "id": str(TASK)})
    await command


async def test_who_waits_for_a_task_that_waits_is_told_where_to_answer(
    photobus: Photobus, address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(waiting, "LOOK_SECONDS", NEVER)
    photobus.status = "waiting"
    command = asyncio.create_task(photo_sets._commit(manner(address), NOTHING))
    await photobus.looked.wait()
    photobus.looked.clear()
    photobus.events.put_nowait({"name": "job_update", "task_id": str(TASK)})
    await photobus.looked.wait()
    photobus.status = "completed"
    photobus.events.put_nowait({"name": "task_completed", "id": str(TASK)})
    await command
    assert capsys.readouterr().out.count("photobus confirmations list") == 1


def test_what_is_odd_comes_first_and_the_rest_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    plan = TaskPlan.model_validate({**PLAN, "photos": 3000})
    fates = [Fate(f"p{number}", "Trip", "moves", odd=number == 1999) for number in range(2000)]
    show_plan(plan, fates, manner(""))
    head, _columns, first, *others, last = capsys.readouterr().out.splitlines()
    assert head == "Do it: 3,000 photos of 2 projects, 1 job. Nothing was done."
    assert first.split() == ["p1999", "Trip", "moves"]
    assert (len(others), last) == (SHOWN - 1, f"and {3000 - SHOWN:,} more")


@pytest.mark.parametrize(
    ("command", "extra", "expected"),
    [
        (
            lambda how: photo_sets._move(how, "Sea", Chosen([1], None, None)),
            {
                "dest_folder": "Sea",
                "items": [
                    {
                        **ONE,
                        "new_filename": "a (2)",
                        "status": "moves",
                        "reason": None,
                        "files": [{"name": "a.jpg", "new_name": "a (2).jpg"}],
                    },
                    {
                        **TWO,
                        "new_filename": None,
                        "status": "stays",
                        "reason": "It lies there already.",
                        "files": [],
                    },
                ],
            },
            ["a Alps moves as a (2): a (2).jpg", "b Sea stays: It lies there already."],
        ),
        (
            lambda how: photo_sets._commit(how, NOTHING),
            {
                "items": [
                    {
                        **ONE,
                        "removes": ["a.jpg", "a.xmp"],
                        "photo_goes": True,
                        "derivatives": "removed",
                    },
                    {
                        **TWO,
                        "removes": ["b.jpg"],
                        "photo_goes": False,
                        "derivatives": "pending",
                    },
                ]
            },
            [
                "a Alps to the trash: a.jpg, a.xmp; the photo goes",
                "b Sea to the trash: b.jpg; thumbnail and preview are made anew",
            ],
        ),
        (
            lambda how: photo_sets._revert(how, Chosen([1, 2], None, None)),
            {
                "items": [
                    {**ONE, "status": "changes", "keeps": ["jpg", "raw"], "gives_up": []},
                    {**TWO, "status": "unchanged", "keeps": [], "gives_up": []},
                ]
            },
            ["a Alps kept again: jpg, raw", "b Sea stays as it is"],
        ),
        (
            lambda how: photo_sets._process(how, Chosen(None, ["Alps", "Sea"], None), force=False),
            {
                "items": [
                    {**ONE, "status": "makes", "makes": ["thumbnail", "preview"], "source": "a.jpg", "reason": None},
                    {**TWO, "status": "unchanged", "makes": [], "source": "b.dng", "reason": "up_to_date"},
                    {**TWO, "filename": "c", "status": "fails", "makes": [], "source": None, "reason": "no_original"},
                ]
            },
            [
                "c Sea there is nothing to make them of",
                "a Alps thumbnail and preview are made of a.jpg",
                "b Sea thumbnail and preview are up to date",
            ],
        ),
        (
            lambda how: tasks._undo(how, TASK),
            {
                "items": [
                    {**ONE, "status": "restores", "what": ["a.jpg back"], "reason": None},
                    {"photo_id": 2, "filename": None, "status": "refused", "what": [], "reason": "It is gone."},
                    {"photo_id": 3, "filename": "c", "status": "unchanged", "what": [], "reason": None},
                    {
                        "photo_id": 4,
                        "filename": "b",
                        "status": "restores",
                        "what": ["b.jpg back"],
                        "reason": "b.dng is gone.",
                    },
                ]
            },
            [
                "2 cannot be taken back: It is gone.",
                "b b.jpg back; cannot be taken back: b.dng is gone.",
                "a Alps a.jpg back",
                "c stays as it is",
            ],
        ),
    ],
)
async def test_a_dry_run_tells_what_becomes_of_each_photo_and_starts_nothing(
    photobus: Photobus,
    address: str,
    command: Any,
    extra: dict[str, Any],
    expected: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    photobus.plan |= extra
    assert await status_of(command(manner(address, dry_run=True))) == 0
    told = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert told[2 : 2 + len(expected)] == expected
    assert all(body.get("dry_run") for _, _, body in photobus.asked)


async def test_the_dry_run_of_a_deletion_tells_its_files_and_what_it_stops(
    photobus: Photobus, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped = {"id": str(JOB), "type": "generate_derivatives", "label": "Make thumbnails", "whole": False}
    items = [{**ONE, "removes": ["a.dng", "a.jpg"]}, {**ONE, "filename": "b", "removes": []}]
    photobus.plan |= {"files": 2, "bytes": 300, "stops": [stopped], "items": items}
    await projects._delete(manner(address, dry_run=True), "Alps", yes=False)
    assert photobus.asked == [("DELETE", "/api/projects/Alps", {})]
    told = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert told[1] == f"stops Make thumbnails ({JOB}), as far as it is about this project"
    assert told[3:5] == [
        "a Alps goes to the library's trash with its project: a.dng, a.jpg",
        "b Alps goes to the library's trash with its project",
    ]


async def test_a_project_is_deleted_only_when_somebody_says_so(
    photobus: Photobus, address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\ny\n"))
    with pytest.raises(typer.Abort):
        await projects._delete(manner(address), "Trip", yes=False)
    assert photobus.asked == []
    assert "Delete Trip with its 1,200 photos?" in capsys.readouterr().out
    await projects._delete(manner(address), "Trip", yes=False)
    assert [method for method, _, _ in photobus.asked] == ["DELETE"]


def test_filters_are_pairs_of_which_some_are_lists() -> None:
    given = ["tags=a", "tags=b,c", "text==", "pending_deletion=true", "file_type=both", "project_folders=Trip"]
    assert filters(given) == {
        "tags": ["a", "b,c"],
        "text": "=",
        "pending_deletion": True,
        "file_type": "both",
        "project_folders": ["Trip"],
    }


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (Chosen([1], ["Trip"], None), "only one of --photo, --project and --filter"),
        (Chosen(None, None, ["text"]), "--filter text: give it as KEY=VALUE"),
        (Chosen(None, None, ["=x"]), "--filter =x: give it as KEY=VALUE"),
        (Chosen(None, None, ["text=a", "text=b"]), "--filter text: is given more than once"),
        (NOTHING, "say which photos"),
    ],
)
def test_what_cannot_be_meant_is_told(chosen: Chosen, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        chosen.something()


@pytest.mark.parametrize(
    "arguments",
    [
        ["move", "Sea", "--photo", "1"],
        ["commit"],
        ["revert"],
        ["process", "--project", "Trip"],
        ["delete", "Trip", "--yes"],
        ["undo", str(TASK)],
        ["upload", ".", "--project", "Trip"],
        ["process"],
        ["process", "--filter", "x"],
    ],
)
def test_what_a_person_can_put_right_is_one_line(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("PHOTOBUS_DATA", str(tmp_path_factory.mktemp("nothing")))
    ended = CliRunner().invoke(app, arguments)
    assert ended.exit_code == 1
    assert isinstance(ended.exception, SystemExit)
    assert ended.stderr.startswith("photobus: ")
    assert ended.stderr.count("\n") == 1
