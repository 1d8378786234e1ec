"""Errors become problem documents that name the field and the limit."""

import json
from http import HTTPStatus
from typing import Annotated
from unittest.mock import Mock

import asyncpg
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from pydantic import BaseModel, Field, ValidationError
from structlog.testing import capture_logs

from photobus_common.errors import FieldError, NotFoundError, PhotobusError, StorageUnavailableError
from photobus_gateway.problems import CLIENT_GONE, PROBLEM_MEDIA, invalid, problem_middleware, respond


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


def request_of(*, closing: bool = False, sent: int = 0) -> web.Request:
    """A request whose connection is open, and whose answer has not begun."""
    transport = Mock(is_closing=Mock(return_value=closing), get_extra_info=Mock(return_value=None))
    return make_mocked_request("GET", "/", transport=transport, writer=Mock(output_size=sent))


async def handled(raised: Exception, request: web.Request) -> web.Response:
    async def handler(_: web.Request) -> web.StreamResponse:
        raise raised

    response = await problem_middleware(request, handler)
    assert isinstance(response, web.Response)
    return response


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
        (TimeoutError(), 503, "database_unavailable"),
        (web.RequestPayloadError(), 400, "invalid_input"),
        (asyncpg.DataError(), 500, "internal_error"),
        (ZeroDivisionError("secret"), 500, "internal_error"),
    ],
)
async def test_every_error_has_its_answer(raised: Exception, status: int, code: str) -> None:
    response = await handled(raised, request_of())
    body = json.loads(str(response.text))
    assert (response.status, body["code"], body["status"]) == (status, code, status)
    assert "secret" not in str(response.text)
    assert response.headers.get("Allow") == ("GET" if status == 405 else None)


async def test_a_redirection_is_no_problem() -> None:
    with pytest.raises(web.HTTPFound):
        await handled(web.HTTPFound("/elsewhere"), request_of())


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (StorageUnavailableError("Away."), HTTPStatus.SERVICE_UNAVAILABLE),
        (ZeroDivisionError(), HTTPStatus.INTERNAL_SERVER_ERROR),
        (web.HTTPNotFound(), HTTPStatus.NOT_FOUND),
    ],
)
async def test_an_answer_that_has_begun_is_broken_off(raised: Exception, status: int) -> None:
    request = request_of(sent=100)
    response = await handled(raised, request)
    request.transport.abort.assert_called_once()  # type: ignore[union-attr]
    assert (response.status, response.body) == (status, None)


async def test_a_client_that_has_gone_is_no_outage_of_the_database() -> None:
    with capture_logs() as said:
        response = await handled(ConnectionResetError(), request_of(closing=True, sent=100))
    assert (response.status, response.body) == (CLIENT_GONE, None)
    assert [(line["event"], line["log_level"]) for line in said] == [("client_gone", "debug")]


async def test_what_fails_by_itself_is_told_also_when_the_client_has_gone() -> None:
    with capture_logs() as said:
        response = await handled(ZeroDivisionError(), request_of(closing=True))
    assert response.status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert [line["event"] for line in said] == ["request_failed"]
