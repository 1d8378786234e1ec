"""Placing received files: under the lock of their project's folder, from decision to row.

The steps are made so that a process may die between any two of them. What was decided is on record before the first
file is touched (``intents``); whoever takes the folder's lock next finishes it first (``finish_intents``).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from photobus_common.config import Settings
from photobus_common.errors import ConflictError, PhotobusError
from photobus_common.events import Origin
from photobus_common.storage.library import Library
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.store import uploads
from photobus_common.store.database import Database
from photobus_common.store.unit_of_work import Publisher, unit_of_work
from photobus_gateway.callers import SOURCE
from photobus_gateway.uploads import recording
from photobus_gateway.uploads.answers import UploadResult
from photobus_gateway.uploads.choosing import Chooser
from photobus_gateway.uploads.files import Received, UploadProject
from photobus_gateway.uploads.intents import Intent
from photobus_gateway.uploads.putting import Obstacle, Put, put
from photobus_gateway.uploads.recording import ending
from photobus_gateway.uploads.renames import RenamedBasenames
from photobus_gateway.uploads.threads import in_thread

LOCK_WAIT_SECONDS: Final = 30.0


class ProjectGoneError(ConflictError):
    """The project is no longer active, or no longer in this folder."""

    code = "project_gone"


class Placer:
    """Places files of one project and actor at a time."""

    def __init__(self, database: Database, publisher: Publisher, library: Library, settings: Settings) -> None:
        self._database = database
        self._publisher = publisher
        self._library = library
        self._uploader = settings.uploader
        self._lifetime = timedelta(hours=settings.uploader.expire_hours)
        self._chooser = Chooser(settings, RenamedBasenames())

    async def place(self, project: UploadProject, files: Sequence[Received]) -> list[UploadResult]:
        """Place ``files``, all of one actor and no two of one name; answer in their order.

        When it raises, the bytes are kept wherever an intent may be on record, or the client may go on with them.
        """
        decided = False
        try:
            with await in_thread(project.library(self._library).open_project, project.folder) as folder:
                async with folder.locked(LOCK_WAIT_SECONDS):
                    while (decision := await self._decide(project, folder, files)) is None:
                        await self._finish_intents(project, folder)
                    answers, intents = decision
                    decided = True
                    done = await in_thread(self._put_all, project, folder, intents)
                    results = await self._record(project, files[0].origin, done)
        except BaseException as error:
            unneeded = isinstance(error, PhotobusError) and not decided
            await in_thread(_let_go, files, unneeded)
            raise
        await in_thread(_discard_all, files)
        placed = {item.intent.upload_id: result for item, result in zip(done, results, strict=True)}
        return [answers.get(n) or placed[file.temporary.upload_id] for n, file in enumerate(files)]

    async def finish(self, project: UploadProject, wait_seconds: float = 0) -> int:
        """Finish what a dead process left in the project; return how many files. Raises ``LockedError``."""
        with await in_thread(project.library(self._library).open_project, project.folder) as folder:
            async with folder.locked(wait_seconds):
                return await self._finish_intents(project, folder)

    async def _decide(
        self, project: UploadProject, folder: ProjectFolder, files: Sequence[Received]
    ) -> tuple[dict[int, UploadResult], list[Intent]] | None:
        """Decide on each file and put on record what is to be done; answers stand by the file's place.

        Returns None, having done nothing, while the project has intents of a process that died.
        """
        async with self._database.connection() as connection:
            if await uploads.open_intents(connection, project.project_id):
                return None
            seen = await self._chooser.look(connection, project, folder, files)
            async with connection.transaction():
                if await uploads.folder_of_active_project(connection, project.project_id) != project.folder:
                    raise ProjectGoneError("The project was deleted or moved meanwhile.")
                choices = await self._chooser.choose(connection, project, folder, files, seen, datetime.now(UTC))
                answers = {n: item for n, item in enumerate(choices) if isinstance(item, UploadResult)}
                intents = [item for item in choices if isinstance(item, Intent)]
                if intents:
                    rows = [intent.row(project) for intent in intents]
                    await uploads.record_intents(connection, rows, self._lifetime)
                endings = [
                    ending(files[n].temporary.upload_id, result) for n, result in answers.items() if files[n].resumable
                ]
                if endings:
                    await uploads.settle_uploads(connection, endings)
        return answers, intents

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
        if not done:
            return []
        async with unit_of_work(self._database, self._publisher) as work:
            return await recording.record(work, origin, project, done)

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
