"""API tokens: made, looked up and revoked. Only the SHA-256 of a secret is stored; a secret is shown once."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from photobus_common.events import Origin
from photobus_common.events.access import TokenCreated, TokenRevoked
from photobus_common.store.database import Connection
from photobus_common.store.unit_of_work import UnitOfWork

Role = Literal["viewer", "editor", "admin"]

PREFIX: Final = "pb_"
"""What every secret starts with, so that one that leaked is recognised as such."""


@dataclass(frozen=True)
class Token:
    """What is known of a token; not its secret."""

    id: UUID
    name: str
    role: Role
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True)
class Bearer:
    """Whom a valid secret stands for."""

    token_id: UUID
    tenant: str
    role: Role
    library_id: UUID


OPEN_ACCESS: Final = """
INSERT INTO api_tokens (id, tenant, name, role, secret_sha256) VALUES ($1, $2, $3, $4, $5) RETURNING created_at
"""

WHO_BEARS: Final = """
SELECT t.id AS token_id, t.tenant, t.role, n.library_id
FROM api_tokens t JOIN tenants n USING (tenant)
WHERE t.secret_sha256 = $1 AND t.revoked_at IS NULL
"""

ACCESS_OF_TENANT: Final = """
SELECT id, name, role, created_at, revoked_at FROM api_tokens WHERE tenant = $1 ORDER BY created_at, id
"""

END_ACCESS: Final = """
UPDATE api_tokens SET revoked_at = now() WHERE tenant = $1 AND id = $2 AND revoked_at IS NULL RETURNING id
"""


def digest(secret: str) -> bytes:
    """Return what is stored of ``secret``. A secret is 256 random bits, so a plain hash cannot be guessed back."""
    return hashlib.sha256(secret.encode()).digest()


async def create_token(work: UnitOfWork, origin: Origin, name: str, role: Role) -> tuple[Token, str]:
    """Make a token of the origin's tenant and say so in the log; return it and its secret."""
    secret = PREFIX + secrets.token_urlsafe(32)
    token_id = origin.new_id()
    created_at = await work.connection.fetchval(OPEN_ACCESS, token_id, origin.tenant, name, role, digest(secret))
    work.emit(origin.event(TokenCreated(token_id=token_id, name=name, role=role)))
    return Token(token_id, name, role, created_at, revoked_at=None), secret


async def bearer_of_secret(connection: Connection, secret_sha256: bytes) -> Bearer | None:
    """Return whom the secret stands for; None when it is unknown or revoked."""
    row = await connection.fetchrow(WHO_BEARS, secret_sha256)
    return None if row is None else Bearer(**row)


async def tokens_of_tenant(connection: Connection, tenant: str) -> Sequence[Token]:
    """Return all tokens of the tenant, revoked ones included, oldest first."""
    return [Token(**row) for row in await connection.fetch(ACCESS_OF_TENANT, tenant)]


async def revoke_token(work: UnitOfWork, origin: Origin, token_id: UUID) -> bool:
    """Revoke a token and say so in the log; False when the tenant has no such token or it is revoked already."""
    if await work.connection.fetchval(END_ACCESS, origin.tenant, token_id) is None:
        return False
    work.emit(origin.event(TokenRevoked(token_id=token_id)))
    return True
