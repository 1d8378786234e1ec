"""What every request and answer passes: measured, named in the log, and with headers that keep browsers careful."""

import time
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from photobus_common.logging import bound
from photobus_common.telemetry import HTTP_SECONDS, traceparent

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""A route that needs another value sets it itself."""


@web.middleware
async def observe_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Measure the request, and put its trace on every line logged while it is handled."""
    began = time.perf_counter()
    trace = traceparent(request.headers.get("traceparent"))
    status = 0
    with bound(trace_id=trace.split("-")[1]):
        try:
            response = await handler(request)
            status = response.status
            return response
        finally:
            HTTP_SECONDS.labels(_method(request), _pattern(request), str(status)).observe(time.perf_counter() - began)


async def secure_response(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers that the route has not set."""
    del request
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers[hdrs.SERVER] = "photobus"


def _pattern(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return "unknown" if resource is None else resource.canonical


def _method(request: web.Request) -> str:
    return request.method if request.method in hdrs.METH_ALL else "other"
