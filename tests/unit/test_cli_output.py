"""What others chose to call things is shown as it is, whatever it looks like to a terminal."""

import json
from datetime import UTC, datetime
from unicodedata import category
from uuid import UUID

import pytest

from photobus_cli.output import print_json, print_table
from photobus_cli.tasks import _task_row
from photobus_cli.watch import _line
from photobus_client import LiveEvent, Task
from photobus_client.plans import PlannedMove


@pytest.mark.parametrize("name", ["x [/]", "[red]x", "[bold]x[/bold]", "back\\", ":smile:", "[link=http://a]a[/link]"])
def test_no_name_is_markup(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    task = Task(
        id=UUID(int=1),
        type="upload_postprocess",
        scope="project",
        status="completed",
        source="user",
        label=f"1 photo of {name}",
        created_at=datetime.now(UTC),
    )
    print_table(("id", "type", "status", "items", "failed", "when", "label"), [_task_row(task)])
    assert f"1 photo of {name}" in capsys.readouterr().out
    line = _line(LiveEvent("task_requested", {"label": name, "status": "running"}, "7-1"))
    assert line.plain == f"       7-1 task_requested running  label={name}"


def test_no_name_moves_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name",), [("a\x1b[2Jb\nc\u3000d",)])
    assert "a\N{REPLACEMENT CHARACTER}[2Jb\N{REPLACEMENT CHARACTER}c\u3000d" in capsys.readouterr().out


def test_no_name_turns_what_stands_behind_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "more"), [("a\u202egpj.exe\u2066", "b")])
    assert "a\N{REPLACEMENT CHARACTER}gpj.exe\N{REPLACEMENT CHARACTER} b" in " ".join(capsys.readouterr().out.split())


def test_no_line_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    names = ", ".join(f"{number} {'n' * 250}" for number in range(8))
    print_table(("photo", "what becomes of it"), [("a", names), ("b", "stays")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].endswith(names)
    assert len(lines[2]) <= len(lines[1])


def test_json_moves_no_cursor_either(capsys: pytest.CaptureFixture[str]) -> None:
    folder = "Zoë\x1b[2J\x9b31m\x7f"
    print_json(PlannedMove(photo_id=1, project_folder=folder, filename="a", status="stays", files=[]))
    written = capsys.readouterr().out
    assert "Zoë" in written
    assert not any(category(sign) == "Cc" and sign != "\n" for sign in written)
    assert json.loads(written)["project_folder"] == folder
