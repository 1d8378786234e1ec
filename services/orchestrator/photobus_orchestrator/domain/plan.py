"""How a task becomes steps, a step jobs, and a job a command. Jobs are cut by size only."""

from collections.abc import Mapping
from dataclasses import dataclass

from photobus_common.commands import RunJob
from photobus_common.config import Jobs, Pipeline
from photobus_common.definitions import StepDefinition, TaskDefinition
from photobus_common.events.tasks import JobQueued, StepPlan, Targets
from photobus_common.subjects import lane_of
from photobus_orchestrator.domain.state import TaskState

_BULK_JOB_TYPES = frozenset({"generate_derivatives", "upload_postprocess"})

# Photos of equal names get numbers where they go, each the next that is free. In order, these are as the dry run told.
# It costs no time: whoever moves photos holds the lock of the one folder that they all go to.
_ONE_AFTER_THE_OTHER = frozenset({"image_move_files"})


@dataclass(frozen=True)
class Rules:
    """What decisions depend on beside the state: the task definitions and the settings of jobs."""

    definitions: Mapping[str, TaskDefinition]
    pipeline: Pipeline
    jobs: Jobs


def needs_snapshot(definition: TaskDefinition, targets: Targets) -> bool:
    """Whether ``targets`` must be resolved to photos before the task can start."""
    return targets.kind in ("filter", "failed_items", "items_of") or definition.over("items")


def plan_steps(state: TaskState, definition: TaskDefinition, rules: Rules) -> tuple[StepPlan, ...]:
    """Plan the steps of a task whose snapshot is whole."""
    idle = definition.over("items") and state.items == 0
    return tuple(_plan_step(state, step, rules, idle=idle) for step in definition.steps)


def _plan_step(state: TaskState, step: StepDefinition, rules: Rules, *, idle: bool) -> StepPlan:
    size = rules.jobs.size_of(step.type)
    priority = _priority(state, step, rules)
    jobs = {"items": -(-state.items // size), "projects": int(state.projects), "library": 1}[step.over]
    return StepPlan(
        job_type=step.type,
        service=step.service,
        priority=priority,
        lane=lane_of(priority, rules.pipeline.priority_threshold),
        over=step.over,
        size=size,
        jobs=0 if idle else jobs,
    )


def _priority(state: TaskState, step: StepDefinition, rules: Rules) -> int:
    """Return the step's priority; a bulk regeneration must not stand in the way of a fresh upload's thumbnails."""
    is_bulk = step.type in _BULK_JOB_TYPES and state.source != "upload" and state.items > rules.pipeline.bulk_items
    return min(step.priority, rules.pipeline.bulk_priority) if is_bulk else step.priority


def items_of_job(state: TaskState, step: int, index: int) -> tuple[int, int]:
    """Return the first position and the number of items of a job; both 0 for a step over projects or the library."""
    plan = state.steps[step]
    if plan.over != "items":
        return 0, 0
    first = index * plan.size
    return first, min(plan.size, state.items - first)


def jobs_at_once(step: StepPlan, rules: Rules) -> int:
    """Return how many jobs of a step may be open at a time."""
    return 1 if step.job_type in _ONE_AFTER_THE_OTHER else rules.pipeline.max_jobs_in_flight


def command_of(state: TaskState, queued: JobQueued) -> RunJob:
    """Return the command that ``queued`` announces."""
    plan = state.steps[queued.step]
    return RunJob(
        job_id=queued.job_id,
        task_id=state.id,
        task_type=state.type,
        tenant=state.tenant,
        actor=state.actor,
        job_type=plan.job_type,
        service=plan.service,
        lane=plan.lane,
        priority=plan.priority,
        over=plan.over,
        attempt=queued.attempt,
        dispatch=queued.dispatch,
        first=queued.first,
        count=queued.count,
        scope=state.scope,
        source=state.source,
        params=state.params,
    )
