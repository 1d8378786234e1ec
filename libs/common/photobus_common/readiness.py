"""What every service needs to be ready: its database and its broker."""

from collections.abc import Awaitable, Callable

from photobus_common.bus.connection import Broker
from photobus_common.errors import BrokerUnavailableError
from photobus_common.store.database import Database

Check = Callable[[], Awaitable[None]]


def readiness(database: Database, broker: Broker) -> dict[str, Check]:
    """Return the checks of database and broker for ``/readyz``, by name; each raises when the part does not answer."""

    async def reach_broker() -> None:
        if not broker.connected:
            raise BrokerUnavailableError("There is no connection to the broker.")

    return {"database": database.reach, "broker": reach_broker}
