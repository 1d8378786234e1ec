"""Which tasks can be undone, by what kind of task, and when there can be no other undo of one."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from photobus_common.errors import ConflictError, FieldError, InvalidInputError
from photobus_common.store.database import Connection
from photobus_common.store.undoing import earlier_undo

RESTORE: Final = "project_restore"

UNDONE_BY: Final[Mapping[str, str]] = {
    "image_move": "undo",
    "change_commit": "undo",
    "change_commit_all": "undo",
    "change_revert": "undo",
    "keep_update": "undo",
    "tags_update": "undo",
    "undo": "undo",
    "project_delete": RESTORE,
    RESTORE: "project_delete",
}
"""The kind of task that takes back what one of each of these kinds did."""


_ASKED_BY_UNDO: Final = frozenset({"undo", RESTORE})


def refuse_bare(task_type: str) -> None:
    """Raise ``InvalidInputError`` where an undo is asked for like any task, and so of nothing."""
    if task_type in _ASKED_BY_UNDO:
        message = f"{task_type} is asked for by POST /api/tasks/{{task_id}}/undo"
        raise InvalidInputError(f"type: {message}", fields=(FieldError("type", message),))


def undone_by(task_type: str) -> str:
    """Return the kind of task that undoes one of ``task_type``; raises ``ConflictError``."""
    if task_type not in UNDONE_BY:
        raise ConflictError(f"A task {task_type} cannot be undone; these can: {', '.join(UNDONE_BY)}.")
    return UNDONE_BY[task_type]


async def refuse_second_undo(connection: Connection, tenant: str, task_id: UUID) -> None:
    """Raise ``ConflictError`` where the task is being undone, or has been without errors."""
    earlier = await earlier_undo(connection, tenant, task_id, sorted(set(UNDONE_BY.values())))
    if earlier is not None and earlier.status == "completed":
        raise ConflictError(f"The task was undone by the task {earlier.id}; undo that to have it again.")
    if earlier is not None:
        raise ConflictError(f"The task is being undone by the task {earlier.id}.")
