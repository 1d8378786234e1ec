"""Where the parts of the orchestrator are put together: what runs always, and what only the leader runs."""

import asyncio
from contextlib import aclosing
from functools import partial
from typing import Final

from photobus_common.bus.connection import Broker
from photobus_common.bus.jetstream import JetStreamError
from photobus_common.bus.publisher import BusPublisher
from photobus_common.bus.reader import EventReader, EventsExpiredError, StreamRecreatedError
from photobus_common.bus.relay import OutboxRelay
from photobus_common.config import Settings
from photobus_common.definitions import load_definitions
from photobus_common.errors import BrokerUnavailableError
from photobus_common.health import HealthServer
from photobus_common.logging import get_logger
from photobus_common.service import Stop, run_until
from photobus_common.store.database import Database
from photobus_common.store.outages import DATABASE_OUTAGES
from photobus_orchestrator.clearing import ReportClearing
from photobus_orchestrator.domain.plan import Rules
from photobus_orchestrator.fold import FencedError, Fold
from photobus_orchestrator.lag import LagWatch
from photobus_orchestrator.leadership import Leadership, LeadershipLostError, leadership
from photobus_orchestrator.rescuer import Rescuer
from photobus_orchestrator.resolver import Resolver
from photobus_orchestrator.schedules import Scheduler
from photobus_orchestrator.stream import follow_stream, provision_again
from photobus_orchestrator.sweeper import Sweeper

NAME: Final = "orchestrator"

PAUSE_SECONDS: Final = 0.5
"""After leadership ended in an outage, before it is sought again."""

OUTAGES: Final = (BrokerUnavailableError, JetStreamError, FencedError, LeadershipLostError, *DATABASE_OUTAGES)
"""What ends leadership but not the process: the database or the broker is away, or another orchestrator leads."""

log = get_logger()


class Orchestrator:
    """Seeks leadership for ever, and while it leads folds, resolves, rescues, sweeps and schedules."""

    def __init__(self, database: Database, broker: Broker, publisher: BusPublisher, settings: Settings) -> None:
        self._database = database
        self._broker = broker
        self._publisher = publisher
        self._settings = settings
        self._definitions = load_definitions()
        self._rules = Rules(self._definitions, settings.pipeline, settings.jobs)

    async def run(self) -> None:
        """Run until cancelled. Raises ``UnreadableEventError`` and ``ConfigurationError``, which need a person."""
        while True:
            try:
                async with leadership(self._settings.postgres) as lead:
                    await self._lead(lead)
            except* OUTAGES as outage:
                log.warning("not_leading", reasons=[str(error) for error in outage.exceptions])
            await asyncio.sleep(PAUSE_SECONDS)

    async def _lead(self, lead: Leadership) -> None:
        resolver = Resolver(self._database, self._publisher)
        sweeper = Sweeper(self._database)
        rescuer = Rescuer(self._database, self._broker, self._publisher, self._settings)
        scheduler = Scheduler(self._database, self._broker, self._publisher, self._settings, self._definitions)
        clearing = ReportClearing(self._database, self._settings.maintenance.report_days)
        async with asyncio.TaskGroup() as group:
            group.create_task(lead.hold(), name="leadership")
            group.create_task(self._fold(resolver, sweeper, scheduler), name="fold")
            group.create_task(resolver.run(), name="resolver")
            group.create_task(sweeper.run(), name="sweeper")
            group.create_task(clearing.run(), name="clearing")
            group.create_task(rescuer.run(), name="rescuer")
            group.create_task(scheduler.run(), name="scheduler")
            group.create_task(LagWatch(self._database, self._broker, self._settings).run(), name="lag")

    async def _fold(self, resolver: Resolver, sweeper: Sweeper, scheduler: Scheduler) -> None:
        """Fold the log, and go on with the stream that there is when it is not the one that there was."""
        while True:
            await self._broker.wait_connected()
            cursor = await follow_stream(self._database, self._broker, self._settings)
            fold = Fold(self._database, self._publisher, self._rules, cursor)
            reader = EventReader(
                self._broker,
                cursor.seq + 1,
                created=cursor.stream_created,
                on_missing=partial(provision_again, self._database, self._broker, self._settings),
            )
            try:
                async with aclosing(reader.batches()) as batches:
                    async for batch in batches:
                        folded = await fold.fold(batch)
                        sweeper.archived(folded.archived)
                        if folded.unresolved:
                            resolver.wake()
                        if folded.rescheduled:
                            scheduler.wake()
            except (StreamRecreatedError, EventsExpiredError) as error:
                log.warning("log_is_another", reason=error.public_message)


async def main(settings: Settings, stop: Stop) -> None:
    """Run the orchestrator until ``stop``."""
    database = await Database.open(settings.postgres, NAME)
    broker = await Broker.open(settings.nats, NAME, wait=False)
    try:
        await _serve(settings, stop, database, broker)
    finally:
        await broker.close()
        await database.close()


async def _serve(settings: Settings, stop: Stop, database: Database, broker: Broker) -> None:
    publisher = BusPublisher(broker, database, settings)
    relay = OutboxRelay(database, publisher, settings)
    orchestrator = Orchestrator(database, broker, publisher, settings)

    async def reach_broker() -> None:
        if not broker.connected:
            raise BrokerUnavailableError("There is no connection to the broker.")

    checks = {"database": database.reach, "broker": reach_broker}
    async with HealthServer(settings.health, checks), asyncio.TaskGroup() as background:
        publishing = background.create_task(publisher.run(), name="publisher")
        await run_until(stop, relay=relay.run(), orchestrator=orchestrator.run())
        await publisher.drain()
        publishing.cancel()
