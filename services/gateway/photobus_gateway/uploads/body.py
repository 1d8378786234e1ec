"""Reading the body of an upload, from clients that may vanish without a word."""

import asyncio
from typing import Final

from aiohttp import web

from photobus_common.errors import PhotobusError
from photobus_gateway.keys import SETTINGS
from photobus_gateway.uploads.form_data import Read

_SILENT: Final = "Nothing more of the body came for {seconds:g} seconds."


class BodyStalledError(PhotobusError):
    """Nothing more of the body came for too long; what came before stays as after a lost connection."""

    code = "body_stalled"
    status = 408
    retryable = True


def reader_of(request: web.Request) -> Read:
    """Return what reads the next bytes of the body; raises ``BodyStalledError`` after ``uploader.stall_seconds``.

    Only waiting for the client counts. Without a bound, one whose network is gone would keep its upload locked for as
    long as the system keeps the connection, which is hours.
    """
    seconds = request.app[SETTINGS].uploader.stall_seconds

    async def read() -> bytes:
        try:
            async with asyncio.timeout(seconds):
                return await request.content.readany()
        except TimeoutError as error:
            raise BodyStalledError(_SILENT.format(seconds=seconds)) from error

    return read
