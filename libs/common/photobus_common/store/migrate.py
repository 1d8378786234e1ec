"""Bringing the database to the newest schema, by alembic, under a lock so that any number of processes may try."""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

_LOCK = 0x70686F746F  # "photo": one migration at a time
_KEEP_OTHERS_WAITING = text("SELECT pg_advisory_lock(:lock)")
_LET_OTHERS_GO_ON = text("SELECT pg_advisory_unlock(:lock)")


async def migrate(dsn: str) -> None:
    """Apply every migration that the database at ``dsn`` lacks."""
    url = make_url(dsn).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_upgrade)
            await connection.commit()
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    connection.execute(_KEEP_OTHERS_WAITING, {"lock": _LOCK})
    try:
        config = Config()
        config.set_main_option("script_location", str(files("photobus_common.store") / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    finally:
        connection.execute(_LET_OTHERS_GO_ON, {"lock": _LOCK})
