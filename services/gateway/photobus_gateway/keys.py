"""What the composition root puts into the application, by typed key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from photobus_common.config import Settings
from photobus_common.store.database import Database
from photobus_common.store.emitting import Emitter
from photobus_common.store.unit_of_work import Publisher

if TYPE_CHECKING:  # the parts import their keys from here, and a key needs no class at run time
    from photobus_common.bus.connection import Broker
    from photobus_common.definitions import Definitions
    from photobus_common.storage.library import Library
    from photobus_gateway.auth import Authenticator
    from photobus_gateway.sse import Hub

SETTINGS: Final[web.AppKey[Settings]] = web.AppKey("settings", Settings)
DATABASE: Final[web.AppKey[Database]] = web.AppKey("database", Database)
PUBLISHER: Final[web.AppKey[Publisher]] = web.AppKey("publisher")
"""Takes outbox messages after their commit: events are emitted in ``unit_of_work(app[DATABASE], app[PUBLISHER])``."""
EMITTER: Final[web.AppKey[Emitter]] = web.AppKey("emitter", Emitter)
BROKER: Final[web.AppKey[Broker]] = web.AppKey("broker")
LIBRARY: Final[web.AppKey[Library]] = web.AppKey("library")
DEFINITIONS: Final[web.AppKey[Definitions]] = web.AppKey("definitions")
HUB: Final[web.AppKey[Hub]] = web.AppKey("hub")
AUTHENTICATOR: Final[web.AppKey[Authenticator]] = web.AppKey("authenticator")
