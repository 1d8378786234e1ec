"""Clearing up after what did not end: intents of dead processes are finished, expired and orphaned bytes removed."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from photobus_common.config import Settings
from photobus_common.errors import PhotobusError
from photobus_common.storage.errors import FileMissingError, LockedError
from photobus_common.storage.library import Library, TenantLibrary
from photobus_common.storage.project_folder import modified_at
from photobus_common.store import upload_batches, upload_renames, uploads
from photobus_common.store.database import Database
from photobus_gateway.uploads.files import UploadProject
from photobus_gateway.uploads.placing import Placer
from photobus_gateway.uploads.receiving import UploadBusyError, open_temporary
from photobus_gateway.uploads.threads import in_thread

_EVERY_SECONDS: Final = 15.0
_AT_ONCE: Final = 200
_FORGET_COUNTS_AFTER: Final = timedelta(hours=1)

_log = structlog.get_logger()


class Sweeper:
    """Runs in every gateway; two of them do no harm."""

    def __init__(self, database: Database, library: Library, placer: Placer, settings: Settings) -> None:
        self._database = database
        self._library = library
        self._placer = placer
        self._lifetime = timedelta(hours=settings.uploader.expire_hours)

    async def run(self) -> None:
        """Sweep now and then every few seconds, for ever."""
        while True:
            try:
                await self.sweep()
            except Exception:  # noqa: BLE001 - whatever it was, the next round tries again
                _log.exception("uploads_not_swept")
            await asyncio.sleep(_EVERY_SECONDS)

    async def sweep(self) -> None:
        """Finish what can be finished and remove what nobody will finish."""
        await self.finish_intents()
        await self.remove_expired()
        await self.remove_orphans()
        async with self._database.transaction() as connection:
            await upload_batches.forget_old_counts(connection, _FORGET_COUNTS_AFTER)
            await upload_renames.forget_old_renames(connection, self._lifetime)

    async def finish_intents(self) -> None:
        """Finish the intents of dead processes; those of living ones are behind their folder's lock."""
        async with self._database.connection() as connection:
            projects = await uploads.projects_with_intents(connection)
        for found in projects:
            project = UploadProject(found.project_id, found.tenant, found.folder, found.library_id)
            try:
                finished = await self._placer.finish(project)
            except LockedError:
                continue
            except PhotobusError as error:
                _log.warning("uploads_not_finished", project_id=found.project_id, code=error.code)
                continue
            if finished:
                _log.info("uploads_finished", project_id=found.project_id, files=finished)

    async def remove_expired(self) -> None:
        """Remove uploads past their time with their bytes, but none that is just being written to."""
        async with self._database.transaction() as connection:
            for upload_id, tenant, library_id in await uploads.expired_uploads(connection, _AT_ONCE):
                library = self._library.tenant(tenant, library_id)
                try:
                    gone = await in_thread(_remove, library, upload_id)
                except PhotobusError as error:
                    _log.warning("expired_upload_not_removed", tenant=tenant, code=error.code)
                    return
                if gone:
                    await uploads.delete_upload(connection, upload_id)

    async def remove_orphans(self) -> None:
        """Remove received bytes that no row knows, once they are as old as an upload may become."""
        async with self._database.connection() as connection:
            libraries = await uploads.tenant_libraries(connection)
        for tenant, library_id in libraries:
            library = self._library.tenant(tenant, library_id)
            try:
                old = await in_thread(_old_names, library, datetime.now(UTC) - self._lifetime)
                async with self._database.connection() as connection:
                    known = await uploads.known_uploads(connection, old)
                for upload_id in old:
                    if upload_id not in known:
                        await in_thread(_remove, library, upload_id)
            except PhotobusError as error:
                _log.warning("orphaned_uploads_not_removed", tenant=tenant, code=error.code)


def _remove(library: TenantLibrary, upload_id: UUID) -> bool:
    """Remove the bytes of an upload; says False when someone writes to them or they cannot be removed."""
    try:
        return open_temporary(library, upload_id).discard()
    except UploadBusyError:
        return False
    except FileMissingError:
        return True


def _old_names(library: TenantLibrary, before: datetime) -> list[UUID]:
    with library.open_uploads() as received:
        names = [entry.name for entry in received.list() if modified_at(entry) < before]
    return [upload_id for name in names if (upload_id := _as_id(name)) is not None]


def _as_id(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None
