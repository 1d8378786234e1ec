"""What commands that start a task have in common: to show what it would be, or to wait for it and tell how it ended."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, NamedTuple

import typer
from pydantic import BaseModel

from photobus_cli.connection import client
from photobus_cli.errors import EXIT_FAILED
from photobus_cli.output import print_json, print_table, printable
from photobus_cli.waiting import wait_for_task
from photobus_client import JobItem, PhotobusClient, Task, TaskDetail, TaskPlan

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would happen, and do nothing.")]
Wait = Annotated[bool, typer.Option(help="Wait until the task has ended, and tell how.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]

SHOWN: Final = 20
"""Photos of a plan that are shown."""

FAILURES_SHOWN: Final = 1000
"""Photos that failed that are shown."""


@dataclass(frozen=True)
class Manner:
    """Where a command starts its task, and how it goes about it."""

    address: str | None
    token: str | None
    dry_run: bool
    wait: bool
    json: bool

    def client(self) -> PhotobusClient:
        """Make a client, not yet connected; raises ``CommandError`` when there is nothing to connect to."""
        return client(self.address, self.token)


class Fate(NamedTuple):
    """What becomes of a photo. What a person should look at first is ``odd``."""

    photo: str
    project: str
    words: str
    odd: bool = False


class Ended(BaseModel):
    """A task that has ended, and the photos that failed in it."""

    task: TaskDetail
    failed_items: list[JobItem]


async def see_through(photobus: PhotobusClient, task: Task, manner: Manner) -> None:
    """Tell of a task that was started, wait for it if that is wanted, and end with a failure where anything failed."""
    if not manner.wait:
        _tell_started(task, manner)
        return
    if not manner.json:
        _tell_started(task, manner)
    ended = await wait_for_task(photobus, task.id, hidden=manner.json)
    failed = [item async for item in photobus.failed_items(task.id)] if ended.failed else []
    if manner.json:
        print_json(Ended(task=ended, failed_items=failed))
    else:
        _tell_ended(ended, failed)
    if ended.status != "completed":
        sys.exit(EXIT_FAILED)


def show_plan(plan: TaskPlan, fates: Iterable[Fate], manner: Manner, beside: Iterable[str] = ()) -> None:
    """Tell what a task would be, in lines also what it would do ``beside``, and what would become of its first photos.

    Those that are odd come before others.
    """
    if manner.json:
        print_json(plan)
        return
    jobs = sum(step.jobs for step in plan.steps)
    sizes = (_count(plan.photos, "photo"), _count(plan.projects, "project"), _count(jobs, "job"))
    typer.echo(printable(f"{plan.label}: {sizes[0]} of {sizes[1]}, {sizes[2]}. Nothing was done."))
    for line in beside:
        typer.echo(printable(line))
    told = sorted(fates, key=lambda fate: not fate.odd)
    if told:
        print_table(("photo", "project", "what becomes of it"), (fate[:3] for fate in told[:SHOWN]))
    _tell_more(max(plan.photos, len(told)) - min(len(told), SHOWN))


def _tell_started(task: Task, manner: Manner) -> None:
    if manner.json:
        print_json(task)
    else:
        typer.echo(f"{task.id} {task.type} {task.status}")


def _tell_ended(task: TaskDetail, failed: Sequence[JobItem]) -> None:
    """Tell how it ended: in all, step by step, and why photos failed."""
    typer.echo(printable(f"{task.status}: {_count(task.items, 'photo')}{f'; {task.error}' if task.error else ''}"))
    rows = ((step.type, str(step.done), str(step.failed), str(step.skipped)) for step in task.steps)
    print_table(("step", "done", "failed", "skipped"), rows)
    if failed:
        print_table(("id", "photo", "project", "why it failed"), map(_failure, failed[:FAILURES_SHOWN]))
        _tell_more(len(failed) - FAILURES_SHOWN)


def _failure(item: JobItem) -> tuple[str, ...]:
    return (str(item.photo_id), item.filename or "", item.project_folder or "", item.reason or "")


def _tell_more(count: int) -> None:
    if count > 0:
        typer.echo(f"and {count:,} more")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
