"""The life of a task in words."""

from typing import Final

from photobus_common.events.tasks import (
    Targets,
    TargetsResolved,
    TargetsUnresolvable,
    TaskCanceled,
    TaskCancelRequested,
    TaskCompleted,
    TaskFailed,
    TaskRequested,
    TaskStarted,
)
from photobus_gateway.words.phrasing import counted, outcome, quoted, sentence_of


def _requested(data: TaskRequested) -> str:
    why = ""
    if data.undo_of is not None:
        why = ", to undo an earlier task"
    elif data.retry_of is not None:
        why = ", to try an earlier task again"
    return f"Task {quoted(data.label)} requested, on {_targets(data.targets)}{why}"


def _targets(targets: Targets) -> str:
    match targets.kind:
        case "photos":
            return counted(len(targets.photo_ids), "photo")
        case "projects":
            return counted(len(targets.project_ids), "project")
        case "filter":
            return "all photos that match a filter"
        case "all":
            return "the whole library"
        case "failed_items":
            return "the photos that failed in it"
        case "items_of":
            return "the photos of it"


def _resolved(data: TargetsResolved) -> str:
    if not data.total:
        return "No photos found for the task to work on"
    if data.parts == 1:
        return f"{counted(data.total, 'photo')} found for the task to work on"
    last = data.first + len(data.photo_ids)
    return f"Photos {data.first + 1} to {last} of {data.total} found for the task to work on"


def _unresolvable(data: TargetsUnresolvable) -> str:
    return f"The photos to work on cannot be found: {data.reason}"


def _started(data: TaskStarted) -> str:
    steps = counted(len(data.steps), "step")
    return (
        f"Task started, with {counted(data.items, 'photo')} in {steps}" if data.items else f"Task started, in {steps}"
    )


def _cancel_requested(data: TaskCancelRequested) -> str:
    return f"Task asked to stop: {data.reason}" if data.reason else "Task asked to stop"


def _canceled(_data: TaskCanceled) -> str:
    return "Task canceled"


def _completed(data: TaskCompleted) -> str:
    how = "completed with errors" if data.failed else "completed"
    return f"Task {how}: {outcome(data.done, data.failed, data.skipped)}"


def _failed(data: TaskFailed) -> str:
    return f"Task failed: {data.reason}"


SENTENCES: Final = (
    sentence_of(TaskRequested, _requested),
    sentence_of(TargetsResolved, _resolved),
    sentence_of(TargetsUnresolvable, _unresolvable),
    sentence_of(TaskStarted, _started),
    sentence_of(TaskCancelRequested, _cancel_requested),
    sentence_of(TaskCanceled, _canceled),
    sentence_of(TaskCompleted, _completed),
    sentence_of(TaskFailed, _failed),
)
