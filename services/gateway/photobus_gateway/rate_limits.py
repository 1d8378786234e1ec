"""Rate limits by route and address, shared by all gateways. An answer says how much is left (RateLimit headers)."""

import asyncio
import math
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Final

from aiohttp import hdrs, web

from photobus_common.config import RateLimits
from photobus_common.errors import PhotobusError
from photobus_common.logging import get_logger
from photobus_common.store import rate_limits
from photobus_common.store.database import Database
from photobus_common.store.outages import DATABASE_OUTAGES
from photobus_common.store.rate_limits import Allowance
from photobus_gateway.keys import DATABASE, SETTINGS

SWEEP_SECONDS: Final = 600.0

RATE: Final = web.RequestKey("rate", dict[str, str])
"""Headers that tell the caller how it stands."""

log = get_logger()


class RateLimitedError(PhotobusError):
    """The address did this as often as it may for now; Retry-After says when it may again."""

    code = "rate_limited"
    status = 429
    retryable = True

    def __init__(self, limits: RateLimits, wait_seconds: int) -> None:
        most, window = limits.requests, limits.window_seconds
        super().__init__(f"At most {most} of these requests in {window:g} s; try again in {wait_seconds} s.")
        self.retry_after_seconds = wait_seconds


async def admit(request: web.Request, what: str) -> None:
    """Let the request pass if its address did ``what`` less often than it may; raises ``RateLimitedError``."""
    limits = request.app[SETTINGS].rate_limits
    key = f"{what}:{address_of(request, limits.trusted_proxies)}"
    async with request.app[DATABASE].connection() as connection:
        allowance = await rate_limits.count_hit(
            connection, key, limits.requests, timedelta(seconds=limits.window_seconds)
        )
    request[RATE] = _headers(limits, allowance)
    if not allowance.admitted:
        raise RateLimitedError(limits, max(1, math.ceil(allowance.reset_seconds)))


async def tell_rate(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers of a request that was counted."""
    response.headers.update(request.get(RATE, {}))


async def sweep(database: Database, limits: RateLimits) -> None:
    """Forget addresses that have been quiet, now and then, for ever."""
    while True:
        try:
            async with database.connection() as connection:
                await rate_limits.drop_unused(connection, timedelta(seconds=limits.window_seconds))
        except DATABASE_OUTAGES as error:
            log.warning("rate_limits_not_swept", reason=repr(error))
        await asyncio.sleep(SWEEP_SECONDS)


def address_of(request: web.Request, trusted_proxies: Sequence[str]) -> str:
    """Return who calls: the peer, or, if that is a trusted proxy, the last address before those in X-Forwarded-For."""
    address = request.remote or ""
    hops = [hop.strip() for value in request.headers.getall(hdrs.X_FORWARDED_FOR, []) for hop in value.split(",")]
    while hops and _is_within(address, trusted_proxies):
        address = hops.pop()
    return address


def _is_within(address: str, networks: Sequence[str]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in ip_network(network) for network in networks)


def _headers(limits: RateLimits, allowance: Allowance) -> dict[str, str]:
    reset = max(0, math.ceil(allowance.reset_seconds))
    return {
        "RateLimit-Limit": str(limits.requests),
        "RateLimit-Remaining": str(allowance.remaining),
        "RateLimit-Reset": str(reset),
        "RateLimit-Policy": f"{limits.requests};w={limits.window_seconds:g}",
    }
