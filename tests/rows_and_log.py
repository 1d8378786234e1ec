"""Whether the rows of the catalogue are as the log says, asked at the end of what has happened to them."""

from photobus_common.store.database import Database
from photobus_orchestrator.audit.catalogue import differences


async def disagreements(database: Database) -> list[str]:
    """Return every difference between the catalogue's rows and the log, archived or not, at one moment."""
    async with database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        return [line async for line in differences(connection)]
