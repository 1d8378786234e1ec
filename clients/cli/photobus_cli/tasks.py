"""``photobus tasks | jobs | retry | cancel | undo``: what runs, what failed, and what to do about it."""

from typing import Annotated
from uuid import UUID

import typer
from rich.text import Text

from photobus_cli.carrying_out import DryRun, Fate, Json, Manner, Wait, see_through, show_plan
from photobus_cli.connection import Address, Token, client
from photobus_cli.errors import run
from photobus_cli.output import age, print_json, print_table, status
from photobus_client import Job, Task
from photobus_client.plans import PlannedUndo

Limit = Annotated[int, typer.Option(min=1, max=500, help="Most entries, newest first.")]
Status = Annotated[str | None, typer.Option(help="Only those with this status, such as running or failed.")]
TaskId = Annotated[UUID, typer.Argument(help="Id of the task.")]


def tasks(
    address: Address = None,
    token: Token = None,
    status: Status = None,
    as_of: Annotated[
        str | None, typer.Option(help="As they stood then: a time such as 2026-03-01T12:00:00Z, or a place in the log.")
    ] = None,
    limit: Limit = 20,
    json: Json = False,
) -> None:
    """List the tasks, newest first."""
    run(_tasks(address, token, {"status": status, "as_of": as_of}, limit, json))


def jobs(
    task_id: Annotated[UUID | None, typer.Argument(help="Only the jobs of this task.")] = None,
    address: Address = None,
    token: Token = None,
    status: Status = None,
    limit: Limit = 20,
    json: Json = False,
) -> None:
    """List the jobs, newest first, with the reason of those that failed."""
    run(_jobs(address, token, task_id, status, limit, json))


def retry(task_id: TaskId, address: Address = None, token: Token = None) -> None:
    """Start a new task over what failed in an ended one."""
    run(_retry(address, token, task_id))


def cancel(task_id: TaskId, address: Address = None, token: Token = None) -> None:
    """Stop a task; what is done stays done."""
    run(_cancel(address, token, task_id))


def undo(
    task_id: TaskId,
    address: Address = None,
    token: Token = None,
    dry_run: DryRun = False,
    wait: Wait = True,
    json: Json = False,
) -> None:
    """Take back what a task did, as long as the files exist. The undo of an undo does it again."""
    run(_undo(Manner(address, token, dry_run, wait, json), task_id))


async def _tasks(address: str | None, token: str | None, wanted: dict[str, str | None], limit: int, json: bool) -> None:
    async with client(address, token) as photobus:
        page = await photobus.tasks(limit=limit, **wanted)
    if json:
        print_json(page.items)
    else:
        print_table(("id", "type", "status", "items", "failed", "when", "label"), map(_task_row, page.items))


async def _jobs(
    address: str | None, token: str | None, task_id: UUID | None, wanted: str | None, limit: int, json: bool
) -> None:
    filters = {"task_id": str(task_id) if task_id else None, "status": wanted}
    async with client(address, token) as photobus:
        page = await photobus.jobs(limit=limit, **filters)
    if json:
        print_json(page.items)
    else:
        print_table(("id", "type", "status", "try", "done", "failed", "when", "error"), map(_job_row, page.items))


async def _retry(address: str | None, token: str | None, task_id: UUID) -> None:
    async with client(address, token) as photobus:
        task = await photobus.retry_task(task_id)
    typer.echo(f"{task.id} {task.type} {task.status}")


async def _cancel(address: str | None, token: str | None, task_id: UUID) -> None:
    async with client(address, token) as photobus:
        task = await photobus.cancel_task(task_id)
    typer.echo(f"{task.id} {task.type} {task.status}")


async def _undo(manner: Manner, task_id: UUID) -> None:
    async with manner.client() as photobus:
        if manner.dry_run:
            plan = await photobus.undo_task(task_id, dry_run=True)
            show_plan(plan, map(_undone, plan.items), manner)
        else:
            await see_through(photobus, await photobus.undo_task(task_id), manner)


def _undone(item: PlannedUndo) -> Fate:
    words = "; ".join((*item.what, *([f"cannot be taken back: {item.reason}"] if item.reason else [])))
    return Fate(
        item.filename or str(item.photo_id),
        item.project_folder or "",
        words or "stays as it is",
        odd=item.reason is not None,
    )


def _task_row(task: Task) -> tuple[str | Text, ...]:
    return (
        str(task.id),
        task.type,
        status(task.status),
        str(task.items),
        str(task.failed or ""),
        age(task.created_at),
        task.error or task.label,
    )


def _job_row(job: Job) -> tuple[str | Text, ...]:
    return (
        str(job.id),
        job.job_type,
        status(job.status),
        str(job.attempt),
        f"{job.done + job.skipped}/{job.items}",
        str(job.failed or ""),
        age(job.created_at),
        job.error or "",
    )
