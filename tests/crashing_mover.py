"""A file mover in a process of its own that kills or stops itself after a chosen number of effects.

Run as a program with the settings as JSON, the number and the signal. It ends by itself when its job did before that.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from deleting import deletion
from effects import Effects, was_killed, work_to_the_end
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
async def stopped(
    settings: Settings, effects: int, mount: Mount | None = None, last: str = ""
) -> AsyncIterator[asyncio.subprocess.Process]:
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


async def _start(
    settings: Settings, effects: int, number: signal.Signals, mount: Mount | None, last: str
) -> asyncio.subprocess.Process:
    arguments = (settings.model_dump_json(), str(effects), str(int(number)), last)
    command = (sys.executable, str(Path(__file__)), *arguments)
    return await asyncio.create_subprocess_exec(*([] if mount is None else _mounted(mount)), *command)


def _mounted(mount: Mount) -> list[str]:
    """Return what makes a command run where only it sees the mount; whoever is not root becomes it there."""
    root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    script = 'mount --bind "$0" "$1" && shift && exec "$@"'
    return ["unshare", *root, "--mount", "sh", "-c", script, str(mount.source), str(mount.target)]


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


if __name__ == "__main__":
    counting = Effects(int(sys.argv[2]), int(sys.argv[3]))
    asyncio.run(_main(Settings.model_validate_json(sys.argv[1]), counting, sys.argv[4]))
