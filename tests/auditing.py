"""An archive with a stream that holds the same, for tests of what an audit finds when one of them was changed."""

from collections.abc import Sequence
from uuid import uuid4

from folding import Log
from orchestration import TENANT, Narrator

from photobus_common.bus.connection import Broker
from photobus_common.config import Settings
from photobus_common.events import Origin
from photobus_common.events.access import TokenCreated
from photobus_common.store import event_log
from photobus_common.store.database import Database
from photobus_orchestrator.audit import Report, server_at, verify

PAYLOADS = "SELECT subject, payload FROM event_log WHERE seq >= $1 ORDER BY seq"
ROWS = "SELECT seq, payload FROM event_log WHERE seq >= $1 ORDER BY seq"


async def archive(database: Database) -> Log:
    """Fold two tasks, one of which goes on, and an event that is only archived; returns the log."""
    log = Log(database)
    ended, going_on = Narrator(task=uuid4()), Narrator(task=uuid4())
    origin = Origin("/test", TENANT, "ada")
    await log.fold(ended.requested(3), going_on.requested(2))
    await log.fold(ended.started(), origin.event(TokenCreated(token_id=uuid4(), name="Trip", role="viewer")))
    await log.fold(ended.completed(done=3), going_on.started())
    await log.come_back()
    return log


async def publish(broker: Broker, database: Database, first: int = 1) -> None:
    """Publish what the archive holds from ``first`` on, so that a new stream holds the very same."""
    async with database.connection() as connection:
        rows = await connection.fetch(PAYLOADS, first)
    for row in rows:
        await broker.client.jetstream().publish(row["subject"], row["payload"].encode())


async def execute(database: Database, *statements: str) -> None:
    """Change rows by hand, in one transaction; each statement must change something."""
    async with database.transaction() as connection:
        for statement in statements:
            assert not (await connection.execute(statement)).endswith(" 0"), statement


async def hash_anew(database: Database, first: int, *, only: bool = False) -> None:
    """Hash the rows from ``first`` on, or ``only`` that one, as if nothing had been changed; the cursor, too."""
    async with database.transaction() as connection:
        chain = await connection.fetchval("SELECT hash FROM event_log WHERE seq < $1 ORDER BY seq DESC LIMIT 1", first)
        for row in (await connection.fetch(ROWS, first))[: 1 if only else None]:
            chain = event_log.link(chain, row["seq"], row["payload"].encode())
            await connection.execute("UPDATE event_log SET hash = $2 WHERE seq = $1", row["seq"], chain)
        if not only:
            await connection.execute("UPDATE fold_cursor SET hash = $1", chain)


def address(settings: Settings) -> str:
    """Return the broker's address as the command line takes it."""
    nats = settings.nats
    return nats.url.replace("//", f"//{nats.user}:{nats.password}@")


async def audit(settings: Settings) -> Report:
    """Verify, the stream included."""
    return await verify(settings.postgres.dsn, server_at(address(settings)))


def found(report: Report) -> dict[str, Sequence[str]]:
    """Return the differences by the section that has any."""
    return {section.name: section.differences for section in report.sections if section.differences}


def places(report: Report) -> dict[str, list[str]]:
    """Return the places that each section names, without what is wrong there."""
    return {name: [line.partition(":")[0] for line in lines] for name, lines in found(report).items()}
