"""The browser's session: a token becomes an HttpOnly cookie that scripts cannot read and other sites cannot send."""

from http import HTTPStatus
from typing import Final

from aiohttp import web
from pydantic import Field

from photobus_common.errors import UnauthorizedError
from photobus_common.store.tokens import Role
from photobus_gateway.auth import COOKIE, MAX_SECRET
from photobus_gateway.callers import caller_of
from photobus_gateway.inputs import Input
from photobus_gateway.keys import AUTHENTICATOR, SETTINGS
from photobus_gateway.registry import json_response, route

SESSION_SECONDS: Final = 30 * 24 * 3600


class NewSession(Input):
    """The token to open a session with."""

    token: str = Field(min_length=1, max_length=MAX_SECRET)


class Session(Input):
    """Who the session is."""

    tenant: str
    actor: str
    role: Role


@route(
    "POST",
    "/api/session",
    role=None,
    summary="Open a session for a browser",
    response=Session,
    errors=(UnauthorizedError,),
)
async def open_session(request: web.Request, body: NewSession) -> web.Response:
    """Check the token and set it as an HttpOnly, SameSite=Strict cookie that later requests are known by."""
    caller = await request.app[AUTHENTICATOR].identify(body.token)
    response = json_response(Session(tenant=caller.tenant, actor=caller.actor, role=caller.role))
    response.set_cookie(
        COOKIE,
        body.token,
        max_age=SESSION_SECONDS,
        path="/",
        httponly=True,
        samesite="Strict",
        secure=request.app[SETTINGS].gateway.secure_cookie,
    )
    return response


@route("GET", "/api/session", role="viewer", summary="Who am I")
async def show_session(request: web.Request) -> Session:
    """Say whom the token or the session cookie stands for."""
    caller = caller_of(request)
    return Session(tenant=caller.tenant, actor=caller.actor, role=caller.role)


@route("DELETE", "/api/session", role=None, status=204, summary="End the browser's session")
async def end_session(request: web.Request) -> web.Response:
    """Make the browser forget the cookie. The token itself lives on until it is revoked."""
    response = web.Response(status=HTTPStatus.NO_CONTENT)
    response.del_cookie(
        COOKIE,
        path="/",
        httponly=True,
        samesite="Strict",
        secure=request.app[SETTINGS].gateway.secure_cookie,
    )
    return response


ROUTES = [open_session, show_session, end_session]
