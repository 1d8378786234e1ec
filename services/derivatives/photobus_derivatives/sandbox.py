"""The pool of decoder processes. One that dies, hangs or talks nonsense costs one photo and is replaced."""

import asyncio
import heapq
from itertools import count
from typing import Final

from photobus_common.config import Processing
from photobus_common.logging import get_logger
from photobus_derivatives.child import Decoder, DecoderGoneError, Descriptors, UndeliveredError
from photobus_derivatives.protocol import ProtocolError, Reason, Refused, Reply, Request
from photobus_derivatives.refusal import reason_of

_LONGEST_PAUSE_SECONDS: Final = 30.0

_DELIVERIES: Final = 3
"""How many decoders may be found gone before a photo that none of them took is given up."""

log = get_logger()


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
    def idle(self) -> int:
        """Number of decoders that wait for a photo."""
        return len(self._free)

    @property
    def whole(self) -> bool:
        """Whether every decoder has started and lives."""
        decoders = (*self._free, *self._busy)
        return len(decoders) == self._settings.children and all(decoder.alive for decoder in decoders)

    async def start(self) -> None:
        """Start the decoders; raises ``DecoderGoneError`` when one cannot be started."""
        decoders: list[Decoder] = []
        try:
            for _ in range(self._settings.children):
                decoders.append(Decoder(self._settings.memory_limit_mb))
                self._busy.add(decoders[-1])
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
        for decoder in self._free:
            decoder.unwatch()
        await asyncio.gather(*(decoder.end() for decoder in (*self._free, *self._busy)))
        self._free.clear()
        self._busy.clear()

    async def make(self, request: Request, descriptors: Descriptors, *, urgent: bool) -> Reply:
        """Make the derivatives of one photo; a decoder lost over it is told as the photo's refusal."""
        for _ in range(_DELIVERIES):
            decoder = await self._take(urgent)
            try:
                reply = await decoder.ask(request, descriptors)
            except UndeliveredError as error:
                self._replace(decoder, str(error))
                continue
            except TimeoutError:
                self._replace(decoder, "time_limit")
                return Refused("time_limit")
            except DecoderGoneError as error:
                self._replace(decoder, str(error), error.words)
                return _died(error)
            except ProtocolError as error:
                self._replace(decoder, str(error))
                return Refused("decoder_died", str(error))
            except BaseException:
                self._replace(decoder, "canceled")  # it is still at work on a photo that nobody wants any more
                raise
            self._hand_on(decoder)
            return reply
        return Refused("decoder_died", "No decoder took the photo.")

    async def _take(self, urgent: bool) -> Decoder:
        if self._free:
            decoder = self._free.pop()
            decoder.unwatch()
            self._busy.add(decoder)
            return decoder
        waiter: asyncio.Future[Decoder] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (not urgent, next(self._order), waiter))
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._hand_on(waiter.result())
            raise

    def _hand_on(self, decoder: Decoder) -> None:
        """Give the decoder to whoever waits most urgently, or keep it, and notice if it dies meanwhile."""
        while self._waiting:
            _not_urgent, _number, waiter = heapq.heappop(self._waiting)
            if not waiter.done():
                waiter.set_result(decoder)
                return
        self._busy.discard(decoder)
        self._free.append(decoder)
        decoder.watch(lambda: self._lost_while_idle(decoder))

    def _lost_while_idle(self, decoder: Decoder) -> None:
        decoder.unwatch()
        self._free.remove(decoder)
        self._busy.add(decoder)
        self._replace(decoder, "died while idle")

    def _replace(self, decoder: Decoder, why: str, words: str = "") -> None:
        self.replaced += 1
        log.warning("decoder_replaced", pid=decoder.pid, why=why, words=words)
        task = asyncio.create_task(self._start_anew(decoder))
        self._replacements.add(task)
        task.add_done_callback(self._replacements.discard)

    async def _start_anew(self, lost: Decoder) -> None:
        await lost.end()
        self._busy.discard(lost)
        pause = 0.0
        while not self._closed:
            await asyncio.sleep(pause)
            try:
                fresh = await self._started()
            except DecoderGoneError as error:
                log.warning("decoder_not_started", why=str(error), words=error.words)
                # A machine without memory is not helped by starting processes as fast as it can.
                pause = min(_LONGEST_PAUSE_SECONDS, pause * 2 or 1.0)
                continue
            self._busy.add(fresh)
            self._hand_on(fresh)
            return

    async def _started(self) -> Decoder:
        """Start one decoder; raises ``DecoderGoneError`` and leaves nothing of it when it cannot be."""
        fresh = Decoder(self._settings.memory_limit_mb)
        try:
            await fresh.started()
        except BaseException:
            await asyncio.shield(fresh.end())
            raise
        return fresh


def _died(error: DecoderGoneError) -> Refused:
    """Tell a decoder whose libraries gave up for want of memory, as some do by ending the process, from any other."""
    reason: Reason = "memory_limit" if reason_of(error.words) == "memory_limit" else "decoder_died"
    return Refused(reason, error.words or str(error))
