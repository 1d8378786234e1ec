"""What the product writes is committed only with an event that tells of it: the databases of tests see to that."""

from uuid import uuid4

import asyncpg
import pytest
from folding import LeftInOutbox

from photobus_common.events import EventData, Origin
from photobus_common.events.access import TokenRevoked
from photobus_common.store.database import Database
from photobus_common.store.tenants import INSERT_TENANT, create_tenant
from photobus_common.store.unit_of_work import unit_of_work

ORIGIN = Origin("/test", "user_7", "test")


async def write(database: Database, *said: EventData) -> None:
    """Make a tenant by the query alone, and say these events."""
    async with unit_of_work(database, LeftInOutbox()) as work:
        await work.connection.execute(INSERT_TENANT, f"user_{len(said) + 1}", "Seven", uuid4())
        for data in said:
            work.emit(ORIGIN.event(data))


async def test_a_query_of_the_product_is_not_committed_without_its_event(database: Database) -> None:
    with pytest.raises(asyncpg.RaiseError, match=r"tenants\.INSERT_TENANT wrote rows, and the transaction says none"):
        await write(database)
    with pytest.raises(asyncpg.RaiseError, match="TenantCreated"):
        await write(database, TokenRevoked(token_id=uuid4()))


async def test_with_its_event_it_is_and_that_of_an_earlier_transaction_does_not_count(database: Database) -> None:
    async with unit_of_work(database, LeftInOutbox()) as work:
        await create_tenant(work, ORIGIN, "Seven", uuid4())
    with pytest.raises(asyncpg.RaiseError):
        await write(database)
