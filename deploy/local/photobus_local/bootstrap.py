"""What the stack does before its services run: schema, streams and, in a new data folder, library, tenants and token.

``python -m photobus_local.bootstrap DATA`` is a process of its own, so that what it needs is not kept in memory by the
supervisor. It is configured like a service.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from photobus_common import logging
from photobus_common.bus.connection import Broker
from photobus_common.bus.provisioning import provision
from photobus_common.config import Settings, load_settings
from photobus_common.definitions import load_definitions
from photobus_common.errors import PhotobusError
from photobus_common.events.origin import Origin
from photobus_common.events.tasks import Targets
from photobus_common.service import EXIT_CONFIGURATION
from photobus_common.storage.library import Library
from photobus_common.store.database import Database
from photobus_common.store.event_log import read_cursor
from photobus_common.store.migrate import migrate
from photobus_common.store.tenants import create_tenant
from photobus_common.store.tokens import bearer_of_secret, create_token, digest
from photobus_common.store.unit_of_work import OutboxMessage, unit_of_work
from photobus_common.task_requests import Ask, request_task
from photobus_local import existing_library
from photobus_local.data_folder import DataFolder, Record
from photobus_local.existing_library import FIRST_TENANT
from photobus_local.secrets_file import write_private

TENANTS: Final = "SELECT tenant, library_id FROM tenants"
_OWNER: Final = "Owner"
FIRST_OF_TENANTS: Final = "SELECT tenant FROM tenants ORDER BY length(tenant), tenant LIMIT 1"


async def bootstrap(settings: Settings, folder: DataFolder) -> None:
    """Make everything that is missing, the owner's token among it; the same again changes nothing."""
    await migrate(settings.postgres.dsn)
    database = await Database.open(settings.postgres, "bootstrap")
    try:
        await _make_streams(settings, database)
        await _make_tenants(settings, database, folder)
        await _make_token(database, folder)
    finally:
        await database.close()


async def _make_streams(settings: Settings, database: Database) -> None:
    async with database.connection() as connection:
        cursor = await read_cursor(connection)
    broker = await Broker.open(settings.nats, "bootstrap")
    try:
        await provision(broker, settings, cursor.seq, again=cursor.stream_created is not None)
    finally:
        await broker.close()


async def _make_tenants(settings: Settings, database: Database, folder: DataFolder) -> None:
    """Make the tenants of the library: one in a library of the stack's own, else those that the library says it has."""
    root = settings.library.root
    async with database.connection() as connection:
        bound = {row["tenant"]: row["library_id"] for row in await connection.fetch(TENANTS)}
    if root == folder.library:
        await _make_own(database, folder, bound.get(FIRST_TENANT))
        return
    found = existing_library.marks(root, known=bool(bound))
    existing_library.refuse_if_another(folder.root, root, found, bound)
    folder.remember(Record(str(next(iter(found.values()))), made=True, root=str(root)))
    for tenant in found.keys() - bound.keys():
        await _take_in(database, tenant, found[tenant])


async def _make_own(database: Database, folder: DataFolder, library_id: UUID | None) -> None:
    """Make the library of a new data folder, once: an empty place where it was is an absent mount, never a new one."""
    record = folder.remembered()
    if record is None:
        record = Record(str(library_id or uuid4()), made=library_id is not None)
        folder.remember(record)
    if not record.made:
        Library(folder.library).init_tenant(FIRST_TENANT, UUID(record.library_id))
        folder.remember(Record(record.library_id, made=True))
    if library_id is None:
        async with unit_of_work(database, _LeftToTheRelay()) as work:
            await create_tenant(work, _origin(FIRST_TENANT), _OWNER, UUID(record.library_id))


async def _take_in(database: Database, tenant: str, library_id: UUID) -> None:
    """Make the tenant of a library that was there before, and have its folders discovered at once."""
    async with unit_of_work(database, _LeftToTheRelay()) as work:
        await create_tenant(work, _origin(tenant), _OWNER, library_id)
        ask = Ask(load_definitions()["folder_discovery"], Targets(kind="all"), source="system")
        request_task(work, _origin(tenant), ask)


async def _make_token(database: Database, folder: DataFolder) -> None:
    """Make a token of the first tenant, unless the kept one opens the API."""
    if folder.token.exists():
        secret = folder.token.read_text(encoding="ascii").strip()
        async with database.connection() as connection:
            if await bearer_of_secret(connection, digest(secret)):
                return
    async with unit_of_work(database, _LeftToTheRelay()) as work:
        tenant = await work.connection.fetchval(FIRST_OF_TENANTS)
        _, secret = await create_token(work, _origin(tenant), "local", "admin")
    write_private(folder.token, secret + "\n")


def _origin(tenant: str) -> Origin:
    return Origin(source="/local", tenant=tenant, actor="local")


class _LeftToTheRelay:
    """Publishes nothing: the services that start next relay what lies in the outbox."""

    def offer(self, messages: Sequence[OutboxMessage]) -> None:
        """Leave ``messages`` in the outbox."""


def main() -> int:
    """Make what is missing in the data folder named as the argument; what stands in the way is the last line said."""
    try:
        settings = load_settings()
        logging.configure(settings.logging, "bootstrap")
        asyncio.run(bootstrap(settings, DataFolder(Path(sys.argv[1]))))
    except PhotobusError as error:
        sys.stderr.write(f"{error.public_message}\n")
        return EXIT_CONFIGURATION
    return 0


if __name__ == "__main__":
    sys.exit(main())
