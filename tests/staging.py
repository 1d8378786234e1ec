"""Parts of the system as actors in this process: each goes on only as it is told, effect by effect, and can be killed.

An effect is a change of a file, an opening or a listing of a folder, a use of the database, a commit. A killed actor
leaves what a killed process does: locks go with its descriptors, transactions with its connections, and whatever of its
code still runs to clean up has no effect any more.
"""

import asyncio
import errno
import os
import stat
import sys
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Final, Literal

import asyncpg
import pytest
from asyncpg.transaction import Transaction
from bus_traffic import TENANT

from photobus_common.storage import renaming
from photobus_common.storage.folder import Folder
from photobus_common.storage.library import TenantLibrary
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.store.database import Connection, Database


@dataclass(frozen=True)
class Effort:
    """How far an actor goes before it stops, or is killed: so many changes, steps of ``every`` kind, or to its end."""

    effects: int = sys.maxsize
    every: bool = False
    killed: bool = False


FREE: Final = Effort()

Storage = Literal["renaming", "linking", "copying"]

_CHANGES: Final = frozenset({"rename", "unlink", "remove", "replace", "place", "commit", "committed"})
"""What changes a file or a row, or has just done so; the other effects look."""

_PATIENCE: Final = 0.03
"""Seconds without any sign of an actor after which it seems to wait for another: what is to happen next then does."""

_EFFECTS: Final[tuple[tuple[type, str], ...]] = (
    (Folder, "rename"),
    (Folder, "remove"),
    (Folder, "replace"),
    (Folder, "list"),
    (Folder, "names"),
    (ProjectFolder, "place"),
    (TenantLibrary, "open_project"),
)
_HARMLESS: Final[tuple[tuple[type, str], ...]] = (
    (Folder, "create"),
    (Folder, "create_temporary"),
    (Folder, "_make_folder"),
    (Folder, "sync"),
)
"""What makes nothing that anybody takes for a photo; nobody stops there, but the killed do not do it any more."""

_rename = renaming.rename_no_replace

_ACTOR: Final[ContextVar["Actor | None"]] = ContextVar("actor", default=None)


class KilledError(BaseException):
    """Raised in all that a killed actor still tries."""


class Actor:
    """Something that runs by itself, and waits before each effect until it may go on."""

    def __init__(self, name: str, pool: asyncpg.Pool) -> None:
        self.name = name
        self.database: Database = _StagedDatabase(pool, self)
        self.killed = False
        self.effects = 0
        self.where = ""
        self.folders: list[Folder] = []
        self.connections: list[Connection] = []
        self._lock = threading.Lock()
        self._loop = asyncio.get_running_loop()
        self._allowed = 0
        self._every = True
        self._waiting: deque[Future[None]] = deque()
        self._moved = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def begin(self, play: Callable[["Actor"], Awaitable[None]]) -> None:
        """Start to play, and wait before the first effect."""

        async def run() -> None:
            _ACTOR.set(self)
            await play(self)

        self._task = asyncio.create_task(run(), name=self.name)
        self._task.add_done_callback(lambda _: self._moved.set())

    @property
    def done(self) -> bool:
        """Whether it has come to its end, or was killed."""
        return self.killed or self.task.done()

    @property
    def task(self) -> asyncio.Task[None]:
        """What runs."""
        assert self._task is not None
        return self._task

    async def go(self, effort: Effort = FREE) -> None:
        """Let it go so far; return when it has, or has come to its end, or seems to wait for another."""
        with self._lock:
            self._allowed, self._every = effort.effects, effort.every
            while self._waiting and self._allowed > 0:
                turn = self._waiting.popleft()
                if turn.set_running_or_notify_cancel():
                    self._allowed -= 1
                    turn.set_result(None)
        while not self.done and not self._waiting:
            self._moved.clear()
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self._moved.wait()
            except TimeoutError:
                break
        if effort.killed:
            await self.kill()

    async def kill(self) -> None:
        """End it where it stands."""
        with self._lock:
            self.killed = True
            waiting, self._waiting = list(self._waiting), deque()
        for folder in self.folders:
            folder.close()
        for connection in self.connections:
            with suppress(asyncpg.InterfaceError):  # it is on its way back into the pool
                connection.terminate()
        for turn in waiting:
            if turn.set_running_or_notify_cancel():
                turn.set_exception(KilledError())
        while not self.task.done():
            self.task.cancel()
            await asyncio.wait({self.task}, timeout=0.1)

    async def lapse(self, admin: asyncpg.Pool) -> None:
        """Have the database end its idle transactions, as it does for one that is stopped for longer than its lease."""
        for connection in list(self.connections):
            with suppress(asyncpg.InterfaceError):
                if connection.is_in_transaction():
                    await admin.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())

    def arrive(self, effect: str) -> Future[None]:
        """Return what is done when the next effect may happen; raises ``KilledError``."""
        turn: Future[None] = Future()
        with self._lock:
            if self.killed:
                raise KilledError
            self.effects += 1
            self.where = effect
            if not self._every and effect not in _CHANGES:
                turn.set_result(None)
            elif self._allowed > 0:
                self._allowed -= 1
                turn.set_result(None)
            else:
                self._waiting.append(turn)
        self._loop.call_soon_threadsafe(self._moved.set)
        return turn


class _StagedDatabase(Database):
    """The pool of all actors, as one of them uses it."""

    def __init__(self, pool: asyncpg.Pool, actor: Actor) -> None:
        super().__init__(pool)
        self._actor = actor

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        await _turn(self._actor, "database")
        async with super().connection() as connection:
            self._actor.connections.append(connection)
            try:
                yield connection
            finally:
                self._actor.connections.remove(connection)


class Stage:
    """Where actors act.

    ``storage`` is what a rename is there: one step, a link and an unlink, or, from one project to another, none, so
    that files must be copied.
    """

    storage: Storage = "renaming"

    def rename(self, source_fd: int, source: str, target_fd: int, target: str) -> None:
        """Take the place of ``rename_no_replace``."""
        is_folder = stat.S_ISDIR(os.lstat(source, dir_fd=source_fd).st_mode)
        if self.storage == "renaming" or is_folder:
            _rename(source_fd, source, target_fd, target)
        elif self.storage == "linking":
            os.link(source, target, src_dir_fd=source_fd, dst_dir_fd=target_fd, follow_symlinks=False)
            _wait("unlink")
            os.unlink(source, dir_fd=source_fd)
        elif _project_of(source_fd) == _project_of(target_fd):
            _rename(source_fd, source, target_fd, target)
        else:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), target)


@contextmanager
def staged() -> Iterator[Stage]:
    """Have everything that actors do wait for its turn."""
    stage = Stage()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(renaming, "rename_no_replace", stage.rename)
        for owner, name in _EFFECTS:
            patch.setattr(owner, name, _before_each(getattr(owner, name), waits=True))
        for owner, name in _HARMLESS:
            patch.setattr(owner, name, _before_each(getattr(owner, name), waits=False))
        patch.setattr(Folder, "__init__", _noted(Folder.__init__))
        patch.setattr(Transaction, "__aexit__", _around_commit(Transaction.__aexit__))
        yield stage


async def _turn(actor: Actor, effect: str) -> None:
    await asyncio.wrap_future(actor.arrive(effect))


def _before_each(function: Callable[..., Any], *, waits: bool) -> Callable[..., Any]:
    @wraps(function)
    def acting(*args: Any, **options: Any) -> Any:
        actor = _ACTOR.get()
        if actor is not None and actor.killed:
            raise KilledError
        if waits:
            _wait(function.__name__)
        return function(*args, **options)

    return acting


def _wait(effect: str) -> None:
    """Wait for the turn of the actor whose thread this is."""
    actor = _ACTOR.get()
    if actor is not None and threading.current_thread() is not threading.main_thread():
        actor.arrive(effect).result()


def _project_of(fd: int) -> tuple[str, ...]:
    """Return the folder of the library that the open folder is, or lies in; of one outside, all of its path."""
    parts = Path(f"/proc/self/fd/{fd}").readlink().parts
    return parts[parts.index(TENANT) + 1 :][:1] if TENANT in parts else parts


def _noted(function: Callable[..., None]) -> Callable[..., None]:
    @wraps(function)
    def opening(self: Folder, *args: Any, **options: Any) -> None:
        function(self, *args, **options)
        actor = _ACTOR.get()
        if actor is not None:
            actor.folders.append(self)

    return opening


def _around_commit(function: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    @wraps(function)
    async def leaving(self: Transaction, kind: Any, error: Any, trace: Any) -> None:
        actor = _ACTOR.get()
        if actor is None or kind is not None:
            await function(self, kind, error, trace)
            return
        await _turn(actor, "commit")
        await function(self, kind, error, trace)
        await _turn(actor, "committed")

    return leaving
