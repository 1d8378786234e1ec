"""The row of an event leaves the outbox when the broker has the event, not when the archive has it."""

from photobus_common.bus.settling import Settler
from photobus_common.bus.window import Entry


def published(self: Settler, entry: Entry) -> None:
    """Have the row deleted, of whatever kind it is."""
    self._note(self._commands, entry.message.id)
