"""A photobus of which only the answers are real, for tests of the command line: all that is asked becomes one task."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from aiohttp import web

TASK, JOB = UUID(int=7), UUID(int=8)
WHEN = "2024-01-01T00:00:00Z"
STEPS = [{"type": "file_removal", "priority": 100, "service": "filemover", "jobs": 1}]
PLAN = {"type": "some_task", "scope": "photo_set", "label": "Do it", "photos": 3, "projects": 2, "steps": STEPS}
PROJECT = {
    "id": 1,
    "name": "Trip",
    "folder": "Trip",
    "status": "active",
    "photos": 1200,
    "created_at": WHEN,
    "updated_at": WHEN,
}


def page(items: list[Any]) -> web.Response:
    """A list as all lists are."""
    return web.json_response({"items": items, "total": len(items), "next_cursor": None, "prev_cursor": None})


@dataclass
class Photobus:
    """Answers each request that changes something with ``plan`` or with a task of ``status``; keeps what was asked."""

    plan: dict[str, Any] = field(default_factory=lambda: dict(PLAN))
    status: str = "completed"
    failed: Sequence[dict[str, Any]] = ()
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    looked: asyncio.Event = field(default_factory=asyncio.Event)
    events: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)

    def task(self) -> dict[str, Any]:
        """The task as it stands."""
        about = {"type": "some_task", "scope": "photo_set", "status": self.status, "source": "user", "label": "Do it"}
        counts = {"items": 3, "done": 3 - len(self.failed), "failed": len(self.failed), "skipped": 0}
        return {"id": str(TASK), "created_at": WHEN, **about, **counts}

    async def act(self, request: web.Request) -> web.Response:
        """Take in a request that changes something."""
        body = json.loads(await request.read() or b"{}")
        self.asked.append((request.method, request.path, body))
        assert request.headers["Idempotency-Key"]
        if body.get("dry_run") or request.query.get("dry_run"):
            return web.json_response(self.plan)
        return web.json_response({"task": self.task()}, status=202)

    async def show_task(self, _request: web.Request) -> web.Response:
        self.looked.set()
        step = {"step": 0, "type": "file_removal", "jobs": 1, "done": 3 - len(self.failed), "skipped": 0}
        steps = [{**step, "failed": len(self.failed)}]
        return web.json_response({**self.task(), "progress_done": 1, "progress_total": 3, "steps": steps})

    async def jobs(self, request: web.Request) -> web.Response:
        assert request.query["task_id"] == str(TASK)
        about = {"job_type": "file_removal", "status": "completed", "attempt": 1, "failed": len(self.failed)}
        return page([{"id": str(JOB), "task_id": str(TASK), "created_at": WHEN, **about}])

    async def job(self, request: web.Request) -> web.Response:
        assert request.query["status"] == "failed"
        items = {"items": list(self.failed), "total": len(self.failed), "next_cursor": None, "prev_cursor": None}
        return web.json_response({"items": items})

    async def project(self, _request: web.Request) -> web.Response:
        return web.json_response(PROJECT)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        while True:
            event = await self.events.get()
            await answer.write(f"event: {event['name']}\ndata: {json.dumps(event)}\n\n".encode())

    def app(self) -> web.Application:
        application = web.Application()
        application.add_routes(
            [
                web.post("/api/photos/{what}", self.act),
                web.post("/api/tasks", self.act),
                web.post("/api/tasks/{task_id}/undo", self.act),
                web.delete("/api/projects/{folder}", self.act),
                web.get("/api/projects/{folder}", self.project),
                web.get("/api/tasks/{task_id}", self.show_task),
                web.get("/api/jobs", self.jobs),
                web.get("/api/jobs/{job_id}", self.job),
                web.get("/api/sse/stream", self.stream),
            ]
        )
        return application
