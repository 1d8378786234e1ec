"""What a service that relies on the locks of project folders asks of every library before it starts."""

import asyncio

from photobus_common.errors import StorageUnavailableError
from photobus_common.logging import get_logger
from photobus_common.storage.library import Library
from photobus_common.store.database import Database
from photobus_common.store.uploads import tenant_libraries

log = get_logger()


async def refuse_without_locks(database: Database, library: Library) -> None:
    """Raise ``ConfigurationError`` for a tenant's library whose file system does not keep locks.

    One that is away is no reason not to start: it may come back, and each use asks again.
    """
    async with database.connection() as connection:
        libraries = await tenant_libraries(connection)
    for tenant, library_id in libraries:
        try:
            await asyncio.to_thread(library.tenant(tenant, library_id).self_test)
        except StorageUnavailableError as error:
            log.warning("library_unavailable", tenant=tenant, reason=error.public_message)
