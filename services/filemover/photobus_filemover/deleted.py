"""Jobs that delete a project, or bring it back, and what each makes way for."""

from photobus_common.archived_projects import Undertaking, is_being_restored
from photobus_common.store.deletions import is_being_deleted, is_open_task
from photobus_common.store.project_operations import open_operation
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker import Job
from photobus_filemover.context import Context


def deletion_of(job: Job, context: Context) -> Undertaking:
    """Return the undertaking of a task that deletes: it waits while another brings the project back."""
    return Undertaking(job, context.library, context.settings.filemover.lock_wait_seconds, is_being_restored)


def restoration_of(job: Job, context: Context) -> Undertaking:
    """Return the undertaking of a task that restores: it waits while another deletes the project, or restores it.

    Once it has begun it goes on, for then a deletion waits for it.
    """

    async def being_changed(work: UnitOfWork, project_id: int) -> bool:
        operation = await open_operation(work.connection, project_id)
        if operation is not None and operation.kind == "restore":
            other = operation.task_id != job.command.task_id
            return other and await is_open_task(work.connection, operation.task_id)
        return await is_being_deleted(work.connection, project_id)

    return Undertaking(job, context.library, context.settings.filemover.lock_wait_seconds, being_changed)
