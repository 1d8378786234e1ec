"""Tasks: asked for, listed, shown, canceled, tried again."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Self
from uuid import UUID

import asyncpg
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

from photobus_common.config import MAX_ITEMS
from photobus_common.errors import (
    ConflictError,
    FieldError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    NotProvidedError,
)
from photobus_common.events import Event
from photobus_common.events.parts import Scope
from photobus_common.events.tasks import Targets, TaskCancelRequested
from photobus_common.store import task_views, undoing
from photobus_common.store.confirmations import open_of_task
from photobus_common.store.database import Connection
from photobus_common.store.filters import PhotoFilter
from photobus_common.store.history import BY_SEQUENCE
from photobus_common.store.reconciliation import projects_of_tenant
from photobus_common.store.task_views import NEWEST_TASKS, TaskFilter
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.task_requests import Ask
from photobus_gateway.as_of import AS_OF, AsOf, AsOfInput
from photobus_gateway.callers import caller_of, origin_of
from photobus_gateway.confirmation_views import SHOWN_WITH_TASK
from photobus_gateway.deleting import archive, beside, refuse_parts
from photobus_gateway.idempotency import IdempotencyHeaders, KeyReusedError, Outcome, emit_once
from photobus_gateway.inputs import Input, PageQuery, RowId, never_null, one_of, refuse_unless_one
from photobus_gateway.keys import DATABASE, DEFINITIONS
from photobus_gateway.new_tasks import (
    TargetSpec,
    checked_params,
    definition_for,
    filter_targets,
    logged_params,
    photo_targets,
    resolve,
)
from photobus_gateway.plans import AnyPlan, DerivativesPlan
from photobus_gateway.registry import route
from photobus_gateway.starting import TaskAnswer, requested, start
from photobus_gateway.task_answers import (
    ENDED,
    TaskDetail,
    TaskList,
    TaskStatus,
    TaskView,
    task_detail,
    task_of_request,
)
from photobus_gateway.tasks_as_of import list_as_of, show_as_of
from photobus_gateway.undos import refuse_bare, refuse_second_undo

_REFUSALS = (ForbiddenError, NotFoundError, KeyReusedError, NotProvidedError)


class NewTask(Input):
    """A task: what kind, on what, how. ``scope``, if given, must be the definition's."""

    type: str = Field(min_length=1, max_length=100)
    scope: Scope | None = None
    targets: TargetSpec
    params: dict[str, Any] = Field(default_factory=dict, max_length=20)
    dry_run: bool = Field(default=False, description="Answer 200 with what would be done, and do nothing.")


class PhotoRef(Input):
    """A photo by its id."""

    photo_id: RowId


PhotoRefs = Annotated[tuple[PhotoRef, ...], Field(min_length=1, max_length=MAX_ITEMS)]


class ProcessPhotos(Input):
    """Photos whose derivatives are to be made: exactly one of ``items`` and ``filter``."""

    model_config = Input.model_config | ConfigDict(json_schema_extra=one_of("items", "filter"))

    items: PhotoRefs | None = Field(default=None, json_schema_extra=never_null)
    filter: PhotoFilter | None = Field(default=None, json_schema_extra=never_null)
    force: bool = Field(default=False, description="Also where the derivatives are up to date.")
    dry_run: bool = Field(default=False, description="Answer 200 with what would be done, and do nothing.")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        refuse_unless_one(self, "items", "filter")
        return self


class TasksQuery(PageQuery):
    """Which tasks; a repeated parameter means any of its values."""

    status: tuple[TaskStatus, ...] = Field(default=(), max_length=10)
    type: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(default=(), max_length=50)
    as_of: AsOfInput | None = Field(default=None, description=AS_OF)


class TaskQuery(Input):
    """When."""

    as_of: AsOfInput | None = Field(default=None, description=AS_OF)


class TaskPath(Input):
    """A path that names a task."""

    task_id: UUID


class StepDefinitionView(BaseModel):
    """One step of a definition."""

    type: str
    priority: int
    service: str


class TaskDefinitionView(BaseModel):
    """A task that can be asked for; one with ``missing_job_types`` is refused with 501 in this version."""

    type: str
    label: str
    user_relevant: bool
    scope: Scope
    cancelable: bool
    steps: list[StepDefinitionView]
    missing_job_types: list[str]


class DefinitionList(RootModel[list[TaskDefinitionView]]):
    """All definitions."""


@route(
    "POST",
    "/api/tasks",
    role="editor",
    summary="Start a task",
    response={202: TaskAnswer, 200: AnyPlan},
    errors=(*_REFUSALS, ConflictError),
)
async def create_task(request: web.Request, headers: IdempotencyHeaders, body: NewTask) -> web.Response:
    """Start any definition over photos, projects, a filter or everything; global ones need the role admin.

    It is answered as soon as it is committed; `GET /api/tasks/{task_id}` and the live updates tell how it goes.
    """
    definition = definition_for(request, body.type)
    refuse_bare(definition.type)
    if body.scope not in (None, definition.scope):
        message = f"{body.type} has the scope {definition.scope}"
        raise InvalidInputError(f"scope: {message}", fields=(FieldError("scope", message),))
    params = checked_params(definition, body.params)

    async def prepare(connection: Connection) -> Ask:
        tenant = caller_of(request).tenant
        targets = await resolve(connection, tenant, definition, body.targets)
        ask = Ask(definition, targets, await logged_params(connection, tenant, params))
        refuse_parts(ask)
        return ask

    return await start(request, headers, body, prepare, dry_run=body.dry_run, beside=beside(definition.type))


@route(
    "POST",
    "/api/photos/process",
    role="editor",
    summary="Make thumbnails and previews",
    response={202: TaskAnswer, 200: DerivativesPlan},
    errors=_REFUSALS,
)
async def process_photos(request: web.Request, headers: IdempotencyHeaders, body: ProcessPhotos) -> web.Response:
    """Make the derivatives of the given photos, or of all that a filter matches, as one task."""
    definition = definition_for(request, "generate_derivatives")
    params = checked_params(definition, {"force": body.force}, place="")

    async def prepare(connection: Connection) -> Ask:
        if body.filter is not None:
            return Ask(definition, filter_targets(body.filter, "filter"), params)
        photo_ids = [item.photo_id for item in body.items or ()]
        targets = await photo_targets(connection, caller_of(request).tenant, photo_ids, "items")
        return Ask(definition, targets, params)

    return await start(request, headers, body, prepare, dry_run=body.dry_run)


@route("GET", "/api/tasks", role="viewer", summary="List tasks")
async def list_tasks(request: web.Request, query: TasksQuery) -> TaskList:
    """List tasks, newest first. One that was asked for a moment ago may not be in it yet.

    With `as_of` each is shown as it stood then, by the log alone. Asked for some statuses, a page then may hold fewer
    tasks than its limit though others follow, and `total` counts tasks of any status.
    """
    tenant, limit = caller_of(request).tenant, query.bounded(request)
    wanted = TaskFilter(query.status, query.type)
    start_at = query.start(NEWEST_TASKS if query.as_of is None else BY_SEQUENCE)
    async with request.app[DATABASE].connection() as connection:
        if query.as_of is not None:
            seq = await query.as_of.position(connection, tenant)
            return await list_as_of(connection, tenant, wanted, seq, start_at, limit)
        found = await task_views.page_of_tasks(connection, tenant, wanted, start_at, limit)
    return TaskList(
        items=[TaskView(**row) for row in found.page.rows],
        total=found.total,
        total_exact=found.exact,
        next_cursor=found.page.next_cursor,
        prev_cursor=found.page.prev_cursor,
    )


@route("GET", "/api/tasks/definitions", role="viewer", summary="What tasks there are")
async def list_definitions(request: web.Request) -> DefinitionList:
    """List every task that can be asked for, with its steps in their order."""
    return DefinitionList(
        [
            TaskDefinitionView(
                type=definition.type,
                label=definition.label,
                user_relevant=definition.user_relevant,
                scope=definition.scope,
                cancelable=definition.cancelable,
                steps=[
                    StepDefinitionView(type=step.type, priority=step.priority, service=step.service)
                    for step in definition.steps
                ],
                missing_job_types=list(definition.missing_job_types),
            )
            for definition in request.app[DEFINITIONS].values()
        ]
    )


@route("GET", "/api/tasks/{task_id}", role="viewer", summary="One task", errors=(NotFoundError,))
async def show_task(request: web.Request, path: TaskPath, query: TaskQuery) -> TaskDetail:
    """Show a task, its steps and its progress, from the moment it was accepted; with `as_of`, as it stood then."""
    definitions = request.app[DEFINITIONS]
    async with request.app[DATABASE].connection() as connection:
        if query.as_of is not None:
            return await _task_as_of(request, connection, path.task_id, query.as_of)
        found = await _task(connection, caller_of(request).tenant, path.task_id)
        if isinstance(found, Event):
            view = task_of_request(found)
            return task_detail(view, definitions.get(view.type), None, [])
        steps = await task_views.steps_of_task(connection, path.task_id)
        asked = await open_of_task(connection, caller_of(request).tenant, path.task_id, SHOWN_WITH_TASK)
    view = TaskView(**found)
    return task_detail(view, definitions.get(view.type), found["plan"], steps, asked)


@route(
    "POST",
    "/api/tasks/{task_id}/cancel",
    role="editor",
    summary="Cancel a task",
    response={202: TaskView},
    errors=(NotFoundError, ConflictError),
)
async def cancel_task(request: web.Request, path: TaskPath) -> web.Response:
    """Ask for the task to be stopped. What is done stays done; photos not yet worked on are left as they are.

    The deletion of a project cannot be stopped: its project is gone with the answer. An undo brings it back.
    """
    definitions = request.app[DEFINITIONS]

    async def act(work: UnitOfWork) -> Outcome:
        view = await _view(work.connection, caller_of(request).tenant, path.task_id)
        if view.status in ENDED:
            raise ConflictError(f"The task has ended: {view.status}.")
        if view.type in definitions and not definitions[view.type].cancelable:
            raise ConflictError(f"A task {view.type} cannot be stopped. Undo it when it has ended.")
        work.emit(origin_of(request).event(TaskCancelRequested(task_id=view.id, task_type=view.type)))
        return Outcome(HTTPStatus.ACCEPTED, view)

    return await emit_once(request, IdempotencyHeaders(), path, act)


@route(
    "POST",
    "/api/tasks/{task_id}/retry",
    role="editor",
    summary="Try a task again",
    response={202: TaskAnswer},
    errors=(*_REFUSALS, ConflictError),
)
async def retry_task(request: web.Request, headers: IdempotencyHeaders, path: TaskPath) -> web.Response:
    """Start a new task like this one over what failed, or over all of its targets if it broke off."""

    async def prepare(connection: Connection) -> Ask:
        tenant = caller_of(request).tenant
        view = await _view(connection, tenant, path.task_id)
        asked = await task_views.request_of_task(connection, tenant, path.task_id)
        if view.status not in ENDED or asked is None:
            raise ConflictError(f"The task has not ended: {view.status}.")
        if view.status == "completed":
            raise ConflictError("Nothing of the task failed.")
        data = requested(asked)[0]
        await _refuse_lost_destination(connection, tenant, data.params)
        if data.undo_of is not None:  # over all again, since photos that failed to come back are no photos to target
            await undoing.hold_undo(connection, data.undo_of)
            await refuse_second_undo(connection, tenant, data.undo_of)
        failed_only = view.status == "completed_with_errors" and data.undo_of is None
        targets = Targets(kind="failed_items", failed_of=view.id) if failed_only else data.targets
        definition = definition_for(request, view.type)
        return Ask(definition, targets, data.params, retry_of=view.id, undo_of=data.undo_of)

    return await start(request, headers, path, prepare, beside=archive)


async def _refuse_lost_destination(connection: Connection, tenant: str, params: Mapping[str, Any]) -> None:
    """Raise ``ConflictError`` where photos would move into a project that was deleted since."""
    project_id = params.get("dest_project_id")
    if project_id is None:
        return
    project = (await projects_of_tenant(connection, tenant, [project_id])).get(project_id)
    if project is None or not project.active:
        name = "" if project is None else f" {project.name}"
        message = f"The project{name}, where its photos were to go, was deleted."
        raise ConflictError(message, fields=(FieldError("path.task_id", message),))


async def _task(connection: Connection, tenant: str, task_id: UUID) -> asyncpg.Record | Event:
    found = await task_views.task_or_request(connection, tenant, task_id)
    if found is None:
        raise unknown_task(task_id)
    return found


async def _task_as_of(request: web.Request, connection: Connection, task_id: UUID, as_of: AsOf) -> TaskDetail:
    tenant = caller_of(request).tenant
    seq = await as_of.position(connection, tenant)
    found = await show_as_of(connection, request.app[DEFINITIONS], tenant, task_id, seq)
    if found is None:
        raise unknown_task(task_id)
    return found


def unknown_task(task_id: UUID) -> NotFoundError:
    """Return the error that names the task which the path names."""
    message = f"There is no task {task_id}."
    return NotFoundError(message, fields=(FieldError("path.task_id", message),))


async def _view(connection: Connection, tenant: str, task_id: UUID) -> TaskView:
    found = await _task(connection, tenant, task_id)
    return task_of_request(found) if isinstance(found, Event) else TaskView(**found)


ROUTES = [
    create_task,
    process_photos,
    list_tasks,
    list_definitions,
    show_task,
    cancel_task,
    retry_task,
]
