"""The pool of decoder processes. One that dies, hangs or talks nonsense costs one photo and is replaced."""

import asyncio
import heapq
import os
import socket
import subprocess
import sys
from itertools import count
from typing import Final

from photobus_common.config import Processing
from photobus_common.logging import get_logger
from photobus_derivatives.protocol import (
    MAX_MESSAGE_BYTES,
    READY,
    ProtocolError,
    Refused,
    Reply,
    Request,
    decode_reply,
)

Descriptors = tuple[int, int, int]
"""The original to read, and the files to write preview and thumbnail into."""

START_SECONDS: Final = 30.0
"""How long a decoder may take to import its libraries on a busy machine."""

_GRACE_SECONDS: Final = 1.0
"""What the decoder gets beyond the photo's time, to say by itself that the time is over."""

_LONGEST_PAUSE_SECONDS: Final = 30.0

log = get_logger()


class DecoderGoneError(Exception):
    """The decoder hung up or could not be started."""


class Decoder:
    """One decoder process and the socket to it."""

    def __init__(self, memory_mb: int) -> None:
        # The messages keep their bounds, so that half a reply cannot be taken for one.
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            command = [sys.executable, "-m", "photobus_derivatives.decoder", str(theirs.fileno()), str(memory_mb)]
            # Started from the loop's own thread: a process that dies with its parent dies with the thread that made it.
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, "VIPS_CONCURRENCY": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"},
            )
        self._socket = ours

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    async def started(self) -> None:
        """Wait until it can decode; raises ``DecoderGoneError``."""
        try:
            async with asyncio.timeout(START_SECONDS):
                message = await self._receive()
        except TimeoutError as error:
            raise DecoderGoneError("It did not start in time.") from error
        if message != READY:
            raise DecoderGoneError("It said something else than that it is ready.")

    async def ask(self, request: Request, descriptors: Descriptors) -> Reply:
        """Have one photo decoded. Raises ``TimeoutError``, ``DecoderGoneError``, ``ProtocolError``."""
        try:
            socket.send_fds(self._socket, [request.encode()], list(descriptors))
        except OSError as error:
            raise DecoderGoneError(str(error)) from error
        async with asyncio.timeout(request.seconds + _GRACE_SECONDS):
            return decode_reply(await self._receive())

    async def end(self) -> None:
        """Kill it and wait until it is gone."""
        self._process.kill()
        await asyncio.to_thread(self._process.wait)
        self._socket.close()

    async def _receive(self) -> bytes:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            if not ready.done():
                ready.set_result(None)

        loop.add_reader(self._socket, wake)
        try:
            await ready
            message = self._socket.recv(MAX_MESSAGE_BYTES)
        except OSError as error:
            raise DecoderGoneError(str(error)) from error
        finally:
            loop.remove_reader(self._socket)
        if not message:
            raise DecoderGoneError("It hung up.")
        return message


class DecoderPool:
    """As many decoders as ``processing.worker_count`` says; urgent photos are served before the others that wait."""

    def __init__(self, settings: Processing) -> None:
        self._settings = settings
        self._busy: set[Decoder] = set()
        self._free: list[Decoder] = []
        self._waiting: list[tuple[bool, int, asyncio.Future[Decoder]]] = []
        self._order = count()
        self._replacements: set[asyncio.Task[None]] = set()
        self._closed = False
        self.replaced = 0

    @property
    def pids(self) -> list[int]:
        """Process ids of the decoders."""
        return [decoder.pid for decoder in (*self._free, *self._busy)]

    @property
    def whole(self) -> bool:
        """Whether every decoder has started and lives."""
        decoders = (*self._free, *self._busy)
        return len(decoders) == self._settings.children and all(decoder.alive for decoder in decoders)

    async def start(self) -> None:
        """Start the decoders; raises ``DecoderGoneError`` when one cannot be started."""
        decoders = [Decoder(self._settings.memory_limit_mb) for _ in range(self._settings.children)]
        self._busy.update(decoders)
        try:
            await asyncio.gather(*(decoder.started() for decoder in decoders))
        except DecoderGoneError:
            await self.close()
            raise
        for decoder in decoders:
            self._hand_on(decoder)

    async def close(self) -> None:
        """End every decoder; whoever still waits for one is cancelled."""
        self._closed = True
        for _not_urgent, _number, waiter in self._waiting:
            waiter.cancel()
        for task in self._replacements:
            task.cancel()
        await asyncio.gather(*self._replacements, return_exceptions=True)
        await asyncio.gather(*(decoder.end() for decoder in (*self._free, *self._busy)))
        self._free.clear()
        self._busy.clear()

    async def make(self, request: Request, descriptors: Descriptors, *, urgent: bool) -> Reply:
        """Make the derivatives of one photo; a lost decoder is told as the photo's refusal."""
        decoder = await self._take(urgent)
        try:
            reply = await decoder.ask(request, descriptors)
        except TimeoutError:
            self._replace(decoder, "time_limit")
            return Refused("time_limit")
        except (DecoderGoneError, ProtocolError) as error:
            self._replace(decoder, str(error))
            return Refused("decoder_died", str(error))
        except BaseException:
            self._replace(decoder, "canceled")  # it is still at work on a photo that nobody wants any more
            raise
        self._hand_on(decoder)
        return reply

    async def _take(self, urgent: bool) -> Decoder:
        while self._free:
            decoder = self._free.pop()
            self._busy.add(decoder)
            if decoder.alive:
                return decoder
            self._replace(decoder, "died while idle")
        waiter: asyncio.Future[Decoder] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (not urgent, next(self._order), waiter))
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._hand_on(waiter.result())
            raise

    def _hand_on(self, decoder: Decoder) -> None:
        """Give the decoder to whoever waits most urgently, or keep it."""
        while self._waiting:
            _not_urgent, _number, waiter = heapq.heappop(self._waiting)
            if not waiter.done():
                waiter.set_result(decoder)
                return
        self._busy.discard(decoder)
        self._free.append(decoder)

    def _replace(self, decoder: Decoder, why: str) -> None:
        self.replaced += 1
        log.warning("decoder_replaced", pid=decoder.pid, why=why)
        task = asyncio.create_task(self._start_anew(decoder))
        self._replacements.add(task)
        task.add_done_callback(self._replacements.discard)

    async def _start_anew(self, lost: Decoder) -> None:
        await lost.end()
        self._busy.discard(lost)
        pause = 0.0
        while not self._closed:
            await asyncio.sleep(pause)
            fresh = Decoder(self._settings.memory_limit_mb)
            try:
                await fresh.started()
            except DecoderGoneError as error:
                log.warning("decoder_not_started", why=str(error))
                await fresh.end()
                # A machine without memory is not helped by starting processes as fast as it can.
                pause = min(_LONGEST_PAUSE_SECONDS, pause * 2 or 1.0)
                continue
            except asyncio.CancelledError:
                await asyncio.shield(fresh.end())
                raise
            self._busy.add(fresh)
            self._hand_on(fresh)
            return
