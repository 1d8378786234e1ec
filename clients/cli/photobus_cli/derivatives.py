"""Waiting until the photos of a project have thumbnails and previews, or until nobody makes them any more."""

import asyncio
from typing import Final

from rich.progress import MofNCompleteColumn

from photobus_cli.news import News
from photobus_cli.output import progress_bar
from photobus_client import LiveEvent, PhotobusClient

PENDING: Final = {"status": "pending"}

SETTLE_SECONDS: Final = 10.0
"""Without a sign for so long nothing comes any more: longer than photos wait to become a task, and it to be listed."""

_MAKING: Final = ("upload_postprocess", "generate_derivatives", "image_move", "undo")
"""Tasks that make derivatives."""

_OPEN_TASKS: Final = {"status": ("requested", "running"), "type": _MAKING}
_OPEN_JOBS: Final = {"status": ("queued", "running", "retrying")}
_LISTED: Final = frozenset({"task_started", "task_completed", "task_failed", "task_canceled"})
"""What is told of a task only after it stands in the lists."""


class Making(News):
    """What live updates say of anything, and which tasks are asked for but in no list yet."""

    def __init__(self) -> None:
        super().__init__()
        self.requested: set[str] = set()

    def note(self, event: LiveEvent) -> None:
        """Take in an update."""
        if event.name == "task_requested" and event.data["type"] in _MAKING:
            self.requested.add(event.data["id"])
        elif event.name in _LISTED:
            self.requested.discard(event.data["id"])
        super().note(event)

    def broke_off(self) -> None:
        """Forget what was asked for, since nobody will tell how it went."""
        self.requested.clear()


async def wait_for_derivatives(
    photobus: PhotobusClient, folder: str, news: Making, settle_seconds: float = SETTLE_SECONDS
) -> int:
    """Show how the photos of the project get their derivatives; return how many are left that nobody makes any."""
    now = asyncio.get_running_loop().time
    total, before, sign = 0, -1, now()
    with progress_bar(MofNCompleteColumn()) as progress:
        bar = progress.add_task("Thumbnails and previews", total=None)
        while True:
            pending = await photobus.count_photos(folder, PENDING)
            total = max(total, pending)
            progress.update(bar, total=total, completed=total - pending)
            if pending != before or await being_made(photobus, folder, news):
                before, sign = pending, now()
            elif now() - sign >= settle_seconds:
                return pending
            if not pending:
                return 0
            await news.within(settle_seconds)


async def being_made(photobus: PhotobusClient, folder: str, news: Making) -> bool:
    """Whether a task may still make derivatives of photos of the project."""
    if news.requested:
        return True
    tasks = [task async for task in photobus.all_tasks(_OPEN_TASKS)]
    if any(task.status == "requested" or task.scope != "project" for task in tasks):
        return True  # whose photos they have is not told
    # Read behind the tasks: one that ran then has its jobs by now, or has ended.
    at_work = {job.task_id async for job in photobus.all_jobs(folder, _OPEN_JOBS)}
    return any(task.id in at_work for task in tasks)
