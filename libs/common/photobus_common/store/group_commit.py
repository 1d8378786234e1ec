"""Group commit: what is asked for while one transaction is being written goes into the next one, together.

A commit costs a sync of the disk however little it says, so a busy process shares them. Nothing waits for company: a
request that comes while nothing is being written is written at once, alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from photobus_common.store.outages import DATABASE_OUTAGES

RequestT = TypeVar("RequestT")
AnswerT = TypeVar("AnswerT")

Write = Callable[[Sequence[RequestT]], Awaitable[Sequence[AnswerT]]]

LARGEST_BATCH: Final = 256


class GroupCommit(Generic[RequestT, AnswerT]):
    """Hands requests to ``write`` in batches, in the order in which they came, one batch at a time.

    ``write`` answers them in the same order, or raises and has written none. A batch of several that fails is written
    again one by one, so that one bad request fails alone; but an outage is nobody's fault and is told to all at once.
    """

    def __init__(self, write: Write[RequestT, AnswerT]) -> None:
        self._write = write
        self._waiting: list[tuple[RequestT, asyncio.Future[AnswerT]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def submit(self, request: RequestT) -> AnswerT:
        """Return the answer to ``request`` once it is committed; raises what ``write`` raised.

        A caller that is cancelled while its request waits takes it back; one being written may be committed.
        """
        answer: asyncio.Future[AnswerT] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, answer))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all(), name="group-commit")
        return await answer

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                batch = [entry for entry in self._waiting[:LARGEST_BATCH] if not entry[1].cancelled()]
                del self._waiting[:LARGEST_BATCH]
                if batch:
                    await self._write_batch(batch)
        finally:
            self._writer = None

    async def _write_batch(self, batch: Sequence[tuple[RequestT, asyncio.Future[AnswerT]]]) -> None:
        try:
            answers = await self._write([request for request, _ in batch])
        except DATABASE_OUTAGES as error:
            for _, future in batch:
                _fail(future, error)
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the askers' to handle
            if len(batch) > 1:
                for entry in batch:
                    await self._write_batch([entry])
                return
            _fail(batch[0][1], error)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)


def _fail(future: asyncio.Future[AnswerT], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
