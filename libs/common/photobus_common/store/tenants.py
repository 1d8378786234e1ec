"""Tenants: whose photos are looked after."""

from typing import Final
from uuid import UUID

from photobus_common.events import Origin
from photobus_common.events.access import TenantCreated
from photobus_common.store.unit_of_work import UnitOfWork

INSERT_TENANT: Final = "INSERT INTO tenants (tenant, name, library_id) VALUES ($1, $2, $3)"


async def create_tenant(work: UnitOfWork, origin: Origin, name: str, library_id: UUID) -> None:
    """Make the origin's tenant, whose library's folder is there, and say so in the log."""
    await work.connection.execute(INSERT_TENANT, origin.tenant, name, library_id)
    work.emit(origin.event(TenantCreated(name=name, library_id=library_id)))
