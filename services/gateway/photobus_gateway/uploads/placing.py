"""Placing received files: under the lock of their project's folder, from decision to row.

The steps are made so that a process may die between any two of them. What was decided is on record before the first
file is touched (``intents``); whoever takes the folder's lock next finishes it first (``finish_intents``).
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg
import structlog

from photobus_common.config import Settings
from photobus_common.errors import ConflictError, PhotobusError
from photobus_common.events import Origin
from photobus_common.storage.errors import FolderMissingError
from photobus_common.storage.library import Library
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.store import uploads
from photobus_common.store.database import Database
from photobus_common.store.folders import folders_now
from photobus_common.store.outages import DATABASE_OUTAGES
from photobus_common.store.unit_of_work import Publisher, unit_of_work
from photobus_gateway.callers import SOURCE
from photobus_gateway.uploads import recording
from photobus_gateway.uploads.answers import REASONS, UploadResult
from photobus_gateway.uploads.choosing import Chooser
from photobus_gateway.uploads.files import Received, UploadProject
from photobus_gateway.uploads.intents import Intent
from photobus_gateway.uploads.putting import Obstacle, Put, put
from photobus_gateway.uploads.recording import ending
from photobus_gateway.uploads.threads import in_thread

LOCK_WAIT_SECONDS: Final = 30.0

_TRIES: Final = 5
"""How often the folder of a project is opened that is renamed meanwhile."""

_ROWS_REFUSED: Final = (
    asyncpg.DataError,
    asyncpg.CardinalityViolationError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
)
"""The database answered, and what it refused are the rows themselves."""

_log = structlog.get_logger()


class ProjectGoneError(ConflictError):
    """The project is no longer active, or its folder does not keep its name for long enough."""

    code = "project_gone"


class UnfinishedError(PhotobusError):
    """The file is on record and its bytes are safe, but storage or database went away before it was in place.

    Whoever comes next finishes it: that is as good as stored, but not to be seen yet.
    """

    code = "unfinished"
    status = 503
    retryable = True


class Placer:
    """Places files of one project and actor at a time."""

    def __init__(self, database: Database, publisher: Publisher, library: Library, settings: Settings) -> None:
        self._database = database
        self._publisher = publisher
        self._library = library
        self._uploader = settings.uploader
        self._lifetime = timedelta(hours=settings.uploader.expire_hours)
        self._chooser = Chooser(settings)

    async def place(self, project: UploadProject, files: Sequence[Received]) -> Sequence[UploadResult | Exception]:
        """Place the first of ``files``, which are all of one actor; answer in their order, for one at least.

        Those not answered for come next: one has a name that another just got, and must see what became of that. A file
        that is on record, but not in place yet, is answered with ``UnfinishedError``. When it raises, the bytes are
        kept wherever an intent may be on record, or the client may go on with them.
        """
        choices: list[UploadResult | Intent] | None = None
        try:
            async with self._held(project, LOCK_WAIT_SECONDS) as (now, folder):
                while (choices := await self._decide(now, folder, files)) is None:
                    await self._finish_intents(now, folder)
                placed = await self._carry_out(now, folder, files[0].origin, choices)
        except BaseException as error:
            unneeded = isinstance(error, PhotobusError) and choices is None
            if choices is not None and isinstance(error, (PhotobusError, *DATABASE_OUTAGES)):
                return await self._unfinished(files[: len(choices)], choices, error)
            await in_thread(_let_go, files, unneeded)
            raise
        await in_thread(_discard_all, files[: len(choices)])
        return [placed[item.upload_id] if isinstance(item, Intent) else item for item in choices]

    async def finish(self, project: UploadProject, wait_seconds: float = 0) -> int:
        """Finish what a dead process left in the project; return how many files. Raises ``LockedError``."""
        async with self._held(project, wait_seconds) as (now, folder):
            return await self._finish_intents(now, folder)

    @asynccontextmanager
    async def _held(
        self, project: UploadProject, wait_seconds: float
    ) -> AsyncIterator[tuple[UploadProject, ProjectFolder]]:
        """Open and lock the project's folder; yields the project as it is then, for it may have been renamed.

        Raises ``FolderMissingError``, ``LockedError`` and, where it is renamed again and again, ``ProjectGoneError``.
        """
        library = project.library(self._library)
        for _ in range(_TRIES):
            try:
                opened = await in_thread(library.open_project, project.folder)
            except FolderMissingError:
                now = await self._folder_now(project)
                if now == project.folder:
                    raise
                project = replace(project, folder=now)
                continue
            with opened:
                async with opened.locked(wait_seconds):
                    now = await self._folder_now(project)
                    if now == project.folder:
                        yield project, opened
                        return
            project = replace(project, folder=now)
        raise ProjectGoneError("The project's folder is renamed again and again.")

    async def _folder_now(self, project: UploadProject) -> str:
        """Return the folder that the project's row names once nobody is about to change it."""
        async with self._database.connection() as connection:
            folders = await folders_now(connection, [project.project_id])
        return folders.get(project.project_id, project.folder)

    async def _decide(
        self, project: UploadProject, folder: ProjectFolder, files: Sequence[Received]
    ) -> list[UploadResult | Intent] | None:
        """Decide on the first files, one at least, and put on record what is to be done.

        Returns None, having done nothing, while the project has intents of a process that died.
        """
        async with self._database.connection() as connection:
            if await uploads.open_intents(connection, project.project_id):
                return None
            seen = await self._chooser.look(connection, project, folder, files)
            async with connection.transaction():
                if await uploads.folder_of_active_project(connection, project.project_id) != project.folder:
                    raise ProjectGoneError("The project was deleted meanwhile.")
                choices = await self._chooser.choose(connection, project, files, seen, datetime.now(UTC))
                if rows := [item.row(project) for item in choices if isinstance(item, Intent)]:
                    await uploads.record_intents(connection, rows, self._lifetime)
                endings = [
                    ending(file.temporary.upload_id, item)
                    for file, item in zip(files, choices, strict=False)
                    if file.resumable and isinstance(item, UploadResult)
                ]
                if endings:
                    await uploads.settle_uploads(connection, endings)
        return choices

    async def _carry_out(
        self, project: UploadProject, folder: ProjectFolder, origin: Origin, choices: Sequence[UploadResult | Intent]
    ) -> dict[UUID, UploadResult]:
        """Do what was decided; return how each upload with an intent ended."""
        intents = [item for item in choices if isinstance(item, Intent)]
        done = await in_thread(self._put_all, project, folder, intents)
        results = await self._record(project, origin, done)
        return {item.intent.upload_id: result for item, result in zip(done, results, strict=True)}

    async def _unfinished(
        self, files: Sequence[Received], choices: Sequence[UploadResult | Intent], error: BaseException
    ) -> list[UploadResult | Exception]:
        """Answer for files whose intents are on record and stay there; what was answered without one is still true."""
        _log.warning("uploads_unfinished", files=len(files), error=repr(error))
        results: list[UploadResult | Exception] = []
        for file, item in zip(files, choices, strict=True):
            if isinstance(item, Intent):
                await in_thread(file.temporary.close)
                results.append(UnfinishedError(REASONS["unfinished"]))
            else:
                await in_thread(file.temporary.discard)
                results.append(item)
        return results

    def _put_all(
        self, project: UploadProject, folder: ProjectFolder, intents: Sequence[Intent]
    ) -> list[Put | Obstacle]:
        if not intents:
            return []
        with project.library(self._library).open_uploads() as received:
            done = [put(folder, received, intent, self._uploader) for intent in intents]
        folder.sync()
        return done

    async def _record(
        self, project: UploadProject, origin: Origin, done: Sequence[Put | Obstacle]
    ) -> list[UploadResult]:
        """Write what was done, together if the database takes it so, else each for itself: none may hold up others."""
        if not done:
            return []
        try:
            async with unit_of_work(self._database, self._publisher) as work:
                return await recording.record(work, origin, project, done)
        except _ROWS_REFUSED:
            if len(done) > 1:
                return [answer for item in done for answer in await self._record(project, origin, [item])]
            if isinstance(done[0], Obstacle):
                raise
            _log.exception("upload_not_recorded", upload_id=str(done[0].intent.upload_id))
        return await self._record(project, origin, [Obstacle(done[0].intent, "not_recorded", done[0].trash_path)])

    async def _finish_intents(self, project: UploadProject, folder: ProjectFolder) -> int:
        """Finish intents of owners that died: under the lock, there are no others."""
        async with self._database.connection() as connection:
            rows = await uploads.open_intents(connection, project.project_id)
        for actor in dict.fromkeys(row.actor for row in rows):
            intents = [Intent.from_row(row) for row in rows if row.actor == actor]
            done = await in_thread(self._put_all, project, folder, intents)
            await self._record(project, Origin(SOURCE, project.tenant, actor), done)
            await in_thread(self._remove_temporaries, project, intents)
        return len(rows)

    def _remove_temporaries(self, project: UploadProject, intents: Sequence[Intent]) -> None:
        with project.library(self._library).open_uploads() as received:
            for intent in intents:
                received.remove(str(intent.upload_id))


def _discard_all(files: Sequence[Received]) -> None:
    for file in files:
        file.temporary.discard()


def _let_go(files: Sequence[Received], unneeded: bool) -> None:
    for file in files:
        if unneeded and not file.resumable:
            file.temporary.discard()
        else:
            file.temporary.close()
