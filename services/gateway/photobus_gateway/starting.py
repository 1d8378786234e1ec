"""Starting a task: its request committed and answered with 202, or, as a dry run, what it would be."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from http import HTTPStatus
from typing import cast
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel

from photobus_common.config import Jobs
from photobus_common.definitions import StepDefinition
from photobus_common.events import Event, Origin
from photobus_common.events.parts import Scope, TaskSource
from photobus_common.events.tasks import Targets, TaskRequested
from photobus_common.store import photo_pages, undoing
from photobus_common.store.database import Connection
from photobus_common.store.filters import PhotoFilter
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.task_requests import Ask, request_task
from photobus_common.telemetry import TASKS_ACCEPTED
from photobus_gateway.callers import caller_of, origin_of
from photobus_gateway.dry_runs import foretell
from photobus_gateway.idempotency import IdempotencyHeaders, Outcome, emit_once, once
from photobus_gateway.keys import DATABASE, SETTINGS
from photobus_gateway.plans import PlannedStep, TaskPlan
from photobus_gateway.registry import json_response

Prepare = Callable[[Connection], Awaitable[Ask]]
"""Makes the ask with what the connection tells, or raises why it is refused."""


class AcceptedTask(BaseModel):
    """A task just asked for. ``job_count`` is there when the number of its photos is known already."""

    id: UUID
    type: str
    scope: Scope
    status: str
    source: TaskSource
    label: str
    job_count: int | None = None
    created_at: datetime


class TaskAnswer(BaseModel):
    """The task that was asked for."""

    task: AcceptedTask


Detail = Callable[[web.Request, Connection, Ask, TaskPlan], Awaitable[TaskPlan]]
"""Adds to a plan what would happen to each photo."""

Beside = Callable[[UnitOfWork, Origin, Ask, AcceptedTask], Awaitable[None]]
"""Writes what is true as soon as the task is asked for, in the transaction of the request."""


async def start(
    request: web.Request,
    headers: IdempotencyHeaders,
    body: BaseModel,
    prepare: Prepare,
    *,
    dry_run: bool = False,
    detail: Detail = foretell,
    beside: Beside | None = None,
) -> web.Response:
    """Answer with the task that was asked for (202), or with its plan (200) when it is a dry run.

    ``detail`` says in a plan what would become of each photo; ``beside`` writes more than the request.
    """
    if dry_run:
        async with request.app[DATABASE].connection() as connection:
            ask = await prepare(connection)
            plan = await _plan(connection, caller_of(request).tenant, ask, request.app[SETTINGS].jobs)
            plan = await detail(request, connection, ask, plan)
        return json_response(plan)
    accepted: list[Ask] = []

    async def act(work: UnitOfWork) -> Outcome:
        ask = await prepare(work.connection)
        accepted.append(ask)
        task = accept(work, request, ask)
        if beside is not None:
            await beside(work, origin_of(request), ask, task)
        return Outcome(HTTPStatus.ACCEPTED, TaskAnswer(task=task))

    response = await (emit_once if beside is None else once)(request, headers, body, act)
    for ask in accepted:
        TASKS_ACCEPTED.labels(ask.definition.type, ask.source).inc()
    return response


def requested(event: Event) -> tuple[TaskRequested, AcceptedTask]:
    """Return what the event asks for, and the task as it stands before the orchestrator has seen it."""
    data = cast("TaskRequested", event.data)
    task = AcceptedTask(
        id=event.id,
        type=data.task_type,
        scope=data.scope,
        status="requested",
        source=data.source,
        label=data.label,
        created_at=event.time,
    )
    return data, task


def accept(work: UnitOfWork, request: web.Request, ask: Ask) -> AcceptedTask:
    """Ask for the task in ``work``; return it as callers see it."""
    jobs = request.app[SETTINGS].jobs
    event = request_task(work, origin_of(request), ask)
    _, task = requested(event)
    if ask.targets.kind != "photos":
        return task
    photos, projects = len(ask.targets.photo_ids), len(set(ask.targets.project_ids))
    count = sum(_jobs_of(step, photos, projects, jobs) for step in ask.definition.steps)
    return task.model_copy(update={"job_count": count})


async def _plan(connection: Connection, tenant: str, ask: Ask, jobs: Jobs) -> TaskPlan:
    photos, projects = await _sizes(connection, tenant, ask.targets)
    steps = [
        PlannedStep(
            type=step.type,
            priority=step.priority,
            service=step.service,
            jobs=_jobs_of(step, photos, projects, jobs),
        )
        for step in ask.definition.steps
    ]
    definition = ask.definition
    return TaskPlan(
        type=definition.type,
        scope=definition.scope,
        label=definition.label,
        photos=photos,
        projects=projects,
        steps=steps,
    )


def _jobs_of(step: StepDefinition, photos: int, projects: int, jobs: Jobs) -> int:
    """Return how many jobs a step becomes: it is cut by size only, never by project."""
    if step.over == "items":
        return -(-photos // jobs.size_of(step.type))
    return 1 if step.over == "library" or projects else 0


async def _sizes(connection: Connection, tenant: str, targets: Targets) -> tuple[int, int]:
    """Return how many photos and projects the targets are."""
    match targets.kind:
        case "photos":
            return len(targets.photo_ids), len(set(targets.project_ids))
        case "projects":
            return await photo_pages.total_of_project_ids(connection, tenant, targets.project_ids), len(
                targets.project_ids
            )
        case "items_of" if targets.items_of is not None:
            return await undoing.size_of_task(connection, tenant, targets.items_of)
        case _:
            wanted = PhotoFilter.model_validate(targets.filter or {})
            return await photo_pages.exact_total(connection, tenant, wanted)
