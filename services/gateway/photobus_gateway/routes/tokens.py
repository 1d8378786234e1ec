"""API tokens, for admins."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field

from photobus_common.errors import NotFoundError
from photobus_common.store import tokens
from photobus_common.store.tokens import Role
from photobus_common.store.unit_of_work import unit_of_work
from photobus_gateway.callers import caller_of, origin_of
from photobus_gateway.inputs import Input
from photobus_gateway.keys import AUTHENTICATOR, DATABASE, PUBLISHER
from photobus_gateway.registry import route


class NewToken(Input):
    """What a token is for and what it may do."""

    name: str = Field(min_length=1, max_length=100)
    role: Role


class TokenView(BaseModel):
    """A token, without its secret."""

    id: UUID
    name: str
    role: Role
    created_at: datetime
    revoked_at: datetime | None


class CreatedToken(TokenView):
    """A token just made; ``token`` is its secret, shown this once."""

    token: str


class TokenList(BaseModel):
    """All tokens of the tenant, oldest first."""

    items: list[TokenView]
    total: int


class TokenPath(Input):
    """A path that names a token."""

    token_id: UUID


@route("POST", "/api/tokens", role="admin", status=201, summary="Make a token")
async def create_token(request: web.Request, body: NewToken) -> CreatedToken:
    """Make an API token. Its secret is in this answer alone; only a hash of it is kept."""
    async with unit_of_work(request.app[DATABASE], request.app[PUBLISHER]) as work:
        token, secret = await tokens.create_token(work, origin_of(request), body.name, body.role)
    return CreatedToken(**_view(token).model_dump(), token=secret)


@route("GET", "/api/tokens", role="admin", summary="List tokens")
async def list_tokens(request: web.Request) -> TokenList:
    """List the tenant's tokens, revoked ones included, oldest first; secrets are never shown again."""
    async with request.app[DATABASE].connection() as connection:
        found = await tokens.tokens_of_tenant(connection, caller_of(request).tenant)
    return TokenList(items=[_view(token) for token in found], total=len(found))


@route("DELETE", "/api/tokens/{token_id}", role="admin", status=204, summary="Revoke a token", errors=(NotFoundError,))
async def revoke_token(request: web.Request, path: TokenPath) -> web.Response:
    """Revoke a token. Other gateways may still accept it for a few seconds."""
    async with unit_of_work(request.app[DATABASE], request.app[PUBLISHER]) as work:
        if not await tokens.revoke_token(work, origin_of(request), path.token_id):
            raise NotFoundError(f"There is no token {path.token_id} that could be revoked.")
    request.app[AUTHENTICATOR].forget(path.token_id)
    return web.Response(status=HTTPStatus.NO_CONTENT)


def _view(token: tokens.Token) -> TokenView:
    return TokenView(
        id=token.id, name=token.name, role=token.role, created_at=token.created_at, revoked_at=token.revoked_at
    )


ROUTES = [create_token, list_tokens, revoke_token]
