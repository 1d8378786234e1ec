"""Asking for the derivatives of photos that are shown anew, by a task that this one causes."""

from collections.abc import Sequence

from photobus_common.events.tasks import Targets
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.task_requests import Ask, request_task
from photobus_maintenance.visits import Visit


def ask_for_derivatives(visit: Visit, work: UnitOfWork, photo_ids: Sequence[int]) -> None:
    """Ask for those of photos of the visited project, at most 2,000, in the transaction that makes them pending."""
    if photo_ids:
        definition = visit.context.definitions["generate_derivatives"]
        projects = (visit.project.id,) * len(photo_ids)
        targets = Targets(kind="photos", photo_ids=tuple(photo_ids), project_ids=projects)
        request_task(work, visit.job.origin, Ask(definition, targets, source="task"))
