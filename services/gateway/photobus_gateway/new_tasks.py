"""From a caller's words to a requested task: its definition, its targets by id, its parameters.

Everything that can be refused is refused here, before anything is written: unknown types, targets that the definition
does not work on, ids that are nobody's, job types that nobody runs.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, NoReturn, Self

from aiohttp import web
from pydantic import Field, ValidationError, model_validator

from photobus_common.config import MAX_ITEMS
from photobus_common.definitions import TaskDefinition
from photobus_common.errors import ConflictError, FieldError, ForbiddenError, InvalidInputError, NotFoundError
from photobus_common.events.tasks import Targets
from photobus_common.store import photo_pages, projects
from photobus_common.store.database import Connection
from photobus_common.store.filters import MAX_TAGS, PhotoFilter, Tag
from photobus_common.task_requests import refuse_unprovided
from photobus_gateway.callers import Caller, caller_of
from photobus_gateway.inputs import Folder, Input, RowId, never_null, refuse_unless_one
from photobus_gateway.keys import DEFINITIONS
from photobus_gateway.problems import invalid

NAMED: Final = 20
"""How many unknown ids an error names."""

MAX_FILTER_BYTES: Final = 192 * 1024
"""Longest filter of a task, as its event has it beside all else (``MAX_EVENT_BYTES``)."""

ADMIN_TASKS: Final = frozenset({"project_delete", "project_restore", "project_scavenge"})
"""Tasks that need an admin although they are of one project; global ones all do."""

SCAVENGE: Final = "project_scavenge"
"""The task that works on deleted projects, named by the folder that they had."""

PhotoIds = Annotated[tuple[RowId, ...], Field(min_length=1, max_length=MAX_ITEMS)]
Folders = Annotated[tuple[Folder, ...], Field(min_length=1, max_length=MAX_ITEMS)]


class TargetSpec(Input):
    """What to work on: exactly one of these."""

    model_config = Input.model_config | {"json_schema_extra": {"minProperties": 1, "maxProperties": 1}}

    photo_ids: PhotoIds | None = Field(default=None, json_schema_extra=never_null)
    project_folders: Folders | None = Field(default=None, json_schema_extra=never_null)
    filter: PhotoFilter | None = Field(default=None, json_schema_extra=never_null)
    all: Literal[True] | None = Field(default=None, json_schema_extra=never_null)

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        refuse_unless_one(self, "photo_ids", "project_folders", "filter", "all")
        return self


class ForceParams(Input):
    """Parameters of tasks that make derivatives: ``force`` makes them again although they are up to date."""

    force: bool = False


class KeepParams(Input):
    """Parameters of ``keep_update``: which kinds are kept; what is absent stays as it is, and one at least is there."""

    keep_jpg: bool | None = None
    keep_raw: bool | None = None
    keep_other: bool | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.keep_jpg is None and self.keep_raw is None and self.keep_other is None:
            raise ValueError("give at least one of keep_jpg, keep_raw, keep_other")
        return self


class TagsParams(Input):
    """Parameters of ``tags_update``: tags that each photo gets and loses."""

    add: tuple[Tag, ...] = Field(default=(), max_length=MAX_TAGS)
    remove: tuple[Tag, ...] = Field(default=(), max_length=MAX_TAGS)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.add and not self.remove:
            raise ValueError("give tags to add or to remove")
        return self


class MoveParams(Input):
    """Parameters of ``image_move``: the folder of the project that photos go to."""

    dest_folder: Folder


class NoParams(Input):
    """Parameters of tasks that have none."""


PARAMS: Final[Mapping[str, type[Input]]] = {
    "generate_derivatives": ForceParams,
    "image_move": MoveParams,
    "upload_postprocess": ForceParams,
    "keep_update": KeepParams,
    "tags_update": TagsParams,
}
"""What ``params`` may hold, by task type; other tasks have none."""


def definition_for(request: web.Request, task_type: str, field: str = "type") -> TaskDefinition:
    """Return the definition if the caller may start it and services provide its job types."""
    definitions = request.app[DEFINITIONS]
    definition = definitions.get(task_type)
    if definition is None:
        message = f"there is no task {task_type!r}; there are: {', '.join(definitions)}"
        raise InvalidInputError(f"{field}: {message}", fields=(FieldError(field, message),))
    _refuse_role(caller_of(request), definition)
    refuse_unprovided(definition)
    return definition


def checked_params(definition: TaskDefinition, params: Mapping[str, Any], place: str = "params") -> dict[str, Any]:
    """Return the parameters that differ from their defaults; raises a 400 that names the one that is wrong.

    ``place`` is where they stand in the request.
    """
    model = PARAMS.get(definition.type, NoParams)
    try:
        given = model.model_validate_json(json.dumps(params), strict=True)  # a list is a list, as it is in a body
        return given.model_dump(mode="json", exclude_defaults=True)
    except ValidationError as error:
        raise invalid(error, place) from error


async def logged_params(connection: Connection, tenant: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return checked parameters as the log has them: with the id of a project, for its folder may get another name."""
    if "dest_folder" not in params:
        return dict(params)
    return await destination(connection, tenant, params["dest_folder"], "params.dest_folder")


async def destination(connection: Connection, tenant: str, folder: str, field: str) -> dict[str, Any]:
    """Return the parameters of a move into the project in ``folder``, which ``field`` names.

    Raises ``NotFoundError``, and ``ConflictError`` where it was deleted.
    """
    found = await projects.project_in_folder(connection, tenant, folder)
    if found is None:
        raise unknown_targets("project folders", field, [folder])
    if found["status"] != "active":
        message = f"The project in the folder {folder} was deleted."
        raise ConflictError(message, fields=(FieldError(field, message),))
    return {"dest_project_id": found["id"]}


async def resolve(connection: Connection, tenant: str, definition: TaskDefinition, spec: TargetSpec) -> Targets:
    """Turn what was asked for into ids; raises when it does not fit the definition's scope or is unknown."""
    if definition.scope == "global" and spec.all is None:
        _refuse("targets", f"{definition.type} works on the whole library: give all: true")
    if definition.type == SCAVENGE:
        if spec.project_folders is None or len(spec.project_folders) != 1:
            _refuse("targets", f"{SCAVENGE} works on a deleted project: name the folder that it had")
        return await deleted_targets(connection, tenant, spec.project_folders[0], "targets.project_folders")
    if spec.photo_ids is not None:
        targets = await photo_targets(connection, tenant, spec.photo_ids, "targets.photo_ids")
    elif spec.project_folders is not None:
        targets = await project_targets(connection, tenant, spec.project_folders, "targets.project_folders")
    elif spec.filter is not None:
        targets = filter_targets(spec.filter, "targets.filter")
    else:
        targets = Targets(kind="all")
    if definition.scope == "project":
        _refuse_many_projects(definition, targets)
    return targets


async def photo_targets(
    connection: Connection,
    tenant: str,
    photo_ids: Sequence[int],
    field: str,
    project_id: int | None = None,
) -> Targets:
    """Return the photos as targets, each once, project by project; all must lie in ``project_id`` if that is given.

    Photos of one folder stand together, so that a job opens few folders; within each they keep their order.
    """
    wanted = tuple(dict.fromkeys(photo_ids))
    found = await photo_pages.projects_of_photos(connection, tenant, wanted)
    unknown = [photo for photo in wanted if found.get(photo, 0) != (project_id or found.get(photo, -1))]
    if unknown:
        raise unknown_targets("photos", field, unknown)
    ordered = sorted(wanted, key=lambda photo: found[photo])
    return Targets(kind="photos", photo_ids=tuple(ordered), project_ids=tuple(found[photo] for photo in ordered))


async def project_targets(connection: Connection, tenant: str, folders: Iterable[str], field: str) -> Targets:
    """Return all photos of the projects in ``folders`` as targets."""
    wanted = list(dict.fromkeys(folders))
    found = await projects.ids_of_folders(connection, tenant, wanted)
    unknown = [folder for folder in wanted if folder not in found]
    if unknown:
        raise unknown_targets("project folders", field, unknown)
    return Targets(kind="projects", project_ids=tuple(found[folder] for folder in wanted))


async def deleted_targets(connection: Connection, tenant: str, folder: str, field: str) -> Targets:
    """Return the deleted projects that had ``folder`` as targets: one name may have been given several times."""
    found = await projects.deleted_in_folder(connection, tenant, folder)
    if not found:
        message = f"There is no deleted project that had the folder {folder}."
        raise NotFoundError(message, fields=(FieldError(field, message),))
    return Targets(kind="projects", project_ids=tuple(found))


def filter_targets(wanted: PhotoFilter, field: str) -> Targets:
    """Return all that ``wanted`` matches as targets; raises where no event could hold it."""
    descriptor = wanted.descriptor()
    size = len(json.dumps(descriptor, ensure_ascii=False).encode())
    if size > MAX_FILTER_BYTES:
        message = f"takes {size} bytes; at most {MAX_FILTER_BYTES} are allowed"
        raise InvalidInputError(f"{field}: {message}", fields=(FieldError(field, message, MAX_FILTER_BYTES),))
    return Targets(kind="filter", filter=descriptor)


def unknown_targets(what: str, field: str, unknown: Sequence[object]) -> NotFoundError:
    """Return the error that names what does not exist."""
    names = ", ".join(map(str, unknown[:NAMED]))
    more = f" and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
    message = f"Unknown {what}: {names}{more}."
    return NotFoundError(message, fields=(FieldError(field, message),))


def _refuse_role(caller: Caller, definition: TaskDefinition) -> None:
    admins_only = definition.scope == "global" or definition.type in ADMIN_TASKS
    if admins_only and not caller.may("admin"):
        raise ForbiddenError(f"{definition.type} needs the role admin; the token has the role {caller.role}.")


def _refuse_many_projects(definition: TaskDefinition, targets: Targets) -> None:
    of_one = targets.kind in ("photos", "projects") and len(set(targets.project_ids)) == 1
    filtered = targets.kind == "filter" and (targets.filter or {}).get("project_folder") is not None
    if not (of_one or filtered):
        _refuse("targets", f"{definition.type} works on one project: give photos, a filter or the folder of one")


def _refuse(field: str, message: str) -> NoReturn:
    raise InvalidInputError(f"{field}: {message}", fields=(FieldError(field, message),))
