"""A maintenance worker in a process of its own that kills itself before or after a chosen effect of its job.

An effect is a commit, before which the process may die as well as after it, or a change of a folder. It ends by itself
when its job did before that.
"""

import asyncio
import os
import stat
from collections.abc import Callable
from typing import Any

from asyncpg.transaction import Transaction
from effects import Effects, was_killed, work_to_the_end
from forking import FORK_SERVER
from renaming import renamers

from photobus_common.config import Settings
from photobus_common.storage import renaming
from photobus_common.storage.folder import Folder
from photobus_common.storage.library import Library


async def run_until_killed(settings: Settings, effects: int, storage: str = "renaming") -> bool:
    """Run the worker that kills itself after so many effects; say whether it came to that.

    With the ``storage`` ``linking``, files get other names by a link and an unlink.
    """
    words = (settings.model_dump_json(), str(effects), storage)
    return await was_killed(await FORK_SERVER.start("crashing_renamer", *words))


class _Effects(Effects):
    """Counts both sides of each commit, and both steps of a rename that takes two."""

    def around_commit(self, leave: Callable[..., Any]) -> Callable[..., Any]:
        """Return the end of a transaction as two effects: all is written, all is committed."""

        async def counted(transaction: Transaction, kind: Any, error: Any, trace: Any) -> None:
            self.happened()
            await leave(transaction, kind, error, trace)
            self.happened()

        return counted

    def by_link(self, rename: Callable[..., None]) -> Callable[..., None]:
        """Return what renames files by a link and an unlink, each an effect, and folders as ever."""

        def linking(source_fd: int, source: str, target_fd: int, target: str) -> None:
            if stat.S_ISDIR(os.lstat(source, dir_fd=source_fd).st_mode):
                rename(source_fd, source, target_fd, target)
                return
            os.link(source, target, src_dir_fd=source_fd, dst_dir_fd=target_fd, follow_symlinks=False)
            self.happened()
            os.unlink(source, dir_fd=source_fd)

        return linking


async def _main(settings: Settings, effects: _Effects, storage: str) -> None:
    for name in ("rename", "remove", "replace", "sync"):
        setattr(Folder, name, effects.after(getattr(Folder, name)))
    setattr(Transaction, "__aexit__", effects.around_commit(Transaction.__aexit__))  # noqa: B010 - mypy allows no other
    if storage == "linking":
        setattr(renaming, "rename_no_replace", effects.by_link(renaming.rename_no_replace))  # noqa: B010
    await work_to_the_end("maintenance", renamers(settings, Library(settings.library.root)), settings)


def main(settings: str, effects: str, storage: str) -> None:
    """Be the worker."""
    asyncio.run(_main(Settings.model_validate_json(settings), _Effects(int(effects)), storage))
