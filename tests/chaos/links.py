"""The network between two processes as something that can fail: a TCP proxy on loopback, cut and healed at will."""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Self

from photobus_local.ports import LOOPBACK, bind, free_port

_PORTION: Final = 64 * 1024
_TRIES: Final = 20


class Link:
    """Passes what connects to ``port`` on to the port ``target``, unless it is cut or holds everything back."""

    def __init__(self, name: str, target: int) -> None:
        self.name = name
        self.target = target
        self.port = 0
        self._place = socket.socket()
        self._server: asyncio.Server | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._connections: set[asyncio.Task[None]] = set()

    async def reserve(self) -> Self:
        """Take a free port, which refuses all until ``heal``."""
        self.port = _take_port(self._place)
        return self

    async def open(self) -> Self:
        """Listen on a free port, which stays taken while the link is cut."""
        await self.reserve()
        await self._listen()
        return self

    async def close(self) -> None:
        """End every connection and listen no more."""
        await self.cut()
        self._place.close()

    async def cut(self) -> None:
        """End all connections; refuse new ones until ``heal``."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        ended = tuple(self._connections)
        for connection in ended:
            connection.cancel()
        await asyncio.gather(*ended, return_exceptions=True)

    async def black_hole(self) -> None:
        """Keep all connections, accept new ones, and deliver nothing in either direction until ``heal``."""
        self._flowing.clear()

    async def heal(self) -> None:
        """Pass everything on again; what was held back arrives late, as it does after a cable was out for a while."""
        self._flowing.set()
        if self._server is None:
            await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accepted, LOOPBACK, self.port, reuse_port=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        self._connections.add(connection)
        try:
            await self._join(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()  # the task is this link's own: nobody else has canceled it
        finally:
            self._connections.discard(connection)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Be the connection to the target, until either side ends it."""
        await self._flowing.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self.target)
        except OSError:
            writer.transport.abort()
            return
        ways = (
            asyncio.create_task(self._pass_on(reader, far_writer)),
            asyncio.create_task(self._pass_on(far_reader, writer)),
        )
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (writer, far_writer):
                end.transport.abort()

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while portion := await source.read(_PORTION):
                await self._flowing.wait()
                sink.write(portion)
                await sink.drain()
            await self._flowing.wait()


class Line:
    """All links of one process, to each of the broker's servers."""

    def __init__(self, name: str, links: Sequence[Link]) -> None:
        self.name = name
        self.links = links

    @property
    def url(self) -> str:
        """Addresses at which the process finds the broker."""
        return ",".join(f"nats://{LOOPBACK}:{link.port}" for link in self.links)

    async def cut(self) -> None:
        """Cut all of them."""
        for link in self.links:
            await link.cut()

    async def black_hole(self) -> None:
        """Hold back all that is sent over them."""
        for link in self.links:
            await link.black_hole()

    async def heal(self) -> None:
        """Let all of them pass again."""
        for link in self.links:
            await link.heal()

    async def close(self) -> None:
        """End them."""
        for link in self.links:
            await link.close()


def _take_port(place: socket.socket) -> int:
    """Bind ``place``, which never listens: the kernel sends it nobody, and nobody else can take the port."""
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    for _ in range(_TRIES):
        port = free_port()
        if bind(place, port):
            return port
    raise RuntimeError("No free port could be taken for a link.")
