"""``project_stop_processes``: what works on a deleted project is stopped.

Tasks that work on nothing else are canceled; in jobs shared with other projects, the items of this one. Whatever comes
to its photos later cancels their items by itself (``Job.pending_items``).
"""

from photobus_common.archived_projects import Undertaking
from photobus_common.events.tasks import TaskCancelRequested
from photobus_common.store.deletions import open_item_jobs, tasks_at_work
from photobus_common.store.job_items import cancel_items_of_project
from photobus_common.worker import Job
from photobus_filemover.context import Context
from photobus_filemover.deleted import deletion_of


class ProjectStopProcesses:
    """The handler of the job type."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, job: Job) -> None:
        """Stop what works on the task's projects."""
        deletion = deletion_of(job, self._context)
        for project in await deletion.projects():
            await _stop(deletion, project.id)


async def _stop(deletion: Undertaking, project_id: int) -> None:
    tenant = deletion.job.command.tenant
    async with deletion.checkpoint(project_id) as (work, _):
        tasks = await tasks_at_work(work.connection, tenant, project_id)
        for task in tasks:
            if task.alone and not task.cancel_requested:
                work.emit(deletion.job.origin.event(TaskCancelRequested(task_id=task.id, task_type=task.type)))
        jobs = await open_item_jobs(work.connection, [task.id for task in tasks if not task.alone])
    for job_id in jobs:
        async with deletion.checkpoint(project_id) as (work, _):
            await cancel_items_of_project(work.connection, job_id, project_id)
