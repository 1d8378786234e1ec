"""What a crowded library stands on: its database and folders, the log and its fold, and those who act."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
from bus_traffic import ORIGIN, TENANT
from crowd_staff import Project, Staff, Stream, content, derivative
from rows_and_log import tell_of_photo
from shelf import md5, put
from staging import Actor, Effort

from photobus_common.commands import RunJob
from photobus_common.derivation import Recipe
from photobus_common.events.projects import ProjectCreated
from photobus_common.storage.manifest import Manifest
from photobus_common.storage.project_folder import PREVIEWS, THUMBNAILS
from photobus_common.store import event_log
from photobus_common.store.database import Database
from photobus_common.store.outages import DATABASE_OUTAGES
from photobus_common.store.unit_of_work import OutboxMessage, unit_of_work
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
NAMED: Final = "SELECT 1 FROM projects WHERE status = 'active' AND (name = $1 OR folder = $2 OR name = $2)"
OUTBOX: Final = "SELECT id, kind, payload, not_before FROM outbox ORDER BY created_at, id"


class Ground:
    """A library in a database and a folder of its own, and the log that tells of it."""

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
