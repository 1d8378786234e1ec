"""Keeping a run alive in the eyes of others, and patience while the database is away."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar
from uuid import UUID

from nats.errors import Error as BrokerError

from photobus_common import logging
from photobus_common.bus.intake import CommandMessage
from photobus_common.errors import BrokerUnavailableError
from photobus_common.store.claims import beat_claim
from photobus_common.store.database import Database
from photobus_common.store.outages import DATABASE_OUTAGES

ResultT = TypeVar("ResultT")

BROKER_OUTAGES: Final = (BrokerUnavailableError, BrokerError, OSError, TimeoutError)
"""What telling the broker something may raise while it is away."""

_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 2.0

log = logging.get_logger()


async def keep_lease(database: Database, message: CommandMessage, holder: UUID, interval_seconds: float) -> None:
    """Beat every ``interval_seconds`` until cancelled: first the claim, then the delivery, which hangs on it.

    In this order a message whose holder died comes to the next worker when the claim can be taken over, not before.
    Raises ``ClaimLostError`` or ``JobCanceledError`` when the run must stop. A beat that the database or the broker
    does not answer is missed; the next one tells whether the claim still stands.
    """
    while True:
        await asyncio.sleep(interval_seconds)
        try:
            async with database.connection() as connection:
                await beat_claim(connection, message.command.job_id, holder)
            await message.in_progress()
        except (*DATABASE_OUTAGES, *BROKER_OUTAGES) as error:
            log.warning("heartbeat_missed", error=repr(error))


async def tell_broker(word: Awaitable[None]) -> None:
    """Send an ack or nak. If the broker is away it is lost, and the message comes again, to be answered then."""
    try:
        await word
    except BROKER_OUTAGES as error:
        log.warning("broker_not_told", error=repr(error))


async def insist(action: Callable[[], Awaitable[ResultT]], patience_seconds: float) -> ResultT:
    """Do ``action``, which must be safe to repeat, until the database answers.

    Raises the outage that is still there after ``patience_seconds``.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + patience_seconds
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return await action()
        except DATABASE_OUTAGES as error:
            if clock() + pause > deadline:
                raise
            log.warning("database_unavailable", error=repr(error))
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads the workers, no secret
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
