"""One decoder process as the service sees it: how it is started, asked, listened to and ended."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from photobus_common.logging import get_logger
from photobus_derivatives.protocol import MAX_MESSAGE_BYTES, READY, Reply, Request, decode_reply

Descriptors = tuple[int, int, int]
"""The original to read, and the files to write preview and thumbnail into."""

START_SECONDS: Final = 30.0
"""How long a decoder may take to import its libraries on a busy machine."""

_GRACE_SECONDS: Final = 1.0
"""What the decoder gets beyond the photo's time, to say by itself that the time is over."""

_WORDS_KEPT: Final = 2000

_ENVIRONMENT: Final = {
    "LANG": "C.UTF-8",
    "VIPS_CONCURRENCY": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}
"""All that a decoder is told: the service's own environment holds the passwords of database and broker."""

log = get_logger()


class DecoderGoneError(Exception):
    """The decoder hung up or could not be started. ``words`` is what it said last."""

    def __init__(self, why: str, words: str = "") -> None:
        super().__init__(why)
        self.words = words


class UndeliveredError(DecoderGoneError):
    """The decoder was gone before it took the photo, which has nothing to do with it."""


class Decoder:
    """One decoder process and the socket to it."""

    def __init__(self, memory_mb: int) -> None:
        """Start the process; raises ``DecoderGoneError`` when the system has no descriptors, memory or processes left.

        ``started`` then waits until it can decode.
        """
        try:
            self._socket, self._words, self._process = _start(memory_mb)
        except OSError as error:
            raise DecoderGoneError(str(error)) from error
        self._said = b""
        asyncio.get_running_loop().add_reader(self._words, self._listen)

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
        """Have one photo decoded.

        Raises ``TimeoutError``, ``UndeliveredError``, ``DecoderGoneError``, ``ProtocolError``.
        """
        self._said = b""  # what it said over another photo explains nothing
        try:
            socket.send_fds(self._socket, [request.encode()], list(descriptors))
        except OSError as error:
            raise UndeliveredError(str(error)) from error
        async with asyncio.timeout(request.seconds + _GRACE_SECONDS):
            return decode_reply(await self._receive())

    def watch(self, gone: Callable[[], None]) -> None:
        """Call ``gone`` when the idle decoder hangs up, or says something although it was not asked."""
        asyncio.get_running_loop().add_reader(self._socket, gone)

    def unwatch(self) -> None:
        """Undo ``watch``."""
        asyncio.get_running_loop().remove_reader(self._socket)

    async def end(self) -> None:
        """Kill it and wait until it is gone; a second time does nothing."""
        self._process.kill()
        await asyncio.to_thread(self._process.wait)
        if self._words >= 0:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._socket)
            loop.remove_reader(self._words)
            self._socket.close()
            os.close(self._words)
            self._words = -1

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
            raise DecoderGoneError(str(error), self._last_words()) from error
        finally:
            loop.remove_reader(self._socket)
        if not message:
            raise DecoderGoneError("It hung up.", self._last_words())
        return message

    def _listen(self) -> None:
        """Take what the libraries complain of to standard error; nothing left to come means it has ended."""
        try:
            heard = os.read(self._words, _WORDS_KEPT)
        except OSError:
            return
        if not heard:
            asyncio.get_running_loop().remove_reader(self._words)
            return
        self._said = (self._said + heard)[-_WORDS_KEPT:]
        log.debug("decoder_said", pid=self.pid, words=heard.decode(errors="replace"))

    def _last_words(self) -> str:
        """Return what it said, the rest of it taken in first: it may have died between speaking and our listening."""
        self._listen()
        return self._said.decode(errors="replace").strip()


def _start(memory_mb: int) -> tuple[socket.socket, int, subprocess.Popen[bytes]]:
    """Start a decoder; returns our end of its socket, the descriptor of what it says, and the process.

    Called from the loop's own thread: a process that dies with its parent dies with the thread that made it.
    """
    with ExitStack() as unless_started, ExitStack() as theirs_only:
        # The messages keep their bounds, so that half a reply cannot be taken for one.
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        unless_started.callback(ours.close)
        theirs_only.callback(theirs.close)
        words, their_words = os.pipe()
        unless_started.callback(os.close, words)
        theirs_only.callback(os.close, their_words)
        ours.setblocking(False)
        os.set_blocking(words, False)
        process = subprocess.Popen(
            [
                # Of a library that crashes, its last words say at least in which step.
                *(sys.executable, "-I", "-X", "faulthandler", "-m", "photobus_derivatives.decoder"),
                *(str(theirs.fileno()), str(memory_mb), str(os.getpid())),
            ],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=their_words,
            stderr=their_words,
            env=_ENVIRONMENT,
            cwd="/",
        )
        unless_started.pop_all()
    return ours, words, process
