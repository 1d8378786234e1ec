"""The route registry: one declaration a route, from which come its aiohttp route, its access check and its OpenAPI.

A handler takes the request and, by keyword, the inputs it declares, each a pydantic model:

    @route("POST", "/api/projects", role="editor", status=201, summary="Make a project")
    async def create_project(request: web.Request, body: NewProject) -> ProjectView: ...

    ROUTES = [create_project]

``path``, ``query``, ``headers`` (fields with the header's name as alias) and ``body`` (JSON) are parsed before the
handler runs; an error in them is a 400 that names the field. A handler returns its response model, or a
``web.StreamResponse`` where it deals with the answer itself; then ``response`` tells the document what comes.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from inspect import isclass
from typing import Any, Final, get_type_hints

from aiohttp import web
from pydantic import BaseModel

from photobus_common.errors import PhotobusError
from photobus_common.store.tokens import Role
from photobus_gateway import inputs
from photobus_gateway.keys import AUTHENTICATOR

Answer = BaseModel | web.StreamResponse
RouteHandler = Callable[..., Awaitable[Answer]]

JSON: Final = "application/json"


@dataclass(frozen=True)
class Media:
    """A body that a handler reads or writes itself; ``model`` is its shape where it has one."""

    types: tuple[str, ...]
    model: type[BaseModel] | None = None


Declared = Media | type[BaseModel] | None


@dataclass(frozen=True)
class Route:
    """One route. ``role`` None is a public one; ``responses`` are its successes, the usual one first."""

    method: str
    path: str
    handler: RouteHandler
    role: Role | None
    summary: str
    description: str
    tag: str
    path_model: type[BaseModel] | None
    query_model: type[BaseModel] | None
    header_model: type[BaseModel] | None
    body_model: type[BaseModel] | None
    request: Media | None
    responses: Mapping[int, Media | None] = field(hash=False)
    errors: tuple[type[PhotobusError], ...]

    @property
    def name(self) -> str:
        """The handler's name, by which clients call the operation."""
        return self.handler.__name__

    @property
    def status(self) -> int:
        """The usual answer's status."""
        return next(iter(self.responses))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Check access, parse the inputs, run the handler, render its answer."""
        if self.role is not None:
            await request.app[AUTHENTICATOR].admit(request, self.role)
        answer = await self.handler(request, **await self._inputs(request))
        if isinstance(answer, web.StreamResponse):
            return answer
        return json_response(answer, status=self.status)

    async def _inputs(self, request: web.Request) -> dict[str, BaseModel]:
        found: dict[str, BaseModel] = {}
        if self.path_model:
            found["path"] = inputs.from_path(request, self.path_model)
        if self.query_model:
            found["query"] = inputs.from_query(request, self.query_model)
        if self.header_model:
            found["headers"] = inputs.from_headers(request, self.header_model)
        if self.body_model:
            found["body"] = await inputs.from_body(request, self.body_model)
        return found


def route(
    method: str,
    path: str,
    *,
    role: Role | None,
    summary: str,
    status: int | tuple[int, ...] = 200,
    request: Declared = None,
    response: Declared | Mapping[int, Declared] = None,
    errors: tuple[type[PhotobusError], ...] = (),
) -> Callable[[RouteHandler], Route]:
    """Declare a route; the models come from the handler's annotations, its description from its docstring.

    ``status`` may list several successes, the usual one first (such as 200, 206, 304). ``request`` and ``response``
    tell the document of a body that the handler reads or writes itself; a model alone means JSON, a mapping gives each
    status its own. ``errors`` are the problems that this route may answer with beside those that every route may.
    """

    def declare(handler: RouteHandler) -> Route:
        hints = get_type_hints(handler)
        return Route(
            method=method,
            path=path,
            handler=handler,
            role=role,
            summary=summary,
            description=" ".join((handler.__doc__ or "").split()),
            tag=handler.__module__.rsplit(".", 1)[-1],
            path_model=hints.get("path"),
            query_model=hints.get("query"),
            header_model=hints.get("headers"),
            body_model=hints.get("body"),
            request=_media(request or hints.get("body")),
            responses=_responses(status, response or hints.get("return")),
            errors=errors,
        )

    return declare


def add_routes(app: web.Application, routes: Iterable[Route]) -> None:
    """Serve ``routes``; a GET also answers HEAD."""
    for item in routes:
        if item.method == "GET":
            app.router.add_get(item.path, item.handle)
        else:
            app.router.add_route(item.method, item.path, item.handle)


def json_response(model: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Render ``model`` as JSON; what may have changed by the next call must not be kept by a browser."""
    return web.Response(
        status=status,
        body=model.model_dump_json().encode(),
        content_type=JSON,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def _responses(status: int | tuple[int, ...], declared: Any) -> dict[int, Media | None]:
    if isinstance(declared, Mapping):
        return {number: _media(media) for number, media in declared.items()}
    statuses = status if isinstance(status, tuple) else (status,)
    return dict.fromkeys(statuses, _media(declared))


def _media(declared: Any) -> Media | None:
    if isinstance(declared, Media):
        return declared
    if isclass(declared) and issubclass(declared, BaseModel):
        return Media((JSON,), declared)
    return None
