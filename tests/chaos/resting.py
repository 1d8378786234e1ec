"""Coming to rest: nothing is open any more, or a list of what still is after so long."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import asyncpg

LOOK_EVERY: Final = 0.5
QUIET_LOOKS: Final = 3
"""So often in a row must nothing be open: what is asked of one part may be on its way to the next."""

OPEN: Final[Mapping[str, str]] = {
    "tasks": "SELECT id::text || ' ' || type || ' ' || status FROM tasks WHERE ended_at IS NULL",
    "messages in the outbox": "SELECT kind || ' ' || message_id || ' ' || subject FROM outbox",
    "uploads being placed": "SELECT id::text || ' ' || filename FROM uploads WHERE state = 'placing'",
    "photos waiting for a task": "SELECT photo_id::text || ' in batch ' || batch FROM upload_batches",
    "operations on files": "SELECT concat_ws(' ', id, kind, path) FROM file_operations WHERE state = 'open'",
}
"""What must come to an end by itself, by what it is called in a report."""

HEAD: Final = "SELECT (SELECT seq FROM fold_cursor) || ' ' || (SELECT count(*) FROM event_log)"


async def come_to_rest(dsn: str, seconds: float) -> list[str]:
    """Wait until nothing is open; return what still is after ``seconds``."""
    loop = asyncio.get_running_loop()
    deadline, quiet, before = loop.time() + seconds, 0, ""
    connection = await asyncpg.connect(dsn)
    try:
        while quiet < QUIET_LOOKS:
            left = await _left(connection)
            head = str(await connection.fetchval(HEAD))
            quiet = quiet + 1 if not left and head == before else 0
            before = head
            if loop.time() > deadline:
                return left
            await asyncio.sleep(LOOK_EVERY)
    finally:
        await connection.close()
    return []


async def _left(connection: "asyncpg.Connection[Any]") -> list[str]:
    left: list[str] = []
    for name, query in OPEN.items():
        found = [row[0] for row in await connection.fetch(query)]
        if found:
            more = f", and {len(found) - 5} more" if len(found) > 5 else ""
            left.append(f"{len(found)} {name}: {'; '.join(found[:5])}{more}")
    return left
