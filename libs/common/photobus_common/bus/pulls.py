"""Pull requests at one durable consumer, of which one is outstanding at a time."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Final

from nats.aio.client import Client

from photobus_common import subjects
from photobus_common.bus.jetstream import NANOSECONDS
from photobus_common.logging import get_logger
from photobus_common.subjects import Lane

LINGER_SECONDS: Final = 10.0
"""How long the server keeps a lingering request; renewing them is all that an idle intake does."""

PROBE_SECONDS: Final = 2.0
"""Most that a probe is waited for; the answer takes a round trip, unless it was lost."""

GRACE_SECONDS: Final = 2.0
"""A request whose end was not heard of so long after its time is taken for lost."""

RETRY_SECONDS: Final = 0.2
LONGEST_RETRY_SECONDS: Final = 5.0

NO_MESSAGES: Final = "404"
TIME_OUT: Final = "408"

log = get_logger()


@dataclass
class _Request:
    token: int
    remaining: int
    deadline: float
    ended: asyncio.Event


class PullSource:
    """The consumer of one job type in one lane, what was asked of it, and when to ask again after a failure."""

    def __init__(self, lane: Lane, job_type: str) -> None:
        self.lane = lane
        self.consumer = subjects.command_consumer(lane, job_type)
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{subjects.COMMAND_STREAMS[lane]}.{self.consumer}"
        self._request: _Request | None = None
        self._tokens = 0
        self._failures = 0
        self._retry_at = 0.0

    @property
    def wakes_at(self) -> float | None:
        """When to look at this source again even if nothing was heard; None: no need."""
        if self._request is not None:
            return self._request.deadline
        return self._retry_at if self._failures else None

    def idle(self, now: float) -> bool:
        """Whether nothing is outstanding and a request may be made; gives up what was lost."""
        if self._request is not None and self._request.deadline <= now:
            self._fail("unanswered")
        return self._request is None and self._retry_at <= now

    async def probe(self, client: Client, inbox: str, batch: int) -> None:
        """Ask for up to ``batch`` commands that are there now, and wait until they have come."""
        request = await self._ask(client, inbox, PROBE_SECONDS, batch, {"no_wait": True})
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await request.ended.wait()
        except TimeoutError:
            if self._request is request:
                self._fail("unanswered")

    async def linger(self, client: Client, inbox: str) -> None:
        """Ask for the next command, whenever it comes."""
        expires = {"expires": round(LINGER_SECONDS * NANOSECONDS)}
        await self._ask(client, inbox, LINGER_SECONDS + GRACE_SECONDS, 1, expires)

    def delivered(self) -> None:
        """Count a command of this consumer."""
        self._failures = 0
        if self._request is not None:
            self._request.remaining -= 1
            if self._request.remaining <= 0:
                self.forget()

    def answered(self, subject: str, status: str, description: str) -> None:
        """Take the server's word on the request whose answers go to ``subject``, if that is still outstanding."""
        if self._request is None or subject.rpartition("-")[2] != str(self._request.token):
            return
        if status in (NO_MESSAGES, TIME_OUT):
            self._failures = 0
            self.forget()
        else:
            self._fail(description or status)

    def forget(self) -> None:
        """Count the request as ended."""
        if self._request is not None:
            self._request.ended.set()
            self._request = None

    def reset(self) -> None:
        """Begin anew on a new connection."""
        self.forget()
        self._failures = 0
        self._retry_at = 0.0

    def _fail(self, reason: str) -> None:
        if not self._failures:
            log.warning("commands_unavailable", consumer=self.consumer, reason=reason)
        delay = min(RETRY_SECONDS * 2**self._failures, LONGEST_RETRY_SECONDS)
        self._failures = min(self._failures + 1, 16)
        self._retry_at = asyncio.get_running_loop().time() + delay
        self.forget()

    async def _ask(self, client: Client, inbox: str, seconds: float, batch: int, how: dict[str, Any]) -> _Request:
        self._tokens += 1
        deadline = asyncio.get_running_loop().time() + seconds
        request = self._request = _Request(self._tokens, batch, deadline, asyncio.Event())
        body = json.dumps({"batch": batch, **how}).encode()
        await client.publish(self._subject, body, reply=f"{inbox}.{self.consumer}-{request.token}")
        return request
