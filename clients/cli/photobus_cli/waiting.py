"""Waiting until a task has ended."""

from typing import Final
from uuid import UUID

from rich.progress import MofNCompleteColumn

from photobus_cli.news import NewsOfTask, listening
from photobus_cli.output import printable, progress_bar
from photobus_client import PhotobusClient, TaskDetail

LOOK_SECONDS: Final = 10.0
"""Between two looks when nothing is told."""


async def wait_for_task(photobus: PhotobusClient, task_id: UUID, *, hidden: bool = False) -> TaskDetail:
    """Show how far the task is, unless that is to be ``hidden``, until it has ended; return it."""
    with progress_bar(MofNCompleteColumn(), hidden=hidden) as progress:
        async with listening(photobus, NewsOfTask(task_id)) as news:
            task = await photobus.task(task_id)
            bar = progress.add_task(printable(task.label), total=None)
            while not task.ended:
                total, done = task.progress_total or None, task.progress_done
                progress.update(bar, total=total, completed=done, description=printable(_words(task)))
                await news.within(LOOK_SECONDS)
                task = await photobus.task(task_id)
            progress.update(bar, total=task.progress_total, completed=task.progress_done)
    return task


def _words(task: TaskDetail) -> str:
    """Say what the task is, and where to answer if it waits for that."""
    if task.status != "waiting":
        return task.label
    return f"{task.label} waits for confirmation (see `photobus confirmations list`)"
