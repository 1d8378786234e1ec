"""``photobus maintenance runs | show``: what maintenance looked at, changed and refused, and why."""

from typing import Annotated, Final
from uuid import UUID

import typer
from rich.text import Text

from photobus_cli.connection import Address, Token, client
from photobus_cli.errors import run
from photobus_cli.output import age, print_json, print_table, status
from photobus_cli.schedules import length
from photobus_client.maintenance import ReportLine, Run, RunStep

app = typer.Typer(help="What maintenance did: runs, show.", no_args_is_help=True)

_RUN: Final = ("id", "type", "status", "source", "changed", "refused", "reported", "took", "when")
_STEP: Final = ("step", "status", "looked at", "changed", "refused", "reported", "progress", "left")
_LINE: Final = ("what", "step", "project", "file", "things", "why")

AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, for scripts.")]
Limit = Annotated[int, typer.Option(min=1, max=500, help="Most runs, newest first.")]


@app.command("runs")
def runs(address: Address = None, token: Token = None, limit: Limit = 20, as_json: AsJson = False) -> None:
    """List the runs of maintenance, newest first."""
    run(_runs(address, token, limit, as_json=as_json))


@app.command("show")
def show(
    task_id: Annotated[UUID, typer.Argument(help="Id of the run's task.")],
    address: Address = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Show what the steps of a run did, and all lines of its report."""
    run(_show(address, token, task_id, as_json=as_json))


async def _runs(address: str | None, token: str | None, limit: int, *, as_json: bool) -> None:
    async with client(address, token) as photobus:
        page = await photobus.maintenance.page_of_runs(limit=limit)
    if as_json:
        print_json(page.items)
    else:
        print_table(_RUN, map(_run_row, page.items))


async def _show(address: str | None, token: str | None, task_id: UUID, *, as_json: bool) -> None:
    async with client(address, token) as photobus:
        found = await photobus.maintenance.run(task_id)
        lines = [line async for line in photobus.maintenance.lines(task_id)]
    if as_json:
        print_json([found, *lines])
        return
    print_table(_RUN, [_run_row(found)])
    if found.error:
        typer.echo(f"\n{found.error}")
    typer.echo()
    print_table(_STEP, map(_step_row, found.steps))
    if lines:
        typer.echo()
        print_table(_LINE, map(_line_row, lines))


def _run_row(found: Run) -> tuple[str | Text, ...]:
    counts = tuple(str(count or "") for count in (found.changed, found.refused, found.reported))
    took = "" if found.duration_seconds is None else _length(found.duration_seconds)
    return (str(found.task_id), found.type, status(found.status), found.source, *counts, took, age(found.created_at))


def _step_row(step: RunStep) -> tuple[str | Text, ...]:
    counts = tuple(str(count or "") for count in (step.looked_at, step.changed, step.refused, step.reported))
    total = "?" if step.progress_total is None else str(step.progress_total)
    left = "" if step.remaining_seconds is None else _length(step.remaining_seconds)
    return (step.job_type, status(step.status), *counts, f"{step.progress_done}/{total}", left)


def _line_row(line: ReportLine) -> tuple[str | Text, ...]:
    what = Text(f"{line.kind} {line.code}", "" if line.kind == "changed" else "yellow")
    return (what, line.job_type, line.project_folder or "", line.subject or "", str(line.count), line.reason or "")


def _length(seconds: float) -> str:
    return length(max(1, round(seconds)))
