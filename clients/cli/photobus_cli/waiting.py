"""Waiting until a task has ended."""

from typing import Final
from uuid import UUID

from rich.progress import MofNCompleteColumn

from photobus_cli.news import NewsOfTask, listening
from photobus_cli.output import printable, progress_bar
from photobus_client import PhotobusClient, TaskDetail

LOOK_SECONDS: Final = 10.0
"""Between two looks when nothing is told."""

WAITS: Final = "The task waits for confirmation: see `photobus confirmations list`."


async def wait_for_task(photobus: PhotobusClient, task_id: UUID, *, hidden: bool = False) -> TaskDetail:
    """Show how far the task is, unless that is to be ``hidden``, until it has ended; return it."""
    told = hidden
    with progress_bar(MofNCompleteColumn(), hidden=hidden) as progress:
        async with listening(photobus, NewsOfTask(task_id)) as news:
            task = await photobus.task(task_id)
            bar = progress.add_task(printable(task.label), total=None)
            while not task.ended:
                progress.update(bar, total=task.progress_total or None, completed=task.progress_done)
                if task.status == "waiting" and not told:
                    progress.console.print(WAITS, markup=False, highlight=False)
                    told = True
                await news.within(LOOK_SECONDS)
                task = await photobus.task(task_id)
            progress.update(bar, total=task.progress_total, completed=task.progress_done)
    return task
