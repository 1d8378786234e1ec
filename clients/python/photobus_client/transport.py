"""HTTP to photobus: the token, problem documents as errors, and trying again while that is safe."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote
from uuid import uuid4

import aiohttp
from aiohttp import hdrs

from photobus_client.errors import TRY_LATER, ApiError, ClientError, UnreachableError

IDEMPOTENCY_KEY: Final = "Idempotency-Key"

_SAFE_TO_REPEAT: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_NO_ADDRESS: Final = (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError)
_FIRST_DELAY_SECONDS: Final = 0.2
_LONGEST_DELAY_SECONDS: Final = 3.0
_CONNECT_SECONDS: Final = 10.0
_SILENCE_SECONDS: Final = 60.0


class Transport:
    """Requests to the photobus at ``address`` with ``token``. Open it with ``async with``.

    ``patience_seconds`` is how long a request that may be repeated is tried while photobus does not answer or asks to
    come later.
    """

    def __init__(self, address: str, token: str, patience_seconds: float = 30.0) -> None:
        self.address = address.rstrip("/")
        self.patience_seconds = patience_seconds
        self._token = token
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the connection pool."""
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=_SILENCE_SECONDS),
            connector=aiohttp.TCPConnector(limit=0),
            raise_for_status=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def json(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> Any:
        """Send ``body`` as JSON and return the answer's, or None when it has none; raises ``ClientError``."""
        content = None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(headers or {})} if content else dict(headers or {})
        async with self.request(
            method, path, query=query, content=content, headers=sent, repeatable=repeatable, whole=True
        ) as answer:
            text = await answer.read()
            try:
                return json.loads(text) if text else None
            except ValueError as error:
                raise ClientError(f"What answers at {self.address} is no photobus: it sent no JSON.") from error

    async def once(
        self, method: str, path: str, body: object = None, *, query: Mapping[str, object] | None = None
    ) -> Any:
        """Do what ``json`` does, with a key of this request's own: the repeats have one effect and one answer."""
        return await self.json(method, path, query=query, body=body, headers={IDEMPOTENCY_KEY: uuid4().hex})

    async def file(self, path: str) -> bytes:
        """Return the file at ``path``, whole; raises ``ClientError``."""
        async with self.request("GET", path, whole=True) as answer:
            return await answer.read()

    @asynccontextmanager
    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        content: bytes | AsyncIterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        expected: Collection[int] = (),
        repeatable: bool = False,
        whole: bool = False,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Lend the answer to a request; raises ``ApiError`` for a refusal.

        A request that may be repeated, by its method, its Idempotency-Key or because it is ``repeatable``, is, until
        the patience is over; then ``UnreachableError`` or the last refusal. ``whole`` reads the body before it lends
        the answer: one that breaks off was no answer. Refusals with an ``expected`` status are lent like any answer.
        """
        sent = dict(headers or {})
        may_repeat = repeatable or method in _SAFE_TO_REPEAT or IDEMPOTENCY_KEY in sent
        retries = Backoff(self.patience_seconds if may_repeat else 0.0)
        while True:
            try:
                answer = await self._session_or_fail().request(
                    method, self.address + path, params=_query(query), data=content, headers=sent
                )
                if whole or not answer.ok:
                    await answer.read()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                if isinstance(error, _NO_ADDRESS) or not await retries.again():
                    raise UnreachableError(f"No photobus answers at {self.address}: {_words(error)}") from error
                continue
            async with answer:
                if answer.status in TRY_LATER and await retries.again(_retry_after(answer)):
                    continue
                if answer.status not in expected:
                    await raise_for_problem(answer)
                yield answer
                return

    def _session_or_fail(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("The client is not open; use `async with`.")
        return self._session


class Backoff:
    """Delays that grow, with jitter, until ``patience_seconds`` have passed since the last success."""

    def __init__(self, patience_seconds: float) -> None:
        self._patience = patience_seconds
        self._delay = _FIRST_DELAY_SECONDS
        self._since: float | None = None

    def succeeded(self) -> None:
        """Start anew at the next failure."""
        self._delay, self._since = _FIRST_DELAY_SECONDS, None

    async def again(self, hopeless_seconds: float = 0.0) -> bool:
        """Wait and return True, or return False at once when the patience is over.

        It is over also where it ends within ``hopeless_seconds``, for which nothing can change.
        """
        now = asyncio.get_running_loop().time()
        self._since = now if self._since is None else self._since
        left = self._since + self._patience - now
        if left <= 0 or left < hopeless_seconds:
            return False
        await asyncio.sleep(self._delay * random.uniform(0.5, 1.0))  # noqa: S311  # spreads clients; no secret
        self._delay = min(self._delay * 2, _LONGEST_DELAY_SECONDS)
        return True


async def raise_for_problem(answer: aiohttp.ClientResponse) -> None:
    """Raise ``ApiError`` when ``answer`` is a refusal."""
    if answer.ok:
        return
    text = await answer.text(errors="replace")
    try:
        problem = json.loads(text)
    except ValueError:
        problem = {"detail": text.strip()[:200] or answer.reason}
    raise ApiError(answer.status, problem if isinstance(problem, dict) else {})


def _retry_after(answer: aiohttp.ClientResponse) -> float:
    """Return for how many seconds the answer stays the same, as far as it tells."""
    told = answer.headers.get(hdrs.RETRY_AFTER, "")
    return float(told) if told.isdecimal() else 0.0


def path_part(text: str) -> str:
    """Return ``text`` as one part of a path."""
    return quote(text, safe="")


def _query(query: Mapping[str, object] | None) -> list[tuple[str, str]]:
    """Render the query: what is None is left out, and several values are repeated."""
    return [
        (name, _text(one))
        for name, value in (query or {}).items()
        for one in (value if isinstance(value, (list, tuple)) else (value,))
        if one is not None
    ]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
