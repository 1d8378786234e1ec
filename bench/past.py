"""The log of a library of many photos, made up: shoots that are uploaded, sorted out, moved, and made anew at times.

The same numbers always give the same log. Every event can be read by photobus; the hashes are no chain.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID, uuid5

from photobus_common.subjects import project_subject, task_subject

TENANT: Final = "user_0"
COLUMNS: Final = (
    *("seq", "event_id", "time", "type", "tenant", "subject", "actor", "task_id", "project_id", "photo_ids"),
    *("payload", "hash"),
)
BEGIN: Final = datetime(2016, 1, 1, tzinfo=UTC)
BETWEEN: Final = timedelta(seconds=60)

SHOOT: Final = (20, 200)
"""Photos of a shoot, which are one project."""

LARGEST_SHARE: Final = 0.1
"""Of all shoots, how many go into the first project, the large one."""

ACTORS: Final = tuple(f"token:{UUID(int=number)}" for number in range(1, 10))
SCHEDULE: Final = "schedule:maintenance_global"

MADE: Final[dict[str, Any]] = {"thumbnail_status": "generated", "preview_status": "generated"}

Row = tuple[Any, ...]


def event_id(seq: int) -> UUID:
    """Return the id of the event at ``seq``."""
    return UUID(int=(1 << 64) + seq)


def task_id(number: int) -> UUID:
    """Return the id of a task."""
    return UUID(int=(2 << 64) + number)


@dataclass
class Past:
    """A log of ``events`` events over ``photos`` photos, row by row."""

    events: int
    photos: int
    random: Random = field(default_factory=lambda: Random(1))
    seq: int = 0
    tasks: int = 0
    projects: int = 0
    photo: int = 0

    def rows(self) -> Iterator[Row]:
        """Yield the archive's rows in order."""
        while self.seq < self.events:
            for row in self._shoot(self.photos - self.photo):
                yield row
                if self.seq == self.events:
                    return

    def _shoot(self, left: int) -> Iterator[Row]:
        """Yield what happens to one shoot, which takes its share of all events."""
        size = min(self.random.randint(*SHOOT), left) or 1
        ids = [min(self.photo + number, self.photos) for number in range(1, size + 1)]
        self.photo = min(self.photo + size, self.photos)
        project = self._project()
        yield self._of_photos("PhotosAdded", project, ids, files=[_file("a.jpg"), _file("a.nef")])
        yield from self._task("upload_postprocess", project, ids)
        share = max(1, round(self.events * size / self.photos))
        for _ in range(share // 5):
            yield self._of_photos("KeepChanged", project, self._some(ids, 5), before=_keep(True), after=_keep(False))
            yield self._of_photos("TagsChanged", project, self._some(ids, 10), added=["best"], tags=["best"])
        for _ in range(share // 16):
            yield from self._task("generate_derivatives", project, self._some(ids, 50))
        if self.random.random() < 0.3:
            yield from self._move(project, ids)

    def _project(self) -> int:
        if self.random.random() < LARGEST_SHARE or not self.projects:
            self.projects = self.projects or 1
            return 1
        self.projects += 1
        return self.projects

    def _some(self, ids: Sequence[int], most: int) -> list[int]:
        return sorted(self.random.sample(ids, self.random.randint(1, min(most, len(ids)))))

    def _move(self, project: int, ids: Sequence[int]) -> Iterator[Row]:
        others = {"source_project_id": project, "source_project_folder": f"Shoot {project}"}
        files = [_file("a.jpg") | {"source_name": "a.jpg"}]
        target = self.random.randint(1, self.projects)
        yield self._of_photos("PhotosMoved", target, ids, others, source_filename="IMG", files=files, **MADE)

    def _task(self, kind: str, project: int, ids: Sequence[int]) -> Iterator[Row]:
        """Yield a task with one job over ``ids``, its derivatives in events of 50."""
        self.tasks += 1
        about = {"task_id": str(task_id(self.tasks)), "task_type": kind}
        job = {
            **about,
            "job_id": str(UUID(int=(3 << 64) + self.tasks)),
            "attempt": 1,
            "job_type": kind,
            "scope": "photo_set",
            "source": "user",
        }
        targets = {"kind": "photos", "photo_ids": list(ids), "project_ids": [project] * len(ids)}
        asked = {"scope": "photo_set", "source": "user", "label": "Make derivatives", "targets": targets, "params": {}}
        step = {"job_type": kind, "service": "derivatives", "priority": 95, "lane": "priority", "over": "items"}
        task = task_id(self.tasks)
        yield self._of_task("TaskRequested", about | asked, task)
        steps = [step | {"size": 500, "jobs": 1}]
        yield self._of_task("TaskStarted", {**about, "items": len(ids), "steps": steps}, uuid5(task, "0"))
        place = {"step": 0, "index": 0, "dispatch": 1, "first": 0, "count": len(ids)}
        yield self._of_task("JobQueued", job | place, uuid5(task, "1"))
        yield self._of_task("JobStarted", {**job, "holder": "worker", "done": 0, "total": len(ids)})
        for first in range(0, len(ids), 50):
            yield self._of_photos("DerivativesUpdated", project, ids[first : first + 50], task=self.tasks, **MADE)
            yield self._of_task("JobProgress", {**job, "done": min(first + 50, len(ids)), "total": len(ids)})
        counts = {"done": len(ids), "failed": 0, "skipped": 0}
        yield self._of_task("JobCompleted", job | counts)
        yield self._of_task("TaskCompleted", about | counts, uuid5(event_id(self.seq), "0"))

    def _of_photos(
        self,
        word: str,
        project: int,
        ids: Sequence[int],
        more: dict[str, Any] | None = None,
        *,
        task: int | None = None,
        **each: Any,
    ) -> Row:
        photos = [{"photo_id": one, "filename": f"IMG_{one:07}", "version": self.seq + 1, **each} for one in ids]
        data = {"project_id": project, "project_folder": f"Shoot {project}", **(more or {}), "photos": photos}
        number = None if task is None else task_id(task)
        return self._row(word, data, (project_subject(TENANT, project), number, project), list(ids))

    def _of_task(self, word: str, data: dict[str, Any], identity: UUID | None = None) -> Row:
        """Return an event of the present task; what is decided has the id by which it is found again."""
        place = (task_subject(TENANT, data["task_type"]), task_id(self.tasks), None)
        return self._row(word, data, place, None, identity)

    def _row(
        self,
        word: str,
        data: dict[str, Any],
        place: tuple[str, UUID | None, int | None],
        ids: list[int] | None,
        identity: UUID | None = None,
    ) -> Row:
        self.seq += 1
        subject, task, project = place
        number, when = identity or event_id(self.seq), BEGIN + BETWEEN * self.seq
        actor = SCHEDULE if self.tasks % 10 == 0 else ACTORS[self.seq // 1000 % len(ACTORS)]
        document = {
            "specversion": "1.0",
            "id": str(number),
            "source": "/bench",
            "type": word,
            "subject": subject,
            "time": when.isoformat(),
            "datacontenttype": "application/json",
            "schemaversion": 1,
            "tenant": TENANT,
            "actor": actor,
            "data": data,
            **({} if task is None else {"correlationid": str(task)}),
        }
        payload = json.dumps(document, separators=(",", ":"))
        about = (self.seq, number, when, word, TENANT, subject, actor, task, project, ids)
        return (*about, payload, self.seq.to_bytes(32))


def _file(name: str) -> dict[str, Any]:
    return {"name": name, "kind": "jpg", "size": 20_000_000, "md5": "0123456789abcdef0123456789abcdef"}


def _keep(raw: bool) -> dict[str, bool]:
    return {"jpg": True, "raw": raw, "other": False}
