"""The broker under test: one server, or three that hold the same streams, with lines between them that can be cut."""

import asyncio
import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from itertools import permutations
from pathlib import Path
from typing import Final

import nats
import nats.errors

from chaos.links import Link
from chaos.parts import KeptPart
from photobus_local.nats import EmbeddedNats
from photobus_local.ports import free_port
from photobus_local.secrets_file import kept_secret, write_private

_ANSWER_SECONDS: Final = 2.0


class Node(KeptPart):
    """One server of the broker."""

    def __init__(self, server: EmbeddedNats) -> None:
        super().__init__(server)
        self.server = server

    def wipe(self) -> None:
        """Take its streams away and kill it: it comes back as one with a new disk."""
        store = self.server.directory / "store"
        wiped = self.server.directory / "wiped"
        with suppress(FileNotFoundError):
            store.rename(wiped)
        self.kill_now()
        shutil.rmtree(wiped, ignore_errors=True)


class Servers:
    """Makes the servers in ``directory``. Enter ``open`` before they start and ``close`` after they ended."""

    def __init__(self, directory: Path, log: Path, count: int) -> None:
        self._routes: dict[tuple[int, int], Link] = {}
        self._directory = directory
        self._log = log
        self._count = count
        self.nodes: list[Node] = []

    async def open(self) -> None:
        """Make the servers, and the lines between them."""
        if self._count == 1:
            self.nodes = [Node(EmbeddedNats(self._directory, log=self._log))]
            return
        ports = [free_port() for _ in range(self._count)]
        dead = [await Link(f"nowhere-{number}", 0).reserve() for number in range(self._count)]
        for near, far in permutations(range(self._count), 2):
            self._routes[near, far] = await Link(f"nats-{near + 1} to nats-{far + 1}", ports[far]).open()
        secret = kept_secret(self._made(self._directory) / "password")
        for number in range(self._count):
            directory = self._made(self._directory / f"node-{number + 1}")
            write_private(directory / "password", secret)
            name = f"nats-{number + 1}"
            log = self._log.with_name(f"{name}.log")
            further = self._clustered(name, number, ports[number], dead[number].port)
            self.nodes.append(Node(EmbeddedNats(directory, log=log, name=name, further=further)))

    def _clustered(self, name: str, number: int, port: int, dead: int) -> dict[str, object]:
        """Return the configuration of one server: what it advertises to the others leads nowhere, past no line."""
        routes = [link.port for (near, _), link in self._routes.items() if near == number]
        return {
            "server_name": name,
            "cluster": {
                "name": "photobus",
                "listen": f"127.0.0.1:{port}",
                "routes": [f"nats-route://127.0.0.1:{route}" for route in routes],
                "advertise": f"127.0.0.1:{dead}",
                "no_advertise": True,
            },
        }

    @property
    def user(self) -> str:
        """Who may connect."""
        return self.nodes[0].server.user

    @property
    def password(self) -> str:
        """The user's password, once a server has started."""
        return self.nodes[0].server.password

    @property
    def url(self) -> str:
        """Addresses of the servers, straight, without user and password."""
        return ",".join(node.server.url for node in self.nodes)

    @property
    def private_url(self) -> str:
        """Addresses of the servers, straight, with user and password."""
        return ",".join(node.server.private_url for node in self.nodes)

    def routes_of(self, name: str) -> Sequence[Link]:
        """Return the lines between the server ``name`` and the others, both ways."""
        number = [node.name for node in self.nodes].index(name)
        return [link for pair, link in self._routes.items() if number in pair]

    async def leader(self, stream: str) -> str | None:
        """Name the server that leads ``stream``, as the first that answers says."""
        for node in self.nodes:
            with suppress(OSError, nats.errors.Error, TimeoutError):
                async with asyncio.timeout(_ANSWER_SECONDS):
                    return await _leader(node.server.private_url, stream)
        return None

    async def whole(self) -> bool:
        """Whether every server runs and has all that the others have, as each of them says."""
        return all(['"ok"' in await node.server.health() for node in self.nodes])

    async def close(self) -> None:
        """End the lines."""
        for link in self._routes.values():
            await link.close()

    @staticmethod
    def _made(directory: Path) -> Path:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return directory


async def _leader(url: str, stream: str) -> str | None:
    client = await nats.connect(url, allow_reconnect=False, connect_timeout=1)
    try:
        answer = await client.request(f"$JS.API.STREAM.INFO.{stream}", b"", timeout=1)
        cluster = json.loads(answer.data).get("cluster", {})
        return str(cluster["leader"]) if "leader" in cluster else None
    finally:
        await client.close()
