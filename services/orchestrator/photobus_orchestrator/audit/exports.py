"""Exports: events of the archive as JSON Lines, each line the very bytes that the log holds.

With positions, each stands in an envelope with its sequence and hash, and a last line says where the export ends: so
an export of everything can be proved to be whole, and imported.
"""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final
from uuid import UUID

from photobus_common.store import event_log
from photobus_common.store.database import Connection
from photobus_orchestrator.audit.snapshot import CannotAuditError, snapshot_of

FETCHED_AT_ONCE: Final = 200

BEGIN: Final = b'{"seq":%d,"hash":"%s","event":'

END: Final = b'{"end":{"seq":%d,"hash":"%s","events":%d}}\n'

SELECTED = """
SELECT seq, hash, convert_to(payload, 'UTF8') AS payload FROM event_log WHERE {conditions} ORDER BY seq
"""

Bound = int | datetime
"""A sequence of the log, or a time."""


LAST_SEQUENCE: Final = 2**63 - 1


def bound(text: str) -> Bound:
    """Read a sequence, or a time with its zone; raises ``ValueError`` with what is wanted."""
    if text.isascii() and text.isdigit() and int(text) <= LAST_SEQUENCE:
        return int(text)
    with suppress(ValueError):
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment
    raise ValueError(f"{text!r} is neither a sequence of the log nor a time with its zone, as 2026-03-01T12:00:00Z")


@dataclass(frozen=True)
class Selection:
    """Which events: those for which all that is given holds. Both bounds are included; a time is the event's own."""

    since: Bound | None = None
    until: Bound | None = None
    types: tuple[str, ...] = ()
    actor: str | None = None
    tenant: str | None = None
    task: UUID | None = None
    project: int | None = None
    photo: int | None = None

    def query(self) -> tuple[str, list[Any]]:
        """Return the statement and its parameters."""
        wanted = [
            (f"{_column(self.since)} >=", self.since),
            (f"{_column(self.until)} <=", self.until),
            ("actor =", self.actor),
            ("tenant =", self.tenant),
            ("task_id =", self.task),
            ("project_id =", self.project),
        ]
        conditions = ["true"]
        parameters: list[Any] = []
        for condition, value in wanted:
            if value is not None:
                parameters.append(value)
                conditions.append(f"{condition} ${len(parameters)}")
        if self.types:
            parameters.append(list(self.types))
            conditions.append(f"type = ANY(${len(parameters)}::text[])")
        if self.photo is not None:
            parameters.append([self.photo])
            conditions.append(f"photo_ids @> ${len(parameters)}::bigint[]")
        return SELECTED.format(conditions=" AND ".join(conditions)), parameters


def _column(bound: Bound | None) -> str:
    return "time" if isinstance(bound, datetime) else "seq"


async def export(dsn: str, selection: Selection, target: BinaryIO, *, positions: bool = False) -> int:
    """Write the selected events to ``target``; returns their number. Raises ``CannotAuditError``."""
    async with snapshot_of(dsn) as connection:
        written = 0
        async for line in _lines(connection, selection, positions=positions):
            target.write(line)
            written += 1
    return written - positions


async def _lines(connection: Connection, selection: Selection, *, positions: bool) -> AsyncIterator[bytes]:
    query, parameters = selection.query()
    last, chain, events = 0, event_log.CHAIN_START, 0
    async for row in connection.cursor(query, *parameters, prefetch=FETCHED_AT_ONCE):
        payload = row["payload"]
        if b"\n" in payload:
            raise CannotAuditError(f"Event {row['seq']} is not one line of JSON; `photobus audit verify` says more.")
        last, chain, events = row["seq"], row["hash"], events + 1
        yield BEGIN % (last, chain.hex().encode()) + payload + b"}\n" if positions else payload + b"\n"
    if positions:
        yield END % (last, chain.hex().encode(), events)


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of ``path`` when it is whole and on disk, and leaves nothing behind else."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
