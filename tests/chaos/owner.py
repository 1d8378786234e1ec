"""Somebody who works on photos of their own, in projects of their own and of all, over HTTP alone."""

import asyncio
from collections.abc import Collection, Iterable
from http import HTTPStatus
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final
from urllib.parse import quote

from chaos.holdings import Asked, Held, Holdings
from chaos.journal import Journal
from chaos.line import Answer, Line

ENDED: Final = frozenset({"completed", "completed_with_errors", "failed", "canceled", "skipped"})
LOOK_EVERY: Final = 0.25


class Owner:
    """One owner: the line, what is thought to be held, and the dice."""

    def __init__(
        self, number: int, line: Line, journal: Journal, holdings: Holdings, library: Path | None = None
    ) -> None:
        self.number = number
        self.line = line
        self.journal = journal
        self.has = holdings
        self.library = library
        self.tags: list[tuple[str, tuple[Held, ...]]] = []
        self.doubtful: list[Held] = []
        self._serial = count(1)

    @property
    def random(self) -> Random:
        """The owner's own dice."""
        return self.has.random

    def serial(self) -> int:
        """Return a number that this owner never had before."""
        return next(self._serial)

    async def in_folder(self, project: int) -> str | None:
        """Return the folder that the project is thought to have; None where there is none."""
        if self.has.folder(project) is None:
            await self.has.folders.refresh(self.line)
        return self.has.folder(project)

    async def misled(self, answer: Answer | None) -> None:
        """List the folders anew where one was not what it was thought to be."""
        if answer is not None and answer.status in {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}:
            await self.has.folders.refresh(self.line)

    async def ask_task(
        self,
        kind: str,
        path: str,
        body: Any,
        photos: Collection[Held] = (),
        about: int | None = None,
        **facts: Any,
    ) -> Answer | None:
        """Ask for a task by POST, and remember it."""
        facts = {"photos": [photo.photo_id for photo in photos], "about": about, **facts}
        answer = await self.line.ask(kind, "POST", path, body, **facts)
        self.note_task(answer, kind, photos, about)
        await self.misled(answer)
        return answer

    def note_task(
        self, answer: Answer | None, kind: str, photos: Iterable[Held] = (), about: int | None = None
    ) -> None:
        """Remember the task of an answer, if there is one."""
        if answer is not None and answer.status == HTTPStatus.ACCEPTED:
            self.has.accept(answer.data["task"], kind, photos, about)

    async def watch_tasks(self) -> None:
        """Look after the tasks that are open, for ever."""
        while True:
            for asked in list(self.has.open.values())[:4]:
                await self._look_at(asked)
            await asyncio.sleep(LOOK_EVERY)

    async def _look_at(self, asked: Asked) -> None:
        task = await self.line.look(f"/api/tasks/{asked.task}")
        if task is None or asked.task not in self.has.open:
            return
        if task["status"] not in ENDED:
            # The others have their turn before this one is looked at again.
            self.has.open[asked.task] = self.has.open.pop(asked.task)
            return
        self.journal.write("ended", task=asked.task, status=task["status"])
        self.has.end(asked, task["status"])
        await self._learn(asked)

    async def _learn(self, asked: Asked) -> None:
        """Find out where things are after a task that changes it."""
        if asked.kind in {"delete project", "restore project"}:
            await self.has.folders.refresh(self.line)
        if asked.kind == "move" and asked.status == "completed" and asked.about is not None:
            for photo in asked.photos:
                photo.project = asked.about
        elif asked.kind in {"move", "commit", "commit project", "undo", "restore project"}:
            await self._look_for(asked.photos or self._of_project(asked.about))

    def _of_project(self, project: int | None) -> list[Held]:
        return [photo for photo in self.has.photos.values() if photo.project == project]

    async def _look_for(self, photos: Iterable[Held]) -> None:
        for photo in photos:
            found = await self.line.look(f"/api/photos/{photo.photo_id}")
            photo.gone = found is None
            if found is not None:
                photo.project = found["project_id"]
                photo.kinds = {kind for kind in ("jpg", "raw", "other") if found[f"{kind}_available"]}


def project_path(folder: str, *more: str) -> str:
    """Return the path of something of a project."""
    return "/".join(("/api/projects", quote(folder, safe=""), *more))
