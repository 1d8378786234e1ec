"""Events and commands are published straight after the commit, and stand nowhere until the broker has them."""

from collections.abc import Sequence

from photobus_common.store.database import Connection
from photobus_common.store.unit_of_work import OutboxMessage


async def insert(connection: Connection, statement: str, messages: Sequence[OutboxMessage]) -> None:
    """Write nothing: they are about to be published anyway."""
