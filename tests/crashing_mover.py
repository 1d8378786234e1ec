"""A file mover in a process of its own that kills or stops itself after a chosen number of effects.

It ends by itself when its job did before that.
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from deleting import deletion
from effects import Effects, was_killed, work_to_the_end
from forking import FORK_SERVER, Fork
from mounting import bind_in_private
from removing import removal

from photobus_common.config import Settings
from photobus_common.storage.folder import Folder
from photobus_common.storage.library import Library
from photobus_filemover import completing
from photobus_filemover.jobs import project_cleanup_db, project_restore


@dataclass(frozen=True)
class Mount:
    """The folder ``source``, mounted a second time at ``target``, for one process alone."""

    source: Path
    target: Path


async def run_until_killed(settings: Settings, effects: int, mount: Mount | None = None, last: str = "") -> bool:
    """Run the mover that kills itself after ``effects`` effects; say whether it came to that.

    It ends with the first job that it completes, or the first of type ``last``.
    """
    process = await _start(settings, effects, signal.SIGKILL, mount, last)
    return await was_killed(process)


@asynccontextmanager
async def stopped(settings: Settings, effects: int, mount: Mount | None = None, last: str = "") -> AsyncIterator[Fork]:
    """Run the mover until it has stopped itself after ``effects`` effects; yield it, to be woken with SIGCONT."""
    process = await _start(settings, effects, signal.SIGSTOP, mount, last)
    try:
        async with asyncio.timeout(60):
            while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:
                await asyncio.sleep(0.02)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _start(settings: Settings, effects: int, number: signal.Signals, mount: Mount | None, last: str) -> Fork:
    words = (settings.model_dump_json(), str(effects), str(int(number)), last)
    mounted = [] if mount is None else [str(mount.source), str(mount.target)]
    return await FORK_SERVER.start("crashing_mover", *words, *mounted)


async def _main(settings: Settings, effects: Effects, last: str) -> None:
    for name in ("rename", "remove", "sync"):
        setattr(Folder, name, effects.after(getattr(Folder, name)))
    for name in ("write_removed", "write_moved", "write_restored"):
        setattr(completing, name, effects.after_rows(getattr(completing, name)))
    for module, name in (
        (project_cleanup_db, "delete_photos"),
        (project_restore, "restore_photos"),
        (project_restore, "activate_project"),
    ):
        setattr(module, name, effects.after_rows(getattr(module, name)))
    library = Library(settings.library.root)
    handlers = {**removal(settings, library), **deletion(settings, library)}
    await work_to_the_end("filemover", handlers, settings, effects.happened, last)


def main(settings: str, effects: str, number: str, last: str, *mount: str) -> None:
    """Be the mover."""
    if mount:
        bind_in_private(*map(Path, mount))
    asyncio.run(_main(Settings.model_validate_json(settings), Effects(int(effects), int(number)), last))
