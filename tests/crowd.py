"""A library in which many are at work at once: all services as actors around one log, and a person who interferes.

The log is folded by the orchestrator's true fold, what it commands is run by workers with the services' own handlers,
uploads go through the gateway's own placing. Whoever is silent may be taken for dead at once, as after a long lease.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, cast
from uuid import UUID, uuid4

from bus_traffic import ORIGIN, TENANT
from crowd_ground import Ground
from crowd_staff import Delivery, Project
from shelf import md5, put
from staging import FREE, Actor, Effort

from photobus_common.bus.command_message import CommandMessage
from photobus_common.catalogue_changes import KeepWish, keep_events, plan_keep
from photobus_common.commands import RunJob
from photobus_common.errors import PhotobusError
from photobus_common.events import decode
from photobus_common.events.projects import ProjectCanceled
from photobus_common.events.tasks import Targets
from photobus_common.photos.filenames import ParsedName, parse
from photobus_common.store import catalogue, event_log, undoing
from photobus_common.store.deletions import archive_projects
from photobus_common.store.reconciliation import projects_of_tenant
from photobus_common.store.unit_of_work import UnitOfWork, unit_of_work
from photobus_common.store.uploads import OnConflict
from photobus_common.task_requests import Ask, request_task
from photobus_common.worker.ledger import Ledger
from photobus_common.worker.run import Run, Workplace
from photobus_gateway.renaming import follow_in_manifest, rename
from photobus_gateway.task_answers import ENDED
from photobus_gateway.undos import UNDONE_BY, refuse_second_undo
from photobus_gateway.uploads.answers import UploadResult
from photobus_gateway.uploads.batches import Batches
from photobus_gateway.uploads.files import Received, UploadProject, Wish
from photobus_gateway.uploads.placing import Placer
from photobus_gateway.uploads.sweeping import Sweeper
from photobus_gateway.uploads.taking_in import Taken, check, take_in

ACTIVE_PHOTOS: Final = """
SELECT p.id, p.project_id FROM photos p JOIN projects pr ON pr.id = p.project_id
WHERE pr.status = 'active' ORDER BY p.id
"""
PENDING: Final = """
SELECT p.id, p.project_id FROM photos p JOIN projects pr ON pr.id = p.project_id
WHERE pr.status = 'active' AND (NOT p.keep_jpg AND p.jpg_available OR NOT p.keep_raw AND p.raw_available)
ORDER BY p.id
"""
TASKS: Final = (
    "SELECT id, type FROM tasks WHERE type = ANY($1::text[]) AND status = ANY($2::text[]) ORDER BY created_at"
)
BEING_PLACED: Final = "SELECT id, md5 FROM uploads WHERE state = 'placing'"

ARRIVED: Final = frozenset({"created", "paired", "overwritten", "renamed"})


class World(Ground):
    """All of it. ``accounts`` says of each MD5 how many originals of it there are at least, and at most."""

    async def work(self, command: RunJob, effort: Effort = FREE) -> None:
        """Deliver a command to a worker of its own."""

        async def play(actor: Actor) -> None:
            source = f"/{command.service}"
            ledger = Ledger(actor.database, self.stream, source, actor.name, 0.0)
            workplace = Workplace(actor.database, self.stream, ledger, self.settings.pipeline, source)
            message = cast("CommandMessage", Delivery(self.commands, actor, command))
            await Run(message, self.staff.handlers[command.job_type], workplace).finish()

        await self.act(command.job_type, play, effort)

    async def finish(self, effort: Effort = FREE) -> None:
        """Let a finisher of the file mover look once."""
        await self.act("finisher", lambda actor: self.staff.finisher.finish(actor.database, self.stream), effort)

    async def sweep(self, effort: Effort = FREE) -> None:
        """Let a gateway look once for uploads of dead ones, and make tasks of what waits."""

        async def play(actor: Actor) -> None:
            placer = Placer(actor.database, self.stream, self.library, self.settings)
            await Sweeper(actor.database, self.library, placer, self.settings).finish_intents()
            await Batches(actor.database, self.stream, self.definitions, self.settings).flush_due()

        await self.act("sweeper", play, effort)

    async def upload(
        self, project: Project, name: str, written: bytes, on_conflict: OnConflict | None, effort: Effort = FREE
    ) -> None:
        """Let a gateway take in a file."""
        digest = md5(written)
        self.most[digest] += 1

        async def play(actor: Actor) -> None:
            [(folder,)] = await self.fetch("SELECT folder FROM projects WHERE id = $1", project.id)
            target = UploadProject(project.id, TENANT, folder, self.library_id)
            received = await self._received(target, name, written, on_conflict)
            if not isinstance(received, Received):
                self.most[digest] -= 1
                return
            placer = Placer(actor.database, self.stream, self.library, self.settings)
            try:
                [result] = await placer.place(target, [received])
            except PhotobusError as error:
                result = error
            if isinstance(result, UploadResult) and result.status in ARRIVED:
                self.least[digest] += 1
            elif isinstance(result, UploadResult):
                self.most[digest] -= 1

        await self.act(f"upload of {name} to {project.home}", play, effort)

    async def _received(
        self, target: UploadProject, name: str, written: bytes, on_conflict: OnConflict | None
    ) -> object:
        parsed = parse(name, self.settings.uploader)
        assert isinstance(parsed, ParsedName)

        async def chunks() -> Any:
            yield written

        wish = Wish(on_conflict=on_conflict)
        taken = await take_in(target.library(self.library), parsed, wish, ORIGIN, chunks(), 1 << 20)
        return await check(taken) if isinstance(taken, Taken) else taken

    async def rename(self, project: Project, name: str, effort: Effort = FREE) -> None:
        """Let a gateway give the project another name."""

        async def play(actor: Actor) -> None:
            [(folder,)] = await self.fetch("SELECT folder FROM projects WHERE id = $1", project.id)
            try:
                async with unit_of_work(actor.database, self.stream) as work:
                    await rename(work, ORIGIN, folder, name)
            except PhotobusError:
                return
            library = self.library.tenant(TENANT, self.library_id)
            await follow_in_manifest(actor.database, library, project.id, folder)

        await self.act(f"rename of {project.home}", play, effort)

    async def keep(self, photo: int, wish: KeepWish, effort: Effort = FREE) -> None:
        """Let a gateway write what is kept of a photo."""

        async def play(actor: Actor) -> None:
            async with unit_of_work(actor.database, self.stream) as work:
                photos = await catalogue.catalogue_photos(work.connection, TENANT, [photo], lock=True)
                changes = [change for one in photos.values() if (change := plan_keep(one, wish)) is not None]
                versions = await catalogue.write_keep(work.connection, TENANT, changes)
                for data in keep_events(changes, versions, None):
                    work.emit(ORIGIN.event(data))

        await self.act(f"keeping of {photo}", play, effort)

    # What is asked for -----------------------------------------------------------------------------------------------

    async def ask(self, task_type: str, photos: Sequence[tuple[int, int]], **params: Any) -> None:
        """Ask for a task over photos, each with its project."""
        if not photos:
            return
        ids, projects = zip(*photos, strict=True)
        targets = Targets(kind="photos", photo_ids=ids, project_ids=projects)

        async def play(actor: Actor) -> None:
            async with unit_of_work(actor.database, self.stream) as work:
                request_task(work, ORIGIN, Ask(self.definitions[task_type], targets, params))

        await self.act(f"request for {task_type}", play, FREE)
        await self.fold()

    async def delete(self, project_id: int, undo_of: UUID | None = None) -> None:
        """Archive a project and ask for its deletion."""
        params = {} if undo_of is None else {"undo_of": str(undo_of)}
        targets = Targets(kind="projects", project_ids=(project_id,))
        ask = Ask(self.definitions["project_delete"], targets, params, undo_of=undo_of)

        async def play(actor: Actor) -> None:
            async with unit_of_work(actor.database, self.stream) as work:
                task = request_task(work, ORIGIN, ask)
                archived = await archive_projects(work.connection, TENANT, [project_id], task.id, task.time)
                if not archived:
                    work.messages.clear()
                for one in archived:
                    about = {"project_id": one.id, "project_folder": one.folder, "task_id": task.id}
                    data = ProjectCanceled(**about, cause="deleted", name=one.name, version=one.version)
                    work.emit(ORIGIN.event(data))

        await self.act(f"request to delete {project_id}", play, FREE)
        await self.fold()

    async def undo(self, number: int) -> None:
        """Ask for one of the tasks that have ended to be undone, unless that cannot be."""
        tasks = await self.fetch(TASKS, list(UNDONE_BY), sorted(ENDED))
        if not tasks:
            return
        task_id, task_type = tasks[number % len(tasks)]
        undone_by = UNDONE_BY[task_type]
        if undone_by == "project_delete":
            await self.delete((await self._projects_of(task_id))[0], task_id)
            return

        async def play(actor: Actor) -> None:
            with suppress(PhotobusError):
                async with unit_of_work(actor.database, self.stream) as work:
                    await undoing.hold_undo(work.connection, task_id)
                    await refuse_second_undo(work.connection, TENANT, task_id)
                    await self._ask_undo(work, task_id, undone_by)

        await self.act(f"request to undo {task_type}", play, FREE)
        await self.fold()

    async def _ask_undo(self, work: UnitOfWork, task_id: UUID, task_type: str) -> None:
        targets = Targets(kind="items_of", items_of=task_id)
        if task_type == "project_restore":
            targets = Targets(kind="projects", project_ids=await self._projects_of(task_id))
            found = await projects_of_tenant(work.connection, TENANT, targets.project_ids)
            if any(project.active for project in found.values()):
                return
        params = {"undo_of": str(task_id)}
        request_task(work, ORIGIN, Ask(self.definitions[task_type], targets, params, undo_of=task_id))

    async def _projects_of(self, task_id: UUID) -> tuple[int, ...]:
        async with self.database.connection() as connection:
            payload = await event_log.event_payload(connection, TENANT, task_id)
        assert payload is not None
        found: Any = decode(payload).data
        return tuple(found.targets.project_ids)

    # What a person does to the disk ----------------------------------------------------------------------------------

    async def take_away(self, project: Project) -> None:
        """Give the project's folder another name, which nobody knows."""
        [(home,)] = await self.fetch("SELECT folder FROM projects WHERE id = $1", project.id)
        elsewhere = f"Elsewhere {uuid4().hex[:6]}"
        if project.elsewhere is None and "/" not in home and (self.root / home).is_dir():
            (self.root / home).rename(self.root / elsewhere)
            project.home, project.elsewhere = home, elsewhere
            self.was_away = True

    def bring_back(self, project: Project) -> None:
        """Give it the name again that it had, if that is free."""
        if project.elsewhere is not None and not (self.root / project.home).exists():
            (self.root / project.elsewhere).rename(self.root / project.home)
            project.elsewhere = None

    def put_by_hand(self, project: Project, name: str) -> None:
        """Put a file into the project's folder, unless its name is taken."""
        path = self.root / project.home / name
        if path.parent.is_dir() and not path.exists():
            written = self.new_content(name)
            put(path, written)
            self.arrived(written)
            self.by_hand.add(md5(written))

    # The end ---------------------------------------------------------------------------------------------------------

    async def come_to_rest(self) -> bool:
        """Let all go on until nothing is left to do; say whether that came."""
        for _ in range(40):
            await self.let_all_go()
            await self.fold(relay=True)
            await self._count_placed()
            commands = list(self.commands)
            await asyncio.gather(*(self.work(command) for command in commands), self.finish(), self.sweep())
            await self.let_all_go()
            await self.fold(relay=True)
            if not self.commands and not await self.fetch(UNSETTLED):
                return True
        return False

    async def _count_placed(self) -> None:
        """Expect what dead uploads put on record; where a name may have been taken by hand they may fail."""
        for upload_id, digest in await self.fetch(BEING_PLACED):
            if not self.by_hand and upload_id not in self.placed:
                self.least[digest] += 1
            self.placed.add(upload_id)

    async def let_all_go(self) -> None:
        """Let all actors come to their end."""
        async with asyncio.timeout(60):
            while waiting := self.waiting:
                await asyncio.gather(*(actor.go() for actor in waiting))


UNSETTLED: Final = """
SELECT 1 FROM file_operations WHERE state = 'open'
UNION ALL SELECT 1 FROM project_operations WHERE state = 'open'
UNION ALL SELECT 1 FROM uploads WHERE state = 'placing'
UNION ALL SELECT 1 FROM jobs WHERE ended_at IS NULL
UNION ALL SELECT 1 FROM tasks WHERE ended_at IS NULL
UNION ALL SELECT 1 FROM upload_batches
"""
