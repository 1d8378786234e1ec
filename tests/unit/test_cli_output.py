"""What others chose to call things is shown as it is, whatever it looks like to a terminal."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from photobus_cli.output import print_table
from photobus_cli.tasks import _task_row
from photobus_cli.watch import _line
from photobus_client import LiveEvent, Task


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
