"""Records a history: lets a story happen to a new system, as its owner starts it, and keeps its log and its rows.

``.venv/bin/python tests/replay/record.py by-people`` writes ``histories/by-people.jsonl`` and what it led to,
``by-people.end.json`` (tasks and jobs) and ``by-people.catalogue.json`` (projects and photos). A history that is there
is never written again: what a later version makes of the same story gets another name, as the second argument.
"""

import asyncio
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from socket import gethostname
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import asyncpg
from bus_traffic import until
from insight import stored
from recorded import HISTORIES, folded, rows
from running_stack import RunningStack
from shoot import Visit
from stories import SETTINGS, STORIES, Story

from photobus_common.store.catalogue_log import photo_rows, project_rows
from photobus_orchestrator.audit import verify

_HERE = f"@{gethostname()}:"
"""Of the names of workers, which say where they run."""

LOG = "SELECT payload FROM event_log ORDER BY seq"
LEFT = """
SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM tasks WHERE ended_at IS NULL) AS things
"""


async def record(story: str, name: str) -> None:
    """Let ``story`` happen, and keep it as ``name``."""
    place = HISTORIES / f"{name}.jsonl"
    if place.exists():
        sys.exit(f"{place} is there, and no history is ever changed")
    with tempfile.TemporaryDirectory(prefix="photobus-record-") as folder:
        await asyncio.to_thread(Path(folder).chmod, 0o711)  # the user that Postgres runs as enters it
        stack = RunningStack(Path(folder) / "data", **SETTINGS)
        await stack.start()
        try:
            async with Visit(stack) as photobus:
                await STORIES[story](Story(stack, photobus))
            await until(lambda: _at_rest(stack))
            log, catalogue = await _found(stack)
        finally:
            await stack.abandon()
    place.write_text("".join(line + "\n" for line in log), encoding="utf-8")
    _, transitions = folded(name)
    _write(f"{name}.end.json", rows(transitions))
    _write(f"{name}.catalogue.json", catalogue)


async def _at_rest(stack: RunningStack) -> bool:
    return [row["things"] for row in await stored(stack, LEFT)] == [0]


async def _found(stack: RunningStack) -> tuple[list[str], dict[str, Any]]:
    """Return the log and the rows of the catalogue, of which the audit has nothing to say."""
    dsn = (stack.data / "run" / "dsn").read_text().strip()
    report = await verify(dsn, None)
    assert report.exit_status == 0, report
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read"):
            log = [row["payload"].replace(_HERE, "@host:") for row in await connection.fetch(LOG)]
            projects = [asdict(row) async for row in project_rows(connection)]
            photos = [asdict(photo.row) async for photo in photo_rows(connection)]
    finally:
        await connection.close()
    return log, {"projects": projects, "photos": photos}


def _write(name: str, content: Any) -> None:
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, default=sorted)
    (HISTORIES / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1], sys.argv[-1]))
