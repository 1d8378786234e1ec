"""The fold of the log in several processes, each of which folds and compares a share of all tasks.

They see the very snapshot of the one that started them. A share is by the id of the task, and tasks know nothing of
each other, so what follows for one is the same whoever else is folded beside it.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from photobus_common.store import event_log
from photobus_common.store.database import Connection
from photobus_orchestrator.audit.garbage import rarely_collected
from photobus_orchestrator.audit.projections import ALL, Projections, Share
from photobus_orchestrator.audit.report import Section
from photobus_orchestrator.audit.snapshot import CannotAuditError

WORTH_PROCESSES: Final = 50_000
"""Events from which on more than one process is worth its start."""

MOST_PROCESSES: Final = 8

SHARE_PROCESS: Final = (sys.executable, "-m", "photobus_orchestrator.audit.share_process")

EXPORT_SNAPSHOT = "SELECT pg_export_snapshot()"

COUNT_EVENTS = "SELECT count(*) FROM (SELECT FROM event_log LIMIT $1) AS counted"


@dataclass
class Comparison:
    """What was wrong with the log where it was folded, how rows differ, and how many decisions had their fact."""

    log: Section = field(default_factory=lambda: Section("archive"))
    rows: Section = field(default_factory=lambda: Section("tasks and jobs"))
    decisions: int = 0


async def compare(connection: Connection, dsn: str, beside: Awaitable[None]) -> Sequence[Comparison]:
    """Fold the log of the transaction of ``connection`` and compare, a comparison a share.

    ``beside`` is what else is done on the connection, meanwhile or before.
    """
    with rarely_collected():
        number = await _processes(connection)
        if number == 1:
            await beside
            return [await compare_share(connection, ALL)]
        return await _compare_in_processes(connection, dsn, number, beside)


async def _compare_in_processes(
    connection: Connection, dsn: str, number: int, beside: Awaitable[None]
) -> Sequence[Comparison]:
    snapshot = str(await connection.fetchval(EXPORT_SNAPSHOT))
    shares = [asyncio.create_task(_in_process(dsn, snapshot, Share(number, which))) for which in range(number)]
    try:
        await beside
        return await asyncio.gather(*shares)
    finally:
        for share in shares:
            share.cancel()
        await asyncio.wait(shares)


async def _processes(connection: Connection) -> int:
    several = await connection.fetchval(COUNT_EVENTS, WORTH_PROCESSES) == WORTH_PROCESSES
    return min(len(os.sched_getaffinity(0)), MOST_PROCESSES) if several else 1


async def _in_process(dsn: str, snapshot: str, share: Share) -> Comparison:
    """Compare a share in a process of its own; what it is to do goes by its input, for it holds a password."""
    process = await asyncio.create_subprocess_exec(*SHARE_PROCESS, stdin=PIPE, stdout=PIPE)
    try:
        asked = json.dumps({"dsn": dsn, "snapshot": snapshot, "share": share})
        answer, _ = await process.communicate(asked.encode())
    finally:
        _end(process)
    if process.returncode:
        raise CannotAuditError(f"A process of the audit ended with status {process.returncode}.")
    return _read(json.loads(answer))


def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()


def _read(answer: dict[str, Any]) -> Comparison:
    return Comparison(Section(**answer["log"]), Section(**answer["rows"]), answer["decisions"])


async def compare_share(connection: Connection, share: Share) -> Comparison:
    """Fold a share of the log and compare it with the rows."""
    comparison, projections = Comparison(), Projections(connection, share)
    await projections.fold(await event_log.read_cursor(connection), comparison.log)
    await comparison.rows.differ_by(projections.differences())
    await projections.leave()
    comparison.decisions = projections.decisions
    return comparison
