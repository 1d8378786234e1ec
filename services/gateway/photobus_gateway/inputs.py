"""Reading what a caller sent into pydantic models; what is wrong raises a 400 that names the field and the limit."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated, Any, Final, TypeVar

from aiohttp import web
from multidict import MultiMapping
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.config import JsonDict

from photobus_common.config import MAX_ITEMS
from photobus_common.errors import FieldError, InvalidInputError, PhotobusError, TooLargeError
from photobus_common.storable import STORABLE
from photobus_common.store.keyset import MAX_CURSOR, Cursor, Sort
from photobus_gateway.keys import SETTINGS
from photobus_gateway.problems import invalid

ModelT = TypeVar("ModelT", bound=BaseModel)

MAX_ID: Final = 2**63 - 1

RowId = Annotated[int, Field(ge=1, le=MAX_ID)]
"""The id of a project or a photo."""

Folder = Annotated[str, Field(min_length=1, max_length=255, pattern=STORABLE, description="The project's folder.")]

Filename = Annotated[str, Field(min_length=1, max_length=255, pattern=STORABLE)]
"""A photo's basename, or the name of one of its files."""


class UnsupportedMediaError(PhotobusError):
    """The body is of another media type than the route reads; a form of another site never is of the right one."""

    code = "unsupported_media_type"
    status = 415


class Input(BaseModel):
    """Base of what callers send: what is not known is refused, so that a misspelt field is never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def never_null(schema: dict[str, Any]) -> None:
    """Say in a field's schema that it may be absent but not null (a field's ``json_schema_extra``)."""
    (choice,) = (choice for choice in schema.pop("anyOf") if choice.get("type") != "null")
    schema.update(choice)
    schema.pop("default", None)


def one_of(*names: str) -> JsonDict:
    """Say in a model's schema that exactly one of the fields is there (a model's ``json_schema_extra``)."""
    return {"oneOf": [{"required": [name]} for name in names]}


def refuse_unless_one(given: BaseModel, *names: str) -> None:
    """Raise ``ValueError`` unless exactly one of the fields was given, and not as null."""
    values = [getattr(given, name) for name in names if name in given.model_fields_set]
    if len(values) != 1 or values[0] is None:
        raise ValueError(f"give exactly one of {', '.join(names)}")


class HeaderInput(BaseModel):
    """Base of header models: each field has the header's name as its alias; other headers are not looked at."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class LimitQuery(Input):
    """How long a page is: never longer than ``gateway.page_limit`` of the settings, whatever is asked for."""

    limit: int = Field(default=100, ge=1, le=MAX_ITEMS, description="Most items of the page.")

    def bounded(self, request: web.Request) -> int:
        """Return how many items the page may have."""
        return min(self.limit, request.app[SETTINGS].gateway.page_limit)


class PageQuery(LimitQuery):
    """Which page of a list."""

    cursor: str | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_CURSOR,
        description="`next_cursor` or `prev_cursor` of another page of the same list.",
    )

    def start(self, sort: Sort) -> Cursor | None:
        """Return where the page starts."""
        return None if self.cursor is None else Cursor.decode(self.cursor, sort)


class ProjectPath(Input):
    """A path that names a project by its folder."""

    folder: Folder


def from_path(request: web.Request, model: type[ModelT]) -> ModelT:
    """Read the path's parameters."""
    return _from_strings(model, dict(request.match_info), "path")


def from_query(request: web.Request, model: type[ModelT]) -> ModelT:
    """Read the query; a list is the same parameter repeated."""
    return _from_strings(model, _collapse(request.query, _list_fields(model)), "query")


def from_headers(request: web.Request, model: type[ModelT]) -> ModelT:
    """Read the headers that the model's aliases name."""
    names = [field.alias or name for name, field in model.model_fields.items()]
    found = {name: request.headers[name] for name in names if name in request.headers}
    return _from_strings(model, found, "header")


async def from_body(request: web.Request, model: type[ModelT]) -> ModelT:
    """Read a JSON body, of at most ``gateway.max_body_bytes``; types are not converted."""
    if request.content_type != "application/json":
        raise UnsupportedMediaError("The body must be JSON, with Content-Type: application/json.")
    raw = await read_bounded(request, request.app[SETTINGS].gateway.max_body_bytes)
    try:
        return model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise invalid(error) from error


async def read_bounded(request: web.Request, limit: int) -> bytes:
    """Read a whole body of at most ``limit`` bytes, without ever holding more."""
    parts = bytearray()
    async for chunk in request.content.iter_any():
        parts += chunk
        if len(parts) > limit:
            message = f"The body is over {limit} bytes."
            raise TooLargeError(message, fields=(FieldError("body", message, limit),))
    return bytes(parts)


def _from_strings(model: type[ModelT], values: Mapping[str, Any], place: str) -> ModelT:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise invalid(error, place) from error


def _collapse(query: MultiMapping[str], lists: frozenset[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in _once(query):
        given = query.getall(name)
        if name not in lists and len(given) > 1:
            message = "is given more than once"
            raise InvalidInputError(f"{name}: {message}", fields=(FieldError(f"query.{name}", message),))
        values[name] = given if name in lists else given[0]
    return values


def _once(names: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(names)


@cache
def _list_fields(model: type[BaseModel]) -> frozenset[str]:
    properties = model.model_json_schema().get("properties", {})
    return frozenset(name for name, schema in properties.items() if schema.get("type") == "array")
