"""What is done once all is quiet: maintenance puts in order what may lie about, and then must find nothing more."""

from typing import Any, Final

import asyncpg

from chaos.checker import Violation
from chaos.evidence import SIDECARS
from chaos.line import Line
from chaos.resting import come_to_rest

WHEN: Final = "at the maintenance after it"

ROUNDS: Final = (
    *("project_scavenge_global", "folder_discovery", "maintenance_global", "generate_derivatives"),
    *("maintenance_global", "integrity_check"),
)

UNTOUCHED: Final = frozenset({"missing", "untracked", "bit_rot", "changed_outside", "unreadable"})
"""What an integrity check only finds in a library that somebody else has changed."""

CHANGES: Final = "SELECT coalesce(sum(changed), 0) FROM maintenance_counts WHERE task_id = $1::uuid"
FINDINGS: Final = """
SELECT code, project_folder, subject, reason FROM maintenance_findings WHERE task_id = $1::uuid AND kind <> 'changed'
"""
CHANGED: Final = """
SELECT job_type, code, project_folder, subject, reason FROM maintenance_findings
WHERE task_id = $1::uuid AND kind = 'changed'
"""

LEFT: Final = "SELECT concat_ws(' ', id, kind, path) FROM project_operations WHERE state = 'open'"
"""A restoration that was canceled stays on record until somebody comes for it."""


async def put_in_order(line: Line, dsn: str, seconds: float) -> list[Violation]:
    """Run all of maintenance; the last round must change nothing, and the integrity check find everything as it was."""
    violations: list[Violation] = []
    tasks: list[str] = []
    for task_type in ROUNDS:
        answer = await line.ask("maintain library", "POST", "/api/tasks", {"type": task_type, "targets": {"all": True}})
        if answer is None or not answer.ok:
            return [Violation("upkeep", WHEN, f"{task_type} was not accepted: {answer}")]
        tasks.append(answer.data["task"]["id"])
        left = await come_to_rest(dsn, seconds)
        violations += [Violation("tasks", WHEN, f"{task_type} {tasks[-1]} does not end: {one}") for one in left]
        if left:
            return violations
    connection = await asyncpg.connect(dsn)
    try:
        return [Violation("upkeep", WHEN, found) for found in await _found(connection, tasks[-2], tasks[-1])]
    finally:
        await connection.close()


async def _found(connection: "asyncpg.Connection[Any]", last: str, integrity: str) -> list[str]:
    found = [f"an operation on a project is still open: {row[0]}" for row in await connection.fetch(LEFT)]
    changes = await connection.fetchval(CHANGES, last)
    if changes:
        lines = [" ".join(str(part) for part in row if part) for row in await connection.fetch(CHANGED, last)]
        found.append(f"maintenance {last} changed {changes} things a second time: {'; '.join(lines[:5])}")
    found.extend(
        f"integrity check: {row['code']} {row['project_folder']}/{row['subject']}: {row['reason']}"
        for row in await connection.fetch(FINDINGS, integrity)
        if row["code"] in UNTOUCHED and not _waits(row["code"], row["subject"])
    )
    return found


def _waits(code: str, subject: str | None) -> bool:
    """Whether it is a sidecar that came before its photo, or instead of it."""
    return code == "untracked" and (subject or "").endswith(SIDECARS)
