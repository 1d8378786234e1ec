"""A request is answered once its effect is known; the commit comes a moment later, with what else came meanwhile."""

import asyncio
from typing import Final

from aiohttp import web
from pydantic import BaseModel

from photobus_common.store.unit_of_work import unit_of_work
from photobus_gateway import idempotency as sound
from photobus_gateway.idempotency import Act, IdempotencyHeaders
from photobus_gateway.keys import DATABASE, PUBLISHER

GATHER_SECONDS: Final = 0.2

_committing: set[asyncio.Task[None]] = set()


async def once(request: web.Request, headers: IdempotencyHeaders, body: BaseModel, act: Act) -> web.Response:
    """Answer while the transaction is still open."""
    answer: asyncio.Future[web.Response] = asyncio.get_running_loop().create_future()
    committing = asyncio.create_task(_act(request, headers, body, act, answer))
    _committing.add(committing)
    committing.add_done_callback(_committing.discard)
    return await answer


async def emit_once(request: web.Request, headers: IdempotencyHeaders, body: BaseModel, act: Act) -> web.Response:
    """Do the same."""
    return await once(request, headers, body, act)


async def _act(
    request: web.Request,
    headers: IdempotencyHeaders,
    body: BaseModel,
    act: Act,
    answer: asyncio.Future[web.Response],
) -> None:
    try:
        async with unit_of_work(request.app[DATABASE], request.app[PUBLISHER]) as work:
            if headers.idempotency_key is None:
                answer.set_result(sound._answer(await act(work)))
            else:
                answer.set_result(await sound._keyed(request, headers.idempotency_key, body, act, work))
            await asyncio.sleep(GATHER_SECONDS)
    except Exception as error:
        if answer.done():
            raise
        answer.set_exception(error)
