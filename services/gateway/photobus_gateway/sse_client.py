"""One connected client: its open response, and the watch over whether it still takes what it is given."""

import asyncio
import socket
from contextlib import suppress
from typing import Final, Literal

from aiohttp import hdrs, web

from photobus_common.logging import get_logger
from photobus_common.telemetry import SSE_CUT_OFF
from photobus_gateway.callers import Caller
from photobus_gateway.problems import has_gone
from photobus_gateway.sse_messages import Channel

KEEPALIVE: Final = b": keepalive\n\n"

CutReason = Literal["stalled", "fell_behind", "revoked", "gone", "closing"]

HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # a proxy that collects the answer would delay every event
}

log = get_logger()


class Client:
    """Writes to one connection. It buffers nothing itself: a write returns when the connection has taken it.

    ``watch`` is called about once a second from outside, so that a thousand clients need one timer.
    """

    def __init__(
        self, request: web.Request, caller: Caller, channels: frozenset[Channel], stall: float, keepalive: float
    ) -> None:
        self.tenant = caller.tenant
        self.actor = caller.actor
        self.channels = channels
        self.wake = asyncio.Event()
        self.cut_reason: CutReason | None = None
        self.keepalive_due = False
        self.response = web.StreamResponse(headers=HEADERS)
        self._request = request
        self._stall = stall
        self._keepalive = keepalive
        self._clock = asyncio.get_running_loop().time
        self._writing_since: float | None = None
        self._last_write = self._clock()

    @property
    def headers_only(self) -> bool:
        """Whether the client asked for the head of the answer alone."""
        return self._request.method == hdrs.METH_HEAD

    @property
    def gone(self) -> bool:
        """Whether nobody is at the other end any more."""
        return has_gone(self._request)

    async def open(self) -> None:
        """Send the head of the answer."""
        self._let_kernel_notice_silence()
        await self.response.prepare(self._request)

    async def write(self, rendered: bytes) -> None:
        """Send ``rendered``; raises ``ConnectionError`` when the client is gone or was cut off meanwhile."""
        self._writing_since = self._clock()
        try:
            await self.response.write(rendered)
        finally:
            self._writing_since = None
            self._last_write = self._clock()

    async def keep_alive(self) -> None:
        """Send a comment, so that proxies and the client know that the line stands."""
        self.keepalive_due = False
        await self.write(KEEPALIVE)

    def watch(self) -> None:
        """Cut off a client that has gone or takes nothing for too long; ask for a keepalive where it was quiet."""
        now = self._clock()
        if self.gone:
            self.cut_off("gone")
        elif self._writing_since is not None:
            if now - self._writing_since > self._stall:
                self.cut_off("stalled")
        elif now - self._last_write >= self._keepalive:
            self.keepalive_due = True
            self.wake.set()

    def cut_off(self, reason: CutReason) -> None:
        """End the connection; what waits in ``write`` gets a ``ConnectionError``, what waits for ``wake`` is woken."""
        if self.cut_reason is not None:
            return
        self.cut_reason = reason
        if reason in ("stalled", "fell_behind", "revoked"):
            SSE_CUT_OFF.labels(reason=reason).inc()
            log.info("sse_client_cut_off", reason=reason, tenant=self.tenant)
        transport = self._request.transport
        if reason != "closing" and transport is not None:
            transport.abort()
        self.wake.set()

    def _let_kernel_notice_silence(self) -> None:
        """Let the kernel end a connection whose peer vanished without a word, long before its default of 15 minutes."""
        transport = self._request.transport
        connection = transport.get_extra_info("socket") if transport else None
        option = getattr(socket, "TCP_USER_TIMEOUT", None)
        if connection is not None and option is not None:
            with suppress(OSError):  # not a TCP connection
                connection.setsockopt(socket.IPPROTO_TCP, option, int(2000 * self._stall))
