"""The API's own description, for programs and for people."""

import json
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import Final

from aiohttp import web

from photobus_gateway.docs_page import CONTENT_SECURITY_POLICY, render
from photobus_gateway.openapi import Document
from photobus_gateway.registry import JSON, Media, Route, add_routes, route

OPENAPI: Final[web.AppKey[bytes]] = web.AppKey("openapi", bytes)
PAGE: Final[web.AppKey[str]] = web.AppKey("docs_page", str)


@route("GET", "/api/openapi.json", role=None, summary="This description, for programs", response=Media((JSON,)))
async def show_openapi(request: web.Request) -> web.Response:
    """Answer with the OpenAPI 3.1 document of this API."""
    return web.Response(body=request.app[OPENAPI], content_type=JSON)


@route("GET", "/api/docs", role=None, summary="This description, for people", response=Media(("text/html",)))
async def show_docs(request: web.Request) -> web.Response:
    """Answer with a page that needs nothing from anywhere else."""
    return _html(request.app[PAGE])


ROUTES: Final = [show_openapi, show_docs]


def add_described_routes(app: web.Application, routes: Sequence[Route]) -> None:
    """Serve ``routes`` and those of this module, with the document of them all."""
    app[OPENAPI], app[PAGE] = described(tuple(routes))
    add_routes(app, (*routes, *ROUTES))


@cache
def described(routes: tuple[Route, ...]) -> tuple[bytes, str]:
    """Return what programs and what people read of ``routes`` and those of this module.

    To make it takes a good part of a second.
    """
    document = Document((*routes, *ROUTES), version("photobus-gateway")).build()
    return json.dumps(document, separators=(",", ":")).encode(), render(document)


def _html(page: str) -> web.Response:
    headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
    return web.Response(text=page, content_type="text/html", headers=headers)
