"""The OpenAPI 3.1 document, made from the route registry: what it says is what the routes parse and answer."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from photobus_common.errors import (
    ForbiddenError,
    InvalidInputError,
    PhotobusError,
    TooLargeError,
    UnauthorizedError,
)
from photobus_gateway.inputs import UnsupportedMediaError
from photobus_gateway.problems import PROBLEM_MEDIA, DatabaseUnavailableError, Problem
from photobus_gateway.registry import JSON, Media, Route

Json = dict[str, Any]

_REF: Final = "#/components/schemas/{model}"
_PLACES: Final = (("path", "path_model"), ("query", "query_model"), ("header", "header_model"))
_SECURITY: Final[list[Json]] = [{"token": []}, {"session": []}]

INTRODUCTION: Final = (
    "Tasks over photos, their derivatives, and what happens to them, live. Every answer that is an error is a problem "
    "document (RFC 9457) whose `code` is a stable word and which names the field and the limit. Lists are keyset "
    "pages: follow `next_cursor` and `prev_cursor`. Present a token as `Authorization: Bearer <token>`."
)


class _WhatIsSaid(GenerateJsonSchema):
    """Says of answers what they always hold: they leave out nothing but nulls."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        """Whether the field is always there."""
        schema = field["schema"]
        if self.mode == "serialization" and schema["type"] == "default":
            return schema.get("default") is not None or "default_factory" in schema
        return super().field_is_required(field, total)


class Document:
    """Builds the document of ``routes``."""

    def __init__(self, routes: Sequence[Route], version: str) -> None:
        self._routes = routes
        self._version = version
        self._refs, self._schemas = _schemas_of(routes)

    def build(self) -> Json:
        """Return the whole document."""
        paths: dict[str, Json] = {}
        for route in self._routes:
            paths.setdefault(route.path, {})[route.method.lower()] = self._operation(route)
        schemas = {name: schema for name, schema in self._schemas.items() if name not in self._parameter_models()}
        return {
            "openapi": "3.1.0",
            "info": {"title": "photobus", "version": self._version, "description": INTRODUCTION},
            "servers": [{"url": "/"}],
            "tags": [{"name": name} for name in dict.fromkeys(route.tag for route in self._routes)],
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": {
                    "token": {"type": "http", "scheme": "bearer", "description": "An API token."},
                    "session": {"type": "apiKey", "in": "cookie", "name": "photobus_session"},
                },
            },
        }

    def _operation(self, route: Route) -> Json:
        operation: Json = {
            "operationId": route.name,
            "tags": [route.tag],
            "summary": route.summary,
            "description": markdown(route.description) + _role_sentence(route),
            "security": [] if route.role is None else _SECURITY,
            "responses": self._responses(route),
        }
        parameters = list(self._parameters(route))
        if parameters:
            operation["parameters"] = parameters
        if route.request is not None:
            operation["requestBody"] = {"required": True, "content": self._content(route.request, "validation")}
        return operation

    def _parameters(self, route: Route) -> Iterator[Json]:
        if route.path_model is None:  # a handler that does not look at the path's parameters
            for name in re.findall(r"{(\w+)}", route.path):
                yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for place, attribute in _PLACES:
            model = getattr(route, attribute)
            if model is None:
                continue
            schema = self._schemas[self._name(model, "validation")]
            required = schema.get("required", [])
            for name, given in schema.get("properties", {}).items():
                field = _without_null(given)
                description = field.pop("description", None)
                field.pop("title", None)
                yield {
                    "name": name,
                    "in": place,
                    "required": place == "path" or name in required,
                    "schema": field,
                    **({"description": markdown(description)} if description else {}),
                }

    def _responses(self, route: Route) -> Json:
        responses: Json = {}
        for status, media in route.responses.items():
            responses[str(status)] = {"description": HTTPStatus(status).phrase}
            if media is not None and status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
                responses[str(status)]["content"] = self._content(media, "serialization")
        for status, errors in sorted(_problems_of(route).items()):
            responses[str(status)] = {
                "description": "; ".join(f"`{error.code}`: {_first_sentence(error)}" for error in errors),
                "content": {PROBLEM_MEDIA: {"schema": {"$ref": _REF.format(model=Problem.__name__)}}},
            }
        return responses

    def _content(self, media: Media, mode: JsonSchemaMode) -> Json:
        schema: Json = {} if media.model is None else dict(self._refs[(media.model, mode)])
        if media.model is None and JSON not in media.types:
            schema = {"type": "string", "format": "binary"} if mode == "serialization" else {}
        return {kind: {"schema": schema} if schema else {} for kind in media.types}

    def _parameter_models(self) -> set[str]:
        models = [getattr(route, attribute) for route in self._routes for _, attribute in _PLACES]
        return {self._name(model, "validation") for model in models if model is not None}

    def _name(self, model: type[BaseModel], mode: JsonSchemaMode) -> str:
        return str(self._refs[(model, mode)]["$ref"]).rsplit("/", 1)[-1]


def markdown(text: str) -> str:
    """Return a docstring's text with its code in Markdown's quotes."""
    return " ".join(re.sub(r"``(.+?)``", r"`\1`", text).split())


def _schemas_of(routes: Iterable[Route]) -> tuple[Mapping[Any, Json], dict[str, Json]]:
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(Problem, "serialization"): None}
    for route in routes:
        inputs = [getattr(route, attribute) for _, attribute in _PLACES]
        inputs.append(route.request.model if route.request else None)
        outputs = [media.model for media in route.responses.values() if media is not None]
        wanted.update(dict.fromkeys((model, "validation") for model in inputs if model is not None))
        wanted.update(dict.fromkeys((model, "serialization") for model in outputs if model is not None))
    refs, definitions = models_json_schema(list(wanted), ref_template=_REF, schema_generator=_WhatIsSaid)
    schemas: dict[str, Json] = definitions.get("$defs", {})
    for schema in schemas.values():
        for field in schema.get("properties", {}).values():
            if field.get("default", ...) is None:
                del field["default"]  # absent means the same, and null may not even be allowed
    return refs, schemas


def _problems_of(route: Route) -> dict[int, list[type[PhotobusError]]]:
    """Group what may go wrong with any call of the route, and with calls of this one, by status."""
    errors: list[type[PhotobusError]] = [InvalidInputError]
    if route.role is not None:
        errors += [UnauthorizedError, ForbiddenError]
    if route.body_model is not None:
        errors += [TooLargeError, UnsupportedMediaError]
    errors += [*route.errors, PhotobusError, DatabaseUnavailableError]
    by_status: dict[int, list[type[PhotobusError]]] = {}
    for error in dict.fromkeys(errors):
        by_status.setdefault(error.status, []).append(error)
    return by_status


def _first_sentence(error: type[PhotobusError]) -> str:
    if error is PhotobusError:
        return "Something went wrong here."
    text = markdown((error.__doc__ or "").split("\n\n")[0])
    return text.split(". ")[0].rstrip(".") + "."


def _role_sentence(route: Route) -> str:
    return "" if route.role is None else f" Needs the role {route.role}."


def _without_null(schema: Mapping[str, Any]) -> Json:
    """Return the schema of a parameter, which is absent rather than null."""
    field = dict(schema)
    choices = [choice for choice in field.pop("anyOf", []) if choice.get("type") != "null"]
    if len(choices) == 1:
        return {**choices[0], **field}
    return {**field, **({"anyOf": choices} if choices else {})}
