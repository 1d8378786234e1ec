"""Who is at work in a crowded library, and through what: the log's stream, the decoders and the services' handlers."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, cast
from uuid import UUID

from deleting import deletion
from reconciling import checks
from removing import mover, removal
from shelf import DNG, JPEG, XMP, md5
from staging import Actor

from photobus_common.bus.reader import StoredEvent
from photobus_common.commands import RunJob
from photobus_common.config import Settings
from photobus_common.definitions import load_definitions
from photobus_common.events import Event
from photobus_common.storage.library import Library
from photobus_common.store.unit_of_work import OutboxMessage
from photobus_common.worker.job import Handler
from photobus_derivatives.making import DerivativesMaker
from photobus_derivatives.protocol import Made, Reply, Request
from photobus_derivatives.sandbox import DecoderPool
from photobus_filemover.finishing import Finisher
from photobus_maintenance.context import Context as MaintenanceContext
from photobus_maintenance.jobs.catalogue_update import catalogue_update
from photobus_maintenance.jobs.manifest_cleaning import ManifestCleaning

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
class Delivery:
    """A command as a worker gets it; acknowledged, it is delivered no more."""

    commands: list[RunJob]
    actor: Actor
    command: RunJob
    num_delivered: int = 1
    published_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def ack(self) -> None:
        if not self.actor.killed and self.command in self.commands:
            self.commands.remove(self.command)

    async def nak(self, delay_s: float = 0.0) -> None:
        """It stays where it is."""

    async def in_progress(self) -> None:
        """No lease is ever long."""


class Decoders:
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
        maker = DerivativesMaker(self.library, cast("DecoderPool", Decoders()), settings.processing)
        self.handlers: Mapping[str, Handler] = {
            **removal(settings, self.library),
            **deletion(settings, self.library),
            **checks(settings, self.library),
            "manifest_cleaning": ManifestCleaning(context),
            "catalogue_update": catalogue_update,
            "generate_derivatives": maker,
            "upload_postprocess": maker,
        }
