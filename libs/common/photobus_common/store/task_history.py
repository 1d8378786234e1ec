"""Tasks as they stood when the log had come to a place, read from the archive alone."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from photobus_common.events import decode
from photobus_common.store import keyset
from photobus_common.store.conditions import Conditions
from photobus_common.store.database import Connection
from photobus_common.store.history import BY_SEQUENCE
from photobus_common.store.keyset import Cursor, Page, Selection
from photobus_common.subjects import task_subject
from photobus_common.task_history import Logged

COUNTED: Final = 10_000
"""Up to how many tasks are counted for the total of a list, as in the list of the present."""

# The event that asks for a task has the task's id.
COLUMNS: Final = "e.event_id AS id, e.seq AS sort_key, e.seq AS sort_tie"

EVENTS_OF_TASKS: Final = """
SELECT task_id, seq, event_id, CASE WHEN type = ANY($4::text[]) THEN payload END AS payload
FROM event_log
WHERE tenant = $1 AND task_id = ANY($2::uuid[]) AND type = ANY($3::text[])
ORDER BY task_id, seq
"""


def tasks_as_of(tenant: str, task_types: Sequence[str], seq: int) -> Selection:
    """Return which events ask for the tenant's tasks of these types, of any if there are none, up to ``seq``."""
    where = Conditions()
    where.add("e.tenant = {}", tenant)
    where.add("e.type = 'TaskRequested'")
    where.add("e.seq <= {}", seq)
    where.add_any("e.subject", [task_subject(tenant, task_type) for task_type in task_types])
    return Selection(COLUMNS, "event_log e", where.sql, where.params)


async def page_of_tasks_as_of(
    connection: Connection, selection: Selection, cursor: Cursor | None, limit: int
) -> tuple[Page, int, bool]:
    """Return a page of the ids of tasks, the last one asked for first; how many there are; whether that is exact."""
    page = await keyset.read_page(connection, selection, BY_SEQUENCE, cursor, limit)
    return page, *await keyset.bounded_count(connection, selection, COUNTED)


async def logs_of_tasks(
    connection: Connection, tenant: str, task_ids: Sequence[UUID], types: Sequence[str], told: Sequence[str]
) -> dict[UUID, list[Logged]]:
    """Return the events of ``types`` of each task, in the log's order; only those of ``told`` with what they tell."""
    logs: dict[UUID, list[Logged]] = {task_id: [] for task_id in task_ids}
    for row in await connection.fetch(EVENTS_OF_TASKS, tenant, task_ids, types, told):
        event = None if row["payload"] is None else decode(row["payload"])
        logs[row["task_id"]].append(Logged(row["seq"], row["event_id"], event))
    return logs
