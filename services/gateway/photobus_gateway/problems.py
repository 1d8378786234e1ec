"""Errors as RFC 9457 problem documents that name the field and the limit.

Once an answer has begun there is no room for another: then the connection is broken off, so that the client knows that
what it has is not whole.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

import asyncpg
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from photobus_common.errors import FieldError, InvalidInputError, PhotobusError
from photobus_common.logging import get_logger
from photobus_common.store.outages import SESSION_ERRORS

PROBLEM_MEDIA: Final = "application/problem+json"

_LIMITS: Final = ("max_length", "min_length", "le", "ge", "lt", "gt", "multiple_of")

CLIENT_GONE: Final = 499
"""Under this status the requests of clients are measured that went before they were answered, as nginx has it."""

_NO_DATABASE: Final = "The database does not answer; try again."

_UNFORESEEN: Final = "Something went wrong here; it is in the log."

_log = get_logger()


class FieldProblem(BaseModel):
    """One field of the input that is wrong; ``limit`` is the bound that was passed."""

    field: str
    message: str
    limit: int | None = None


class Problem(BaseModel):
    """What every error answer looks like (RFC 9457). ``code`` is the stable word to branch on."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(description="Where this kind of problem is described.")
    title: str
    status: int
    code: str
    detail: str
    errors: tuple[FieldProblem, ...] = ()
    results: list[dict[str, Any]] | None = Field(
        default=None, description="Of an upload that broke off: how the files before that ended."
    )


class DatabaseUnavailableError(PhotobusError):
    """Postgres does not answer: nothing was accepted, or the word that it was got lost. An Idempotency-Key tells."""

    code = "database_unavailable"
    status = 503
    retryable = True


def respond(error: PhotobusError) -> web.Response:
    """Answer with the problem document of ``error``."""
    fields = tuple(FieldProblem(field=f.field, message=f.message, limit=f.limit) for f in error.fields)
    answer = _response(error.status, error.code, error.public_message, fields)
    if error.retryable:
        answer.headers["Retry-After"] = str(error.retry_after_seconds)
    return answer


def invalid(error: ValidationError, place: str = "") -> InvalidInputError:
    """Turn a pydantic error into ours; ``place`` (``query``, ``path``, ``header``) stands before each field's name."""
    fields = tuple(_field_error(item, place) for item in error.errors(include_url=False))
    first = fields[0]
    more = f" (and {len(fields) - 1} more)" if len(fields) > 1 else ""
    return InvalidInputError(f"{first.field or 'body'}: {first.message}{more}", fields=fields)


@web.middleware
async def problem_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error of a handler into a problem document; what nobody foresaw is logged and told as a bare 500."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        answer = _from_aiohttp(error)
    except Exception as error:  # noqa: BLE001  the edge of the process: whatever it was, the caller gets an answer
        if isinstance(error, ConnectionError) and has_gone(request):
            _log.debug("client_gone", method=request.method, path=request.path)
            return _to_nobody(CLIENT_GONE)
        answer = _answer_to(error, request)
    return _broken_off(request, answer) if _has_begun(request) else answer


def has_gone(request: web.Request) -> bool:
    """Whether nobody is at the other end any more; a ``ConnectionError`` is then the client's, not the database's."""
    return request.transport is None or request.transport.is_closing()


def _has_begun(request: web.Request) -> bool:
    """Whether anything of an answer was sent already."""
    return request.writer.output_size > 0


def _broken_off(request: web.Request, untold: web.Response) -> web.Response:
    """End the connection in the middle of an answer, instead of writing ``untold`` into it."""
    if request.transport is not None:
        request.transport.abort()
    return _to_nobody(untold.status)


def _to_nobody(status: int) -> web.Response:
    """Return what a closed connection is answered: none of it is sent, but it is measured.

    To raise the error instead would have aiohttp log it with its traceback.
    """
    return web.Response(status=status)


def _answer_to(error: Exception, request: web.Request) -> web.Response:
    known, begun = _ours(error), _has_begun(request)
    if begun or known.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        said = {"method": request.method, "path": request.path, "code": known.code, "broken_off": begun}
        _log.error("request_failed", **said, exc_info=error if type(known) is PhotobusError else None)
    return respond(known)


def _ours(error: Exception) -> PhotobusError:
    match error:
        case PhotobusError():
            known = error
        case ValidationError():
            known = invalid(error)
        case web.RequestPayloadError():
            known = InvalidInputError("The body could not be read: its encoding is broken.")
        case asyncpg.CharacterNotInRepertoireError() | asyncpg.UntranslatableCharacterError():
            known = InvalidInputError("Text must not hold the character U+0000.")
        case asyncpg.DataError():  # among those below by its class, but a statement that is wrong
            known = PhotobusError(_UNFORESEEN)
        case TimeoutError():  # what asyncpg raises past postgres.command_timeout_seconds
            known = DatabaseUnavailableError(_NO_DATABASE)
        case _ if isinstance(error, SESSION_ERRORS):
            known = DatabaseUnavailableError(_NO_DATABASE)
        case _:
            known = PhotobusError(_UNFORESEEN)
    return known


def _from_aiohttp(error: web.HTTPException) -> web.Response:
    status = HTTPStatus(error.status)
    code = "invalid_input" if status is HTTPStatus.BAD_REQUEST else status.name.lower()
    detail = error.text if error.text and not error.text.startswith(str(error.status)) else status.description
    response = _response(error.status, code, detail or status.phrase, ())
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


def _response(
    status: int,
    code: str,
    detail: str,
    fields: Iterable[FieldProblem],
) -> web.Response:
    problem = Problem(
        type=f"/api/docs#{code}",
        title=_title(status, code),
        status=status,
        code=code,
        detail=detail,
        errors=tuple(fields),
    )
    response = web.Response(
        status=status,
        body=problem.model_dump_json(exclude_none=True).encode(),
        content_type=PROBLEM_MEDIA,
    )
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _title(status: int, code: str) -> str:
    """Return the status in words; one that only an extension of HTTP knows is told by its code."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return code.replace("_", " ").capitalize()


def _field_error(item: Any, place: str) -> FieldError:
    context = item.get("ctx", {})
    limit = next((context[name] for name in _LIMITS if isinstance(context.get(name), int)), None)
    path = ".".join(str(part) for part in ((place,) if place else ()) + item["loc"])
    return FieldError(path, item["msg"], limit)
