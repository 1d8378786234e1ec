"""What an owner believes to have: it only serves to ask for sensible things, and nobody is judged by it."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from chaos.line import Line

UNDOABLE: Final = frozenset(
    {"move", "commit", "commit project", "revert", "tag by task", "undo", "delete project", "restore project"}
)
"""Kinds of operations whose tasks can be undone."""


@dataclass
class Held:
    """A photo; ``project`` is where it is thought to lie."""

    photo_id: int
    project: int
    base: str
    kinds: set[str]
    gone: bool = False
    open_tasks: int = 0


@dataclass
class Asked:
    """A task that was accepted; ``about`` is the project of a task on projects, or the destination of a move."""

    task: str
    kind: str
    photos: tuple[Held, ...] = ()
    about: int | None = None
    status: str | None = None
    undone: bool = False


@dataclass
class Folders:
    """Folders of active projects by id, as the API last listed them: maintenance renames them at any moment."""

    by_id: dict[int, str] = field(default_factory=dict)
    _listing: "asyncio.Task[None] | None" = None

    async def refresh(self, line: Line) -> None:
        """List them anew; who comes meanwhile waits for the same list."""
        if self._listing is None or self._listing.done():
            self._listing = asyncio.create_task(self._list(line))
        await asyncio.shield(self._listing)

    async def _list(self, line: Line) -> None:
        found: dict[int, str] = {}
        cursor: str | None = ""
        while cursor is not None:
            page = await line.look(f"/api/projects?limit=500&cursor={cursor}" if cursor else "/api/projects?limit=500")
            if page is None:
                return
            found |= {project["id"]: project["folder"] for project in page["items"]}
            cursor = page["next_cursor"]
        self.by_id = found


@dataclass
class Holdings:
    """All of one owner."""

    random: Random
    folders: Folders
    common: tuple[int, ...]
    own: list[int] = field(default_factory=list)
    photos: dict[int, Held] = field(default_factory=dict)
    open: dict[str, Asked] = field(default_factory=dict)
    ended: list[Asked] = field(default_factory=list)

    def folder(self, project: int) -> str | None:
        """Return the folder of an active project."""
        return self.folders.by_id.get(project)

    def some_project(self, *, own_share: float = 0.6) -> int:
        """Return an own project or one of all."""
        own = [project for project in self.own if self.folder(project)]
        return self.random.choice(own if own and self.random.random() < own_share else self.common)

    def some(self, most: int, *, rash: float = 0.1) -> list[Held]:
        """Return up to ``most`` photos; those that a task is about only when ``rash``, with that chance."""
        heedless = self.random.random() < rash
        there = [
            photo
            for photo in self.photos.values()
            if not photo.gone and (heedless or not photo.open_tasks) and self.folder(photo.project)
        ]
        return self.random.sample(there, min(len(there), self.random.randint(1, most)))

    def add(self, photo_id: int, project: int, base: str, kind: str) -> None:
        """Note that a file was stored."""
        held = self.photos.setdefault(photo_id, Held(photo_id, project, base, set()))
        held.kinds.add(kind)
        held.gone = False

    def accept(self, task: Any, kind: str, photos: Iterable[Held] = (), about: int | None = None) -> None:
        """Note that a task was accepted."""
        asked = Asked(task["id"], kind, tuple(photos), about)
        for photo in asked.photos:
            photo.open_tasks += 1
        self.open[asked.task] = asked

    def end(self, asked: Asked, status: str) -> None:
        """Note that a task has ended."""
        asked.status = status
        for photo in asked.photos:
            photo.open_tasks -= 1
        del self.open[asked.task]
        self.ended.append(asked)

    def undoable(self) -> list[Asked]:
        """Return the newest tasks that might be undone."""
        return [asked for asked in self.ended[-40:] if asked.kind in UNDOABLE and not asked.undone]
