"""Where the parts of the derivatives service are put together."""

from typing import Final

from photobus_common.config import Settings
from photobus_common.errors import PhotobusError
from photobus_common.job_types import Service
from photobus_common.service import Stop
from photobus_common.storage.library import Library
from photobus_common.worker.serving import serve_worker
from photobus_derivatives.making import DerivativesMaker
from photobus_derivatives.sandbox import DecoderPool

NAME: Final[Service] = "derivatives"


class DecodersMissingError(PhotobusError):
    """The pool is not whole: decoders died and are being replaced."""

    code = "decoders_missing"
    status = 503


async def main(settings: Settings, stop: Stop) -> None:
    """Run the derivatives service until ``stop``."""
    pool = DecoderPool(settings.processing)
    maker = DerivativesMaker(Library(settings.library.root), pool, settings.processing)
    handlers = {"upload_postprocess": maker, "generate_derivatives": maker}

    async def have_decoders() -> None:
        if not pool.whole:
            raise DecodersMissingError("Decoders are being replaced.")

    await pool.start()
    try:
        await serve_worker(NAME, handlers, settings, stop, {"decoders": have_decoders})
    finally:
        await pool.close()
