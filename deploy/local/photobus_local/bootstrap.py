"""What the stack does before its services run: schema, streams and, in a new data folder, library, tenant and token.

``python -m photobus_local.bootstrap DATA`` is a process of its own, so that what it needs is not kept in memory by the
supervisor. It is configured like a service.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from photobus_common import logging
from photobus_common.bus.connection import Broker
from photobus_common.bus.provisioning import provision
from photobus_common.config import Settings, load_settings
from photobus_common.errors import PhotobusError
from photobus_common.events.origin import Origin
from photobus_common.service import EXIT_CONFIGURATION
from photobus_common.storage.library import Library
from photobus_common.store.database import Database
from photobus_common.store.migrate import migrate
from photobus_common.store.tokens import bearer_of_secret, create_token, digest
from photobus_common.store.unit_of_work import OutboxMessage, unit_of_work
from photobus_local.data_folder import DataFolder
from photobus_local.secrets_file import write_private

TENANT: Final = "user_0"
ORIGIN: Final = Origin(source="/local", tenant=TENANT, actor="local")

LAST_ARCHIVED = "SELECT coalesce(max(seq), 0) FROM event_log"
LIBRARY_OF_TENANT = "SELECT library_id FROM tenants WHERE tenant = $1"
INSERT_TENANT = "INSERT INTO tenants (tenant, name, library_id) VALUES ($1, $2, $3)"


async def bootstrap(settings: Settings, folder: DataFolder) -> None:
    """Make everything that is missing, the owner's token among it; the same again changes nothing."""
    await migrate(settings.postgres.dsn)
    database = await Database.open(settings.postgres, "bootstrap")
    try:
        await _make_streams(settings, database)
        await _make_tenant(database, folder)
        await _make_token(database, folder)
    finally:
        await database.close()


async def _make_streams(settings: Settings, database: Database) -> None:
    async with database.connection() as connection:
        archived = await connection.fetchval(LAST_ARCHIVED)
    broker = await Broker.open(settings.nats, "bootstrap")
    try:
        await provision(broker, settings, archived)
    finally:
        await broker.close()


@dataclass
class _Record:
    """What the data folder remembers of its library. Until ``made``, the library's folder is still to be made."""

    library_id: str
    made: bool


async def _make_tenant(database: Database, folder: DataFolder) -> None:
    """Make the library of a new data folder, once: an empty place where it was is an absent mount, never a new one."""
    async with database.connection() as connection:
        library_id = await connection.fetchval(LIBRARY_OF_TENANT, TENANT)
    record = _read_record(folder)
    if record is None:
        record = _Record(str(library_id or uuid4()), made=library_id is not None)
        _write_record(folder, record)
    if not record.made:
        Library(folder.library).init_tenant(TENANT, UUID(record.library_id))
        _write_record(folder, _Record(record.library_id, made=True))
    if library_id is None:
        async with database.transaction() as connection:
            await connection.execute(INSERT_TENANT, TENANT, "Owner", UUID(record.library_id))


def _read_record(folder: DataFolder) -> _Record | None:
    return _Record(**json.loads(folder.record.read_text())) if folder.record.exists() else None


def _write_record(folder: DataFolder, record: _Record) -> None:
    write_private(folder.record, json.dumps(asdict(record)) + "\n")


async def _make_token(database: Database, folder: DataFolder) -> None:
    """Make a token unless the kept one opens the API."""
    if folder.token.exists():
        secret = folder.token.read_text(encoding="ascii").strip()
        async with database.connection() as connection:
            if await bearer_of_secret(connection, digest(secret)):
                return
    async with unit_of_work(database, _LeftToTheRelay()) as work:
        _, secret = await create_token(work, ORIGIN, "local", "admin")
    write_private(folder.token, secret + "\n")


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
