"""Errors become problem documents that name the field and the limit."""

import json
from typing import Annotated

import asyncpg
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from pydantic import BaseModel, Field, ValidationError

from photobus_common.errors import FieldError, NotFoundError, PhotobusError, StorageUnavailableError
from photobus_gateway.problems import PROBLEM_MEDIA, invalid, problem_middleware, respond


class Form(BaseModel):
    """Something with limits."""

    items: Annotated[list[int], Field(max_length=2)] = []
    limit: int = Field(default=1, ge=1, le=500)
    name: str = Field(default="", max_length=3)


@pytest.mark.parametrize(
    ("values", "field", "limit"),
    [
        ({"items": [1, 2, 3]}, "query.items", 2),
        ({"limit": 501}, "query.limit", 500),
        ({"limit": 0}, "query.limit", 1),
        ({"name": "four"}, "query.name", 3),
        ({"items": ["x"]}, "query.items.0", None),
    ],
)
def test_a_limit_that_was_passed_is_named(values: dict[str, object], field: str, limit: int | None) -> None:
    with pytest.raises(ValidationError) as raised:
        Form.model_validate(values)
    (found,) = invalid(raised.value, "query").fields
    assert (found.field, found.limit) == (field, limit)


def test_a_document_says_what_where_and_whether_to_come_again() -> None:
    response = respond(StorageUnavailableError("The library is away."))
    body = json.loads(str(response.text))
    assert (response.status, response.content_type) == (503, PROBLEM_MEDIA)
    assert body == {
        "type": "/api/docs#storage_unavailable",
        "title": "Service Unavailable",
        "status": 503,
        "code": "storage_unavailable",
        "detail": "The library is away.",
        "errors": [],
    }
    assert response.headers["Retry-After"] == "1"
    assert "Retry-After" not in respond(NotFoundError("No such thing.")).headers


def test_fields_stand_in_the_document() -> None:
    error = PhotobusError("No.", fields=(FieldError("items", "too many", 2000), FieldError("name", "too dull")))
    assert json.loads(str(respond(error).text))["errors"] == [
        {"field": "items", "message": "too many", "limit": 2000},
        {"field": "name", "message": "too dull"},
    ]


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (NotFoundError("No."), 404, "not_found"),
        (web.HTTPNotFound(), 404, "not_found"),
        (web.HTTPMethodNotAllowed("PUT", ["GET"]), 405, "method_not_allowed"),
        (web.HTTPRequestEntityTooLarge(1, 2), 413, "request_entity_too_large"),
        (web.HTTPBadRequest(text="400: Bad Request"), 400, "invalid_input"),
        (asyncpg.CharacterNotInRepertoireError(), 400, "invalid_input"),
        (asyncpg.ConnectionDoesNotExistError(), 503, "database_unavailable"),
        (asyncpg.TooManyConnectionsError(), 503, "database_unavailable"),
        (ConnectionRefusedError(), 503, "database_unavailable"),
        (asyncpg.DataError(), 500, "internal_error"),
        (ZeroDivisionError("secret"), 500, "internal_error"),
    ],
)
async def test_every_error_has_its_answer(raised: Exception, status: int, code: str) -> None:
    async def handler(_: web.Request) -> web.StreamResponse:
        raise raised

    response = await problem_middleware(make_mocked_request("GET", "/"), handler)
    assert isinstance(response, web.Response)
    body = json.loads(str(response.text))
    assert (response.status, body["code"], body["status"]) == (status, code, status)
    assert "secret" not in str(response.text)
    assert response.headers.get("Allow") == ("GET" if status == 405 else None)


async def test_a_redirection_is_no_problem() -> None:
    async def handler(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/elsewhere")

    with pytest.raises(web.HTTPFound):
        await problem_middleware(make_mocked_request("GET", "/"), handler)
