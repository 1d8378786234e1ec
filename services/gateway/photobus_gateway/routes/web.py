"""The web client at ``/``. It is no part of the API, and the API works all the same where it was not built."""

from http import HTTPStatus
from pathlib import Path
from typing import Final

from aiohttp import hdrs, web

from photobus_gateway.conditional import is_current
from photobus_gateway.web_client import IDENTITY, PAGE, WebClient, WebFile

WEB_CLIENT: Final[web.AppKey[WebClient]] = web.AppKey("web_client", WebClient)

BUILT: Final = Path(__file__).parents[2] / "web" / "dist"
"""Where the checkout builds it."""

VIEWS: Final = ("projects", "tasks", "maintenance", "access", "audit")
"""First parts of the addresses of its views, as ``web/src/app/router.tsx`` has them; the first view is at ``/``."""

_POLICY: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob:",  # a picture that is chosen for upload is shown before it is sent
    "connect-src 'self'",
    "worker-src 'self'",
    "manifest-src 'self'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types photobus-worker",
)
CONTENT_SECURITY_POLICY: Final = "; ".join(_POLICY)

_LASTING: Final = "public, max-age=31536000, immutable"
_ASKED_EACH_TIME: Final = "no-cache"

_NOT_BUILT: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>photobus</title></head><body>
<h1>photobus runs, but its web client was not built</h1>
<p>In the folder of photobus, <code>make up</code> builds it and starts all of it. The setting
<code>gateway.web_client</code> says where a client that was built elsewhere lies.</p>
<p>The API works without it: <a href="/api/docs">its description</a>.</p>
</body></html>
"""


def add_web_client(app: web.Application, folder: Path | None) -> None:
    """Serve the client that was built into ``folder``, by default that of the checkout."""
    app[WEB_CLIENT] = WebClient(folder or BUILT)
    views = "|".join(VIEWS)
    app.router.add_get("/", show_view)
    app.router.add_get(f"/{{view:{views}}}", show_view)
    app.router.add_get(f"/{{view:{views}}}/{{rest:.*}}", show_view)
    app.router.add_get(r"/{name:assets/[\w.-]+}", show_file)
    app.router.add_get(r"/{name:[\w-]+\.(?:svg|png|webmanifest)}", show_file)


async def show_view(request: web.Request) -> web.Response:
    """Answer with the client's page, which shows what its address says."""
    page = await request.app[WEB_CLIENT].file(PAGE)
    if page is None:
        headers = {hdrs.CACHE_CONTROL: "no-store"}
        return web.Response(
            status=HTTPStatus.SERVICE_UNAVAILABLE, text=_NOT_BUILT, content_type="text/html", headers=headers
        )
    return _answer(request, page)


async def show_file(request: web.Request) -> web.Response:
    """Answer with a file that the page asks for."""
    found = await request.app[WEB_CLIENT].file(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    return _answer(request, found)


def _answer(request: web.Request, file: WebFile) -> web.Response:
    variant = file.variant(request.headers.get(hdrs.ACCEPT_ENCODING))
    headers = {
        hdrs.CACHE_CONTROL: _LASTING if file.lasting else _ASKED_EACH_TIME,
        hdrs.ETAG: variant.etag,
        hdrs.VARY: hdrs.ACCEPT_ENCODING,
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    }
    if is_current(request.headers.get(hdrs.IF_NONE_MATCH), variant.etag):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    if variant.coding != IDENTITY:
        headers[hdrs.CONTENT_ENCODING] = variant.coding
    return web.Response(body=variant.body, headers={**headers, hdrs.CONTENT_TYPE: file.content_type})
