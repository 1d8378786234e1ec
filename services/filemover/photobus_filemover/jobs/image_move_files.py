"""``image_move_files``: photos of any projects come to lie in one, with all that belongs to them."""

from photobus_common.worker import Job
from photobus_filemover.context import Context
from photobus_filemover.journeys import Journey, Mover, failures


class ImageMoveFiles:
    """The handler of the job type; ``dest_project_id`` among the task's parameters says where to."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, job: Job) -> None:
        """Move the photos of the job, project by project."""
        destination = int(job.command.params["dest_project_id"])
        journeys = [Journey(item, destination) for item in await job.pending_items()]
        gone = [one for one in journeys if one.item.gone]
        there = [one for one in journeys if not one.item.gone and one.item.project_id == destination]
        job.record(failures(gone, "The photo is no longer there.", "skipped"))
        job.record(failures(there, "It is there already.", "skipped"))
        await Mover(self._context, job).move(one for one in journeys if one not in gone and one not in there)
