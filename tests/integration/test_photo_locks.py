"""Uploads and derivatives write the same photos in the same order, so that none waits for the other in a circle."""

import asyncio
from datetime import UTC, datetime

from catalogue import Shot, add_project, add_shots
from told import arrange
from uploading import until

from photobus_common.photos.exif import Exif
from photobus_common.store.database import Database
from photobus_common.store.derivatives import photos_to_show
from photobus_common.store.photos import Arrival, StoredFile, photos_of_basenames, record_files

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


async def test_files_that_arrive_in_any_order_lock_their_photos_in_the_order_of_their_ids(
    database: Database, tenant: str
) -> None:
    async with database.transaction() as connection:
        project = await add_project(connection, tenant, "Trip")
        first, second = await add_shots(connection, tenant, project, [Shot("A"), Shot("B")])
    arrivals = [
        Arrival(name, StoredFile(f"{name}.CR2", "raw", 9, "0" * 32, datetime(2026, 5, 1, tzinfo=UTC)), Exif())
        for name in ("B", "A")
    ]

    async def record() -> None:
        async with database.transaction() as connection:
            await arrange(connection)
            known = await photos_of_basenames(connection, project, ["A", "B"])
            await record_files(connection, tenant, project, known, arrivals)

    async def one_waits() -> bool:
        async with database.connection() as connection:
            return bool(await connection.fetchval(WAITING) == 1)

    async with database.transaction() as connection:
        await photos_to_show(connection, tenant, [first], lock=True)
        recording = asyncio.create_task(record())
        await until(one_waits)
        assert list(await photos_to_show(connection, tenant, [second], lock=True)) == [second]
    await recording
