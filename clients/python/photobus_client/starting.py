"""Starting tasks: the task that was asked for, or, as a dry run, what it would be."""

from collections.abc import Mapping
from typing import Any, TypeVar

from photobus_client.models import Task
from photobus_client.plans import TaskPlan
from photobus_client.transport import Transport

PlanT = TypeVar("PlanT", bound=TaskPlan)


async def start(
    transport: Transport, path: str, body: Mapping[str, Any], plan: type[PlanT], *, dry_run: bool
) -> Task | PlanT:
    """Post ``body`` and return the task, or its ``plan`` when it is a dry run."""
    answer = await transport.once("POST", path, {**body, "dry_run": True} if dry_run else body)
    return plan.model_validate(answer) if dry_run else task_of(answer)


def task_of(answer: Any) -> Task:
    """Read the answer to a request for a task."""
    return Task.model_validate(answer.get("task", answer))
