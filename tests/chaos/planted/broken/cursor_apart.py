"""The fold commits cursor and archive in a transaction of their own, before what follows from the events."""

from collections.abc import Sequence

from photobus_common.store.database import Connection
from photobus_common.store.event_log import Cursor
from photobus_orchestrator.fold import Fold, Received

_sound_archive = Fold._archive


async def archive(self: Fold, connection: Connection, last: int, fresh: Sequence[Received]) -> Cursor:
    """Pass the events for good; whoever dies now has counted them and done nothing about them."""
    async with self._database.transaction() as own:
        return await _sound_archive(self, own, last, fresh)
