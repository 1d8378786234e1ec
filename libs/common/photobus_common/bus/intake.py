"""Taking commands from the lanes: the highest priority first, within a millisecond of its arrival, without polling.

A free slot waits in ``next``. While any slot waits, one pull request lingers at every consumer that a waiting slot may
take from; a consumer without one is first probed without waiting, in order of priority. nats-py's ``fetch`` has no
request that does not wait and sits out its time-out over a restart of the server, so the requests are made here.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from pydantic import ValidationError

from photobus_common import subjects
from photobus_common.bus.command_message import TERMINATE, CommandMessage, say
from photobus_common.bus.connection import Broker, cancellable
from photobus_common.bus.deliveries import delivery_of, is_delivery, status_of
from photobus_common.bus.pulls import PullSource
from photobus_common.commands import RunJob
from photobus_common.errors import BrokerUnavailableError
from photobus_common.logging import get_logger
from photobus_common.subjects import Lane

__all__ = ["CommandMessage", "Intake"]

CLOSE_SECONDS: Final = 5.0

SPARE_SECONDS: Final = 0.01
"""How long a command is kept that no slot waits for: as long as a slot needs from one command to the next question."""

log = get_logger()


@dataclass(eq=False)
class _Waiter:
    """A free slot and the lanes it may take from."""

    lanes: frozenset[Lane]
    future: asyncio.Future[CommandMessage | None]


@dataclass(eq=False)
class _Spare:
    """A command that no slot waits for, until ``timer`` gives it back."""

    message: CommandMessage
    timer: asyncio.TimerHandle | None = None


class Intake:
    """Hands commands of both lanes to free slots; within a lane, the order of ``job_types`` is that of priority."""

    def __init__(self, broker: Broker, job_types: Sequence[str]) -> None:
        self._broker = broker
        ordered = (PullSource(lane, job_type) for lane in subjects.LANES for job_type in job_types)
        self._sources = {source.consumer: source for source in ordered}
        self._waiters: list[_Waiter] = []
        self._changed = asyncio.Event()
        self._dispatcher: asyncio.Task[None] | None = None
        self._spare: deque[_Spare] = deque()
        self._returns: set[asyncio.Task[None]] = set()
        self._generation = 0
        self._client: Client | None = None
        self._inbox = ""
        self._subscription: Subscription | None = None
        self._closed = False
        self._remove_listener = broker.on_connect(self._reconnected)

    async def next(self, lanes: frozenset[Lane], timeout_seconds: float | None = None) -> CommandMessage | None:
        """Return the next command of ``lanes`` for one free slot; None after ``timeout_seconds`` or when closed.

        Any number of slots may wait at once. A command that comes when no slot waits is kept for a moment, for the
        slot that is just about to ask, and then given back. Raises what ended the dispatcher, if anything did: without
        it no command would ever come, and nobody would know.
        """
        if self._closed:
            return None
        if (spare := self._take_spare(lanes)) is not None:
            return spare
        waiter = _Waiter(lanes, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        if self._dispatcher is None:
            self._dispatcher = asyncio.create_task(self._dispatch(), name="intake")
        self._changed.set()
        try:
            ends = (waiter.future, self._dispatcher)
            await asyncio.wait(ends, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if waiter.future.done() and (message := waiter.future.result()) is not None:
                self._hand_out(message)
            raise
        finally:
            with suppress(ValueError):
                self._waiters.remove(waiter)
        if waiter.future.done():
            return waiter.future.result()
        if self._dispatcher.done():
            self._dispatcher.result()
        return None

    async def close(self) -> None:
        """Take no more: every waiting slot gets None, and what is still on its way is given back."""
        self._closed = True
        self._remove_listener()
        for waiter in self._waiters:
            if not waiter.future.done():
                waiter.future.set_result(None)
        self._waiters.clear()
        if self._dispatcher is not None:
            self._dispatcher.cancel()
            await asyncio.gather(self._dispatcher, return_exceptions=True)
        if self._subscription is not None and self._broker.connected:
            with suppress(errors.Error, OSError, TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await cancellable(self._subscription.drain())  # type: ignore[no-untyped-call]
        while self._spare:
            self._give_back(self._spare[0])
        await asyncio.gather(*self._returns)

    async def _dispatch(self) -> None:
        while True:
            self._changed.clear()
            # A connection lost in between announces its successor, which wakes this loop again.
            with suppress(BrokerUnavailableError, errors.Error, OSError):
                if self._broker.connected:
                    await self._attach()
                    await self._probe()
                    await self._linger()
            await self._rest()

    async def _attach(self) -> None:
        """Listen for answers on the present connection."""
        generation, client = self._broker.generation, self._broker.client
        if client is not self._client:
            self._inbox = client.new_inbox()
            self._subscription = await client.subscribe(f"{self._inbox}.*", cb=self._received)
            self._client = client
        if generation != self._generation:
            self._generation = generation
            self._reset()

    async def _probe(self) -> None:
        for source in self._sources.values():
            wanted = self._wanted(source.lane)
            if wanted and source.idle(asyncio.get_running_loop().time()):
                await source.probe(self._broker.client, self._inbox, wanted)

    async def _linger(self) -> None:
        for source in self._sources.values():
            if self._wanted(source.lane) and source.idle(asyncio.get_running_loop().time()):
                await source.linger(self._broker.client, self._inbox)

    async def _rest(self) -> None:
        """Return when a slot, an answer or a connection has come, or when an answer is overdue."""
        times = [
            source.wakes_at
            for source in self._sources.values()
            if source.wakes_at is not None and self._wanted(source.lane)
        ]
        with suppress(TimeoutError):
            async with asyncio.timeout_at(min(times) if times and self._broker.connected else None):
                await self._changed.wait()

    async def _received(self, message: Msg) -> None:
        """Take a command, or the server's word that there is none."""
        if is_delivery(message):
            await self._delivered(message)
        else:
            source = self._sources.get(message.subject.rpartition(".")[2].rpartition("-")[0])
            if source is not None:
                description = (message.headers or {}).get("Description", "")
                source.answered(message.subject, status_of(message) or "", description)
        self._changed.set()

    async def _delivered(self, message: Msg) -> None:
        delivery = delivery_of(message.reply)
        source = self._sources[delivery.consumer]
        source.delivered()
        try:
            command = RunJob.model_validate_json(message.data)
        except ValidationError:
            # It will never be readable; the rescuer commands the job anew.
            log.exception("command_unreadable", consumer=delivery.consumer)
            await say(self._broker, message.reply, TERMINATE)
            return
        self._hand_out(CommandMessage(self._broker, message.reply, command, delivery))

    def _hand_out(self, message: CommandMessage) -> None:
        waiter = self._waiter_for(message.command.lane)
        if waiter is None:
            self._keep(message)
        else:
            self._waiters.remove(waiter)
            waiter.future.set_result(message)

    def _waiter_for(self, lane: Lane) -> _Waiter | None:
        """Prefer the slot that may take from the fewest lanes: the others stay free for what only they may take."""
        fitting = (waiter for waiter in self._waiters if lane in waiter.lanes)
        return min(fitting, key=lambda waiter: len(waiter.lanes), default=None)

    def _wanted(self, lane: Lane) -> int:
        return sum(lane in waiter.lanes for waiter in self._waiters)

    def _keep(self, message: CommandMessage) -> None:
        spare = _Spare(message)
        self._spare.append(spare)
        if self._closed:
            self._give_back(spare)
        else:
            spare.timer = asyncio.get_running_loop().call_later(SPARE_SECONDS, self._give_back, spare)

    def _take_spare(self, lanes: frozenset[Lane]) -> CommandMessage | None:
        for spare in self._spare:
            if spare.message.command.lane in lanes:
                self._drop(spare)
                return spare.message
        return None

    def _give_back(self, spare: _Spare) -> None:
        self._drop(spare)
        task = asyncio.create_task(spare.message.nak())
        self._returns.add(task)
        task.add_done_callback(self._returns.discard)

    def _drop(self, spare: _Spare) -> None:
        self._spare.remove(spare)
        if spare.timer is not None:
            spare.timer.cancel()

    def _reconnected(self) -> None:
        self._reset()
        self._changed.set()

    def _reset(self) -> None:
        for source in self._sources.values():
            source.reset()
