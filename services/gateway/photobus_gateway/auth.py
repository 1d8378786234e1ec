"""Authentication and roles: a bearer token, or the session cookie that a browser got for one.

Verified tokens are remembered for a few seconds, so that a request costs no query; a revoked token therefore opens
nothing after that time in other gateways, sooner when the log tells of it, and at once in the one that revoked it.
"""

import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from aiohttp import hdrs, web

from photobus_common.errors import ForbiddenError, UnauthorizedError
from photobus_common.store.database import Database
from photobus_common.store.tokens import Role, bearer_of_secret, digest
from photobus_gateway.callers import CALLER, Caller

COOKIE: Final = "photobus_session"
REMEMBER_SECONDS: Final = 5.0
REMEMBERED: Final = 10_000
"""Most tokens remembered; past that the memory starts anew."""

REVOKED: Final = 10_000
"""Most revoked tokens kept in mind; a question to the database that is older than so many revocations is not known."""

MAX_SECRET: Final = 512
"""Longest secret that is looked up, in characters."""

_BEARER: Final = "token:"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITE: Final = frozenset({"same-origin", "none"})


class Authenticator:
    """Tells who calls, by the token they bear."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._known: dict[bytes, tuple[float, Caller]] = {}
        self._revoked: dict[str, None] = {}

    async def admit(self, request: web.Request, role: Role) -> Caller:
        """Let the request pass as its caller; raises ``UnauthorizedError`` or ``ForbiddenError``."""
        caller = await self.identify(_secret_of(request))
        if not caller.may(role):
            raise ForbiddenError(f"This needs the role {role}; the token has the role {caller.role}.")
        request[CALLER] = caller
        return caller

    async def identify(self, secret: str) -> Caller:
        """Return whom ``secret`` stands for; raises ``UnauthorizedError`` when it stands for nobody."""
        if len(secret) > MAX_SECRET or not secret.isascii():  # bytes that are no UTF-8 come as halves of characters
            raise UnauthorizedError("The token is unknown or revoked.")
        key = digest(secret)
        until, caller = self._known.get(key, (0.0, None))
        if caller is not None and self._clock() < until:
            return caller
        async with self._database.connection() as connection:
            bearer = await bearer_of_secret(connection, key)
        # Revoked since the database was asked: to remember it now would undo ``forget``.
        if bearer is None or actor_of(bearer.token_id) in self._revoked:
            self._known.pop(key, None)
            raise UnauthorizedError("The token is unknown or revoked.")
        caller = Caller(bearer.tenant, actor_of(bearer.token_id), bearer.role, bearer.library_id)
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[key] = (self._clock() + REMEMBER_SECONDS, caller)
        return caller

    def forget(self, token_id: UUID) -> None:
        """Let a revoked token in no longer."""
        actor = actor_of(token_id)
        self._revoked[actor] = None
        if len(self._revoked) > REVOKED:
            del self._revoked[next(iter(self._revoked))]
        self._known = {key: entry for key, entry in self._known.items() if entry[1].actor != actor}


def actor_of(token_id: UUID) -> str:
    """Return who acts, for events, when this token is borne."""
    return f"{_BEARER}{token_id}"


def token_of(actor: str) -> UUID | None:
    """Return the token that ``actor`` bore, or None if it was nobody with a token."""
    if not actor.startswith(_BEARER):
        return None
    try:
        return UUID(actor.removeprefix(_BEARER))
    except ValueError:
        return None


def _secret_of(request: web.Request) -> str:
    header = request.headers.get(hdrs.AUTHORIZATION)
    if header is not None:
        scheme, _, secret = header.partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise UnauthorizedError("The Authorization header must be: Bearer <token>.")
        return secret.strip()
    secret = request.cookies.get(COOKIE, "")
    if not secret:
        raise UnauthorizedError("This needs an API token: Authorization: Bearer <token>.")
    if request.method not in _SAFE_METHODS and request.headers.get("Sec-Fetch-Site", "same-origin") not in _OWN_SITE:
        raise ForbiddenError("A session may only be used from the pages of this address.")
    return secret
