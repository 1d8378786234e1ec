"""A library in which many are at work at once: all services as actors around one log, and a person who interferes.

The log is folded by the orchestrator's true fold, what it commands is run by workers with the services' own handlers,
uploads go through the gateway's own placing. Whoever is silent may be taken for dead at once, as after a long lease.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast
from uuid import UUID, uuid4

import asyncpg
from bus_traffic import ORIGIN, TENANT
from deleting import deletion
from reconciling import checks
from removing import mover, removal
from rows_and_log import tell_of_photo
from shelf import DNG, JPEG, XMP, md5, put
from staging import FREE, Actor, Effort

from photobus_common.bus.command_message import CommandMessage
from photobus_common.bus.reader import StoredEvent
from photobus_common.catalogue_changes import KeepWish, keep_events, plan_keep
from photobus_common.commands import RunJob
from photobus_common.config import Settings
from photobus_common.definitions import load_definitions
from photobus_common.derivation import Recipe
from photobus_common.errors import PhotobusError
from photobus_common.events import Event, decode
from photobus_common.events.projects import ProjectCanceled, ProjectCreated
from photobus_common.events.tasks import Targets
from photobus_common.photos.filenames import ParsedName, parse
from photobus_common.storage.library import Library
from photobus_common.storage.manifest import Manifest
from photobus_common.storage.project_folder import PREVIEWS, THUMBNAILS
from photobus_common.store import catalogue, event_log, undoing
from photobus_common.store.database import Database
from photobus_common.store.deletions import archive_projects
from photobus_common.store.outages import DATABASE_OUTAGES
from photobus_common.store.reconciliation import projects_of_tenant
from photobus_common.store.unit_of_work import OutboxMessage, UnitOfWork, unit_of_work
from photobus_common.store.uploads import OnConflict
from photobus_common.task_requests import Ask, request_task
from photobus_common.worker.job import Handler
from photobus_common.worker.ledger import Ledger
from photobus_common.worker.run import Run, Workplace
from photobus_derivatives.making import DerivativesMaker
from photobus_derivatives.protocol import Made, Reply, Request
from photobus_derivatives.sandbox import DecoderPool
from photobus_filemover.finishing import Finisher
from photobus_gateway.renaming import follow_in_manifest, rename
from photobus_gateway.task_answers import ENDED
from photobus_gateway.undos import UNDONE_BY, refuse_second_undo
from photobus_gateway.uploads.answers import UploadResult
from photobus_gateway.uploads.batches import Batches
from photobus_gateway.uploads.files import Received, UploadProject, Wish
from photobus_gateway.uploads.placing import Placer
from photobus_gateway.uploads.sweeping import Sweeper
from photobus_gateway.uploads.taking_in import Taken, check, take_in
from photobus_maintenance.context import Context as MaintenanceContext
from photobus_maintenance.jobs.catalogue_update import catalogue_update
from photobus_maintenance.jobs.manifest_cleaning import ManifestCleaning
from photobus_orchestrator.domain.plan import Rules
from photobus_orchestrator.fold import Fold
from photobus_orchestrator.resolver import Resolver

INSERT_PROJECT: Final = """
INSERT INTO projects (tenant, name, folder, created_at) VALUES ($1, $2, $2, now()) RETURNING id, created_at
"""
INSERT_PHOTO: Final = """
INSERT INTO photos (tenant, project_id, filename, taken_at, jpg_available, raw_available, keep_jpg, keep_raw,
    thumbnail_status, preview_status, derivative_key, size)
VALUES ($1, $2, $3, now(), $4, $5, $4, $5, 'generated', 'generated', $6, $7) RETURNING id
"""
INSERT_FILE: Final = """
INSERT INTO photo_files (tenant, photo_id, project_id, name, kind, size, md5, modified_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
ACTIVE_PHOTOS: Final = """
SELECT p.id, p.project_id FROM photos p JOIN projects pr ON pr.id = p.project_id
WHERE pr.status = 'active' ORDER BY p.id
"""
NAMED: Final = "SELECT 1 FROM projects WHERE status = 'active' AND (name = $1 OR folder = $2 OR name = $2)"
PENDING: Final = """
SELECT p.id, p.project_id FROM photos p JOIN projects pr ON pr.id = p.project_id
WHERE pr.status = 'active' AND (NOT p.keep_jpg AND p.jpg_available OR NOT p.keep_raw AND p.raw_available)
ORDER BY p.id
"""
TASKS: Final = (
    "SELECT id, type FROM tasks WHERE type = ANY($1::text[]) AND status = ANY($2::text[]) ORDER BY created_at"
)
OUTBOX: Final = "SELECT id, kind, payload, not_before FROM outbox ORDER BY created_at, id"
BEING_PLACED: Final = "SELECT id, md5 FROM uploads WHERE state = 'placing'"

ARRIVED: Final = frozenset({"created", "paired", "overwritten", "renamed"})
_BEGINNINGS: Final[Mapping[str, bytes]] = {"jpg": JPEG, "dng": DNG, "xmp": XMP}


def content(extension: str, number: int) -> bytes:
    """Return what a file of that extension may hold, another for each number."""
    return _BEGINNINGS[extension] + f"<!-- {number} -->".encode()


def derivative(of: str) -> bytes:
    """Return the derivative of the original with that MD5."""
    return f"made of {of}".encode()


@dataclass
class Project:
    """A project of the world; ``elsewhere`` is where its folder was put by hand, None while it is at home."""

    id: int
    home: str
    elsewhere: str | None = None


class Stream:
    """The log: what was offered, in this order. What a killed actor committed and did not offer comes by the relay."""

    def __init__(self) -> None:
        self.offered: list[OutboxMessage] = []
        self.seen: set[UUID] = set()
        self.last = 0

    def offer(self, messages: Sequence[OutboxMessage]) -> None:
        """Take what was committed."""
        self.offered += messages

    def publish_lossy(self, event: Event) -> None:
        """Lose it."""

    def take(self) -> list[OutboxMessage]:
        """Return what was not taken before."""
        taken = [message for message in self.offered if message.id not in self.seen]
        self.offered = []
        self.seen |= {message.id for message in taken}
        return taken

    def stored(self, messages: Sequence[OutboxMessage]) -> list[StoredEvent]:
        """Give events their places in the stream."""
        found = []
        for message in messages:
            self.last += 1
            found.append(StoredEvent(self.last, datetime.now(UTC), message.payload))
        return found


@dataclass
class _Delivery:
    """A command as a worker gets it; acknowledged, it is delivered no more."""

    world: "World"
    actor: Actor
    command: RunJob
    num_delivered: int = 1
    published_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def ack(self) -> None:
        if not self.actor.killed and self.command in self.world.commands:
            self.world.commands.remove(self.command)

    async def nak(self, delay_s: float = 0.0) -> None:
        """It stays where it is."""

    async def in_progress(self) -> None:
        """No lease is ever long."""


class _Decoders:
    """Decoders that write into a derivative of what it was made."""

    async def make(self, request: Request, descriptors: tuple[int, int, int], *, urgent: bool) -> Reply:
        del request, urgent
        return await asyncio.to_thread(_decode, *descriptors)


def _decode(original: int, preview: int, thumbnail: int) -> Reply:
    made = derivative(md5(os.pread(original, 1 << 20, 0)))
    os.write(preview, made)
    os.write(thumbnail, made)
    return Made(96, 64)


class Staff:
    """All services of a library, ready to be set to work."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.library = Library(settings.library.root)
        self.definitions = load_definitions()
        self.finisher = Finisher(mover(settings, self.library))
        context = MaintenanceContext(self.library, settings, self.definitions)
        maker = DerivativesMaker(self.library, cast("DecoderPool", _Decoders()), settings.processing)
        self.handlers: Mapping[str, Handler] = {
            **removal(settings, self.library),
            **deletion(settings, self.library),
            **checks(settings, self.library),
            "manifest_cleaning": ManifestCleaning(context),
            "catalogue_update": catalogue_update,
            "generate_derivatives": maker,
            "upload_postprocess": maker,
        }


class World:
    """All of it. ``accounts`` says of each MD5 how many originals of it there are at least, and at most."""

    def __init__(self, staff: Staff, library_id: UUID, pool: asyncpg.Pool) -> None:
        self.staff = staff
        self.settings = staff.settings
        self.library = staff.library
        self.definitions = staff.definitions
        self.library_id = library_id
        self.root: Path = self.library.root / TENANT
        self.pool = pool
        self.database = Database(pool)
        self.stream = Stream()
        self.commands: list[RunJob] = []
        self.actors: list[Actor] = []
        self.projects: list[Project] = []
        self.least: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.by_hand: set[str] = set()
        self.placed: set[UUID] = set()
        self.was_away = False
        self.errors: list[str] = []
        self.numbers = 0
        self.recipe = Recipe.of(self.settings.processing)
        self._fold: Fold | None = None

    # What there is at the start --------------------------------------------------------------------------------------

    async def project(self, name: str) -> Project:
        """Make a project."""
        async with unit_of_work(self.database, self.stream) as work:
            (row,) = await work.connection.fetch(INSERT_PROJECT, TENANT, name)
            work.emit(ORIGIN.event(ProjectCreated(project_id=row["id"], project_folder=name, name=name)))
        with self.library.tenant(TENANT, self.library_id).create_project(name) as folder:
            folder.write_manifest(Manifest(id=row["id"], name=name, created_at=row["created_at"]))
        self.projects.append(Project(row["id"], name))
        return self.projects[-1]

    async def project_again(self, project: Project) -> None:
        """Make a project of the name that a deleted one had, if nobody has it."""
        [(name, folder)] = await self.fetch("SELECT name, folder FROM projects WHERE id = $1", project.id)
        if not (self.root / folder).exists() and not await self.fetch(NAMED, name, folder):
            await self.project(folder)

    async def photo(self, project: Project, names: Sequence[str]) -> None:
        """Make a photo with the files ``names``, and its derivatives."""
        basename, folder = names[0].partition(".")[0], self.root / project.home
        files = [(name, name.rpartition(".")[2], self.new_content(name)) for name in names]
        for name, _, written in files:
            put(folder / name, written)
            self.arrived(written)
        shown = md5(min(files, key=lambda file: ("jpg", "dng", "xmp").index(file[1]))[2])
        for kind in (THUMBNAILS, PREVIEWS):
            (folder / kind).mkdir(exist_ok=True)
            put(folder / kind / f"{basename}.jpg", derivative(shown))
        kinds = {extension for _, extension, _ in files}
        size = sum(len(written) for _, extension, written in files if extension != "xmp")
        async with unit_of_work(self.database, self.stream) as work:
            connection = work.connection
            about = ("jpg" in kinds, "dng" in kinds, self.recipe.key(shown), size)
            photo = await connection.fetchval(INSERT_PHOTO, TENANT, project.id, basename, *about)
            for name, extension, written in files:
                kind = {"jpg": "jpg", "dng": "raw", "xmp": "sidecar"}[extension]
                modified = datetime.fromtimestamp((folder / name).stat().st_mtime_ns / 1e9, UTC)
                described = (name, kind, len(written), md5(written), modified)
                await connection.execute(INSERT_FILE, TENANT, photo, project.id, *described)
            await tell_of_photo(work, photo)

    def new_content(self, name: str) -> bytes:
        """Return content that no other file has."""
        self.numbers += 1
        return content(name.rpartition(".")[2], self.numbers)

    def arrived(self, written: bytes) -> None:
        """Note that there is one more original of this content."""
        self.least[md5(written)] += 1
        self.most[md5(written)] += 1

    # The log ---------------------------------------------------------------------------------------------------------

    async def fold(self, *, relay: bool = False) -> None:
        """Let the log catch up with what was offered, and the orchestrator with the log; ``relay``: all of it."""
        if self._fold is None:
            async with self.database.transaction() as connection:
                cursor = await event_log.ensure_cursor(connection)
            rules = Rules(self.definitions, self.settings.pipeline, self.settings.jobs)
            self._fold = Fold(self.database, self.stream, rules, cursor)
        while True:
            await self._relay(everything=relay)
            messages = self.stream.take()
            if not messages:
                return
            self.commands += [RunJob.model_validate_json(one.payload) for one in messages if one.kind == "command"]
            if events := self.stream.stored([one for one in messages if one.kind == "event"]):
                await self._fold.fold(events)
            await Resolver(self.database, self.stream).resolve_some()

    async def _relay(self, *, everything: bool) -> None:
        """Offer what waits for its time, and if asked for all that nobody offered."""
        async with self.database.connection() as connection:
            rows = await connection.fetch(OUTBOX)
        offered = {one.id for one in self.stream.offered} | self.stream.seen
        for row in rows:
            if row["id"] not in offered and (everything or row["not_before"] is not None):
                self.stream.offer([OutboxMessage(row["id"], row["kind"], "", TENANT, "", row["payload"])])

    async def fetch(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Ask the database."""
        async with self.database.connection() as connection:
            return [tuple(row.values()) for row in await connection.fetch(query, *parameters)]

    # Who is at work --------------------------------------------------------------------------------------------------

    async def act(self, name: str, play: Callable[[Actor], Awaitable[None]], effort: Effort) -> None:
        """Let a new actor begin, and go on as far as is said."""
        actor = Actor(f"{name} {len(self.actors)}", self.pool)
        self.actors.append(actor)

        async def guarded(actor: Actor) -> None:
            try:
                await play(actor)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test fails with it
                if not actor.killed and not isinstance(error, DATABASE_OUTAGES):  # its transaction lapsed
                    self.errors.append(f"{actor.name}: {error!r}")

        actor.begin(guarded)
        await actor.go(effort)

    @property
    def waiting(self) -> list[Actor]:
        """Those that have not come to their end."""
        return [actor for actor in self.actors if not actor.done]

    async def work(self, command: RunJob, effort: Effort = FREE) -> None:
        """Deliver a command to a worker of its own."""

        async def play(actor: Actor) -> None:
            source = f"/{command.service}"
            ledger = Ledger(actor.database, self.stream, source, actor.name, 0.0)
            workplace = Workplace(actor.database, self.stream, ledger, self.settings.pipeline, source)
            message = cast("CommandMessage", _Delivery(self, actor, command))
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
