"""Deleting a project: whoever asks for that task, the project is archived in the transaction of the request.

So it is gone from every list with the answer; the task stops what works on it, and takes its folder and rows away.
"""

from dataclasses import replace
from typing import Final

from photobus_common.errors import FieldError, InvalidInputError, NotFoundError
from photobus_common.events import Origin
from photobus_common.events.projects import ProjectCanceled
from photobus_common.store import deletions
from photobus_common.store.confirmations import expire_of_projects
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.task_requests import Ask
from photobus_gateway.starting import AcceptedTask, Beside

TASK_TYPE: Final = "project_delete"


async def archive(work: UnitOfWork, origin: Origin, ask: Ask, task: AcceptedTask) -> None:
    """Archive the project that the task ``ask`` deletes; a task of another type archives nothing.

    Raises ``NotFoundError`` when it is not active any more. A retry may find it archived by the task that it retries.
    """
    if ask.definition.type != TASK_TYPE:
        return
    refuse_parts(ask)
    ids = ask.targets.project_ids
    archived = await deletions.archive_projects(work.connection, origin.tenant, ids, task.id, task.created_at)
    if not archived and ask.retry_of is None:
        raise NotFoundError("The project is no longer there.")
    for project in archived:
        data = ProjectCanceled(
            project_id=project.id,
            project_folder=project.folder,
            task_id=task.id,
            cause="deleted",
            name=project.name,
            version=project.version,
        )
        work.emit(replace(origin, correlation_id=task.id).event(data))
    await expire_of_projects(work, origin, [project.id for project in archived])


def refuse_parts(ask: Ask, field: str = "targets") -> None:
    """Raise ``InvalidInputError`` where photos, which ``field`` names, are to stand for all of their project."""
    if ask.definition.type == TASK_TYPE and ask.targets.kind != "projects":
        message = f"{TASK_TYPE} works on a whole project: name its folder, and no photos"
        raise InvalidInputError(f"{field}: {message}", fields=(FieldError(field, message),))


def beside(task_type: str) -> Beside | None:
    """Return what the request for a task of this type writes beside it."""
    return archive if task_type == TASK_TYPE else None
