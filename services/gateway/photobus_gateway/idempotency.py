"""Idempotency-Key: the same key and request, however often and at once, has one effect and one answer."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel, Field

from photobus_common.errors import FieldError, PhotobusError
from photobus_common.logging import get_logger
from photobus_common.store import idempotency
from photobus_common.store.database import Database
from photobus_common.store.outages import DATABASE_OUTAGES
from photobus_common.store.unit_of_work import UnitOfWork, unit_of_work
from photobus_gateway.callers import caller_of
from photobus_gateway.inputs import HeaderInput
from photobus_gateway.keys import DATABASE, EMITTER, PUBLISHER, SETTINGS
from photobus_gateway.registry import json_response

REPLAYED: Final = "Idempotency-Replayed"
SWEEP_SECONDS: Final = 600.0

log = get_logger()


class KeyReusedError(PhotobusError):
    """The Idempotency-Key was used for another request."""

    code = "idempotency_key_reused"
    status = 422


class IdempotencyHeaders(HeaderInput):
    """A key of the caller's choice: a repeat with it within a day gets the first answer and has no effect."""

    idempotency_key: str | None = Field(
        default=None,
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
    )


@dataclass(frozen=True)
class Outcome:
    """What an act answers."""

    status: int
    view: BaseModel


Act = Callable[[UnitOfWork], Awaitable[Outcome]]


async def once(request: web.Request, headers: IdempotencyHeaders, body: BaseModel, act: Act) -> web.Response:
    """Run ``act`` in one transaction and answer with its outcome; with a key, at most once.

    An error of ``act`` rolls back the key with everything else, so that the request may be mended and sent again.
    """
    async with unit_of_work(request.app[DATABASE], request.app[PUBLISHER]) as work:
        if headers.idempotency_key is None:
            return _answer(await act(work))
        return await _keyed(request, headers.idempotency_key, body, act, work)


async def emit_once(request: web.Request, headers: IdempotencyHeaders, body: BaseModel, act: Act) -> web.Response:
    """Do what ``once`` does for an ``act`` that only reads and emits: concurrent requests then share their commits."""
    if headers.idempotency_key is not None:
        return await once(request, headers, body, act)
    async with request.app[DATABASE].connection() as connection:
        work = UnitOfWork(connection)
        outcome = await act(work)
    await request.app[EMITTER].emit(work.messages)
    return _answer(outcome)


async def sweep(database: Database, keep: timedelta) -> None:
    """Forget old answers, now and then, for ever."""
    while True:
        try:
            async with database.connection() as connection:
                await idempotency.drop_expired(connection, keep)
        except DATABASE_OUTAGES as error:
            log.warning("idempotency_sweep_failed", reason=repr(error))
        await asyncio.sleep(SWEEP_SECONDS)


async def _keyed(request: web.Request, key: str, body: BaseModel, act: Act, work: UnitOfWork) -> web.Response:
    tenant = caller_of(request).tenant
    fingerprint = _fingerprint(request, body)
    keep = timedelta(hours=request.app[SETTINGS].gateway.idempotency_hours)
    kept = await idempotency.reserve(work.connection, tenant, key, fingerprint, keep)
    if kept is None:
        outcome = await act(work)
        view: Any = outcome.view.model_dump(mode="json")
        await idempotency.keep_answer(work.connection, tenant, key, outcome.status, view)
        return _answer(outcome)
    if kept.request_sha256 != fingerprint:
        message = "was used for another request"
        fields = (FieldError("header.Idempotency-Key", message),)
        raise KeyReusedError(f"Idempotency-Key {message}.", fields=fields)
    return web.json_response(kept.response, status=kept.status, headers={REPLAYED: "true", "Cache-Control": "no-store"})


def _answer(outcome: Outcome) -> web.Response:
    return json_response(outcome.view, status=outcome.status)


def _fingerprint(request: web.Request, body: BaseModel) -> bytes:
    """Hash what the request means: spaces and the order of fields do not make it another one."""
    text = f"{request.method} {request.path}\n{body.model_dump_json()}"
    return hashlib.sha256(text.encode()).digest()
