"""``/healthz`` (the process answers), ``/readyz`` (it can do its work) and ``/metrics`` of every service.

Services without HTTP of their own run a ``HealthServer``; the gateway mounts ``health_routes`` into its own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Final, Self

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from photobus_common.config import Health
from photobus_common.errors import PhotobusError
from photobus_common.logging import get_logger
from photobus_common.telemetry import REGISTRY

Check = Callable[[], Awaitable[None]]
"""Returns when what it checks is ready; raises what is wrong. Has ``CHECK_SECONDS`` to answer."""

CHECK_SECONDS: Final = 2.0

log = get_logger()


def health_routes(checks: Mapping[str, Check]) -> list[web.RouteDef]:
    """Return the three routes; ``checks`` decide, by name, whether the service is ready."""

    async def alive(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def ready(_request: web.Request) -> web.Response:
        results = dict(zip(checks, await asyncio.gather(*map(_run, checks.values())), strict=True))
        status = 200 if all(result == "ok" for result in results.values()) else 503
        return web.json_response({"status": "ok" if status == 200 else "not_ready", "checks": results}, status=status)  # noqa: PLR2004 - HTTP status words

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [web.get("/healthz", alive), web.get("/readyz", ready), web.get("/metrics", metrics)]


async def _run(check: Check) -> str:
    try:
        await asyncio.wait_for(check(), CHECK_SECONDS)
    except TimeoutError:
        return f"no answer within {CHECK_SECONDS:g} seconds"
    except PhotobusError as error:
        return error.public_message
    except Exception as error:
        log.warning("readiness_check_failed", exc_info=True)
        return type(error).__name__
    return "ok"


class HealthServer:
    """Serves the three routes while the service runs: ``async with HealthServer(settings.health, checks): …``."""

    def __init__(self, settings: Health, checks: Mapping[str, Check]) -> None:
        application = web.Application()
        application.add_routes(health_routes(checks))
        self._settings = settings
        self._runner = web.AppRunner(application, access_log=None)
        self.port = 0

    async def __aenter__(self) -> Self:
        """Listen; afterwards ``port`` is the port that was taken."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._settings.host, self._settings.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        log.info("health_listening", host=self._settings.host, port=self.port)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening."""
        await self._runner.cleanup()
