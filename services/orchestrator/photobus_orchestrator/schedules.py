"""Schedules: what they should be stands in Postgres, the broker makes their ticks, and the leader makes tasks of them.

A tick counts if it is of the present generation of its schedule and says a later next time than is on record; that is
looked at under a lock on the schedule's row, so that a tick that comes twice, to whomever, becomes one event. What the
schedule was due for gives the event its id. A schedule whose time passed without a tick, because the broker was away
or lost its disk, is made up once, and its clock started anew.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from photobus_common.bus import schedules as bus
from photobus_common.bus.connection import Broker
from photobus_common.bus.jetstream import CONSUMER_NOT_FOUND, STREAM_NOT_FOUND, JetStreamError, stream_state
from photobus_common.bus.schedules import Plan, Tick
from photobus_common.config import Settings
from photobus_common.definitions import Definitions
from photobus_common.errors import BrokerUnavailableError
from photobus_common.events import Origin
from photobus_common.events.schedules import SkipReason, TickSkipped
from photobus_common.events.tasks import Targets, TaskCancelRequested
from photobus_common.logging import get_logger
from photobus_common.store import schedules as store
from photobus_common.store.database import Connection, Database
from photobus_common.store.schedules import Overdue, Schedule
from photobus_common.store.unit_of_work import Publisher, UnitOfWork, unit_of_work
from photobus_common.subjects import SCHEDULES_STREAM, plan_subject
from photobus_common.task_requests import Ask, request_task
from photobus_orchestrator.domain.decide import SOURCE
from photobus_orchestrator.stream import provision_again

LOOK_SECONDS: Final = 5.0
"""Between two looks at what is missing, late or overdue, when nobody has called."""

PAUSE_SECONDS: Final = 0.5
"""After the broker could not give ticks, before it is asked again."""

TICKS: Final = UUID("7d0dc1ce-8f4b-4b2e-9d1c-4c4a0b6f3a51")
"""Namespace of the ids of what ticks become."""

MADE_BY: Final = "settings"
"""Who is on record for schedules that no person has changed."""

log = get_logger()


class Scheduler:
    """Keeps the broker's schedules as they should be and takes their ticks, while this orchestrator leads."""

    def __init__(
        self,
        database: Database,
        broker: Broker,
        publisher: Publisher,
        settings: Settings,
        definitions: Definitions,
    ) -> None:
        self._database = database
        self._broker = broker
        self._publisher = publisher
        self._settings = settings
        self._definitions = definitions
        self._late = timedelta(seconds=settings.schedules.late_seconds)
        self._wake = asyncio.Event()
        self._seen: tuple[int, datetime] | None = None
        self._set: dict[tuple[str, str], int] = {}

    def wake(self) -> None:
        """Say that a schedule was changed."""
        self._wake.set()

    async def run(self) -> None:
        """Run until cancelled."""
        forget_listener = self._broker.on_connect(self.wake)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep(), name="schedules")
                group.create_task(self._listen(), name="ticks")
        finally:
            forget_listener()

    async def _keep(self) -> None:
        while True:
            self._wake.clear()
            await self.ask_overdue_to_stop()
            await self._without_outages(self.look)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._wake.wait()

    async def _listen(self) -> None:
        while True:
            await self._broker.wait_connected()
            if not await self._without_outages(self.take_tick):
                await asyncio.sleep(PAUSE_SECONDS)

    async def _without_outages(self, step: Callable[[], Awaitable[None]]) -> bool:
        """Do ``step``; False when the broker did not let it. Streams that are missing are made again."""
        try:
            await step()
        except BrokerUnavailableError as error:
            log.info("schedules_postponed", reason=error.public_message)
        except JetStreamError as error:
            log.warning("schedules_postponed", reason=error.public_message)
            if error.number in (STREAM_NOT_FOUND, CONSUMER_NOT_FOUND):
                with suppress(BrokerUnavailableError):
                    await provision_again(self._database, self._broker, self._settings)
        else:
            return True
        return False

    # --- what the broker should have ---------------------------------------------------------------------------------

    async def look(self) -> None:
        """Make what is missing: rows, messages at the broker, ticks that did not come.

        Raises ``BrokerUnavailableError`` and ``JetStreamError``.
        """
        settings = self._settings.schedules
        async with unit_of_work(self._database, self._publisher) as work:
            deadline = timedelta(hours=settings.deadline_hours)
            for made in await store.make_missing(work.connection, settings.intervals, deadline, MADE_BY):
                work.emit(Origin(SOURCE, made.tenant, MADE_BY).event(made.as_it_stands()))
            await self._mend_clocks(work.connection)
            schedules = await store.all_schedules(work.connection)
        await self._set_all(schedules)
        await self._make_up()

    async def _mend_clocks(self, connection: Connection) -> None:
        """Start clocks anew that stand further ahead than any that go right: they would be silent until then."""
        moment = await store.clock(connection)
        for schedule in await store.far_ahead(connection, self._late):
            first = schedule.timing.after(moment)
            if schedule.next_at > schedule.timing.after(first) + self._late:
                log.warning(
                    "schedule_mended", tenant=schedule.tenant, schedule=schedule.name, was=str(schedule.next_at)
                )
                await store.start_anew(connection, schedule, first)

    async def _set_all(self, schedules: list[Schedule]) -> None:
        """Publish and purge what the broker has otherwise; what it was found to have is not asked for again.

        Unless the connection or the stream is another one: then nothing is known of it.
        """
        seen = (self._broker.generation, (await stream_state(self._broker, SCHEDULES_STREAM)).created)
        if seen != self._seen:
            self._set.clear()
            await self._end_unknown({plan_subject(schedule.tenant, schedule.name) for schedule in schedules})
        for schedule in schedules:
            key = (schedule.tenant, schedule.name)
            if self._set.get(key) != schedule.generation and await self._is_set(schedule):
                self._set[key] = schedule.generation
        self._seen = seen

    async def _is_set(self, schedule: Schedule) -> bool:
        """Set the schedule; false when the broker refuses it, which keeps no other from being set."""
        try:
            await self._set_one(schedule)
        except JetStreamError as error:
            if error.number == STREAM_NOT_FOUND:
                raise
            reason = error.public_message
            log.warning("schedule_refused", tenant=schedule.tenant, schedule=schedule.name, reason=reason)
            return False
        return True

    async def _end_unknown(self, known: set[str]) -> None:
        for subject in await bus.stored_subjects(self._broker) - known:
            log.warning("unknown_schedule_ended", subject=subject)
            await bus.end(self._broker, subject)

    async def _set_one(self, schedule: Schedule) -> None:
        plan = Plan(schedule.tenant, schedule.name, schedule.timing.expression, schedule.generation)
        if not schedule.enabled:
            await bus.end(self._broker, plan.subject)
        elif not await bus.is_stored(self._broker, plan):
            await bus.publish(self._broker, plan)
            log.info("schedule_set", tenant=plan.tenant, schedule=plan.name, expression=plan.expression)

    async def _make_up(self) -> None:
        """Do what schedules that are late would have done, unless a tick is still on its way."""
        async with self._database.connection() as connection:
            late = await store.late_schedules(connection, self._late)
        if not late or any(await bus.waiting_ticks(self._broker)):
            return
        for tenant, name in late:
            async with unit_of_work(self._database, self._publisher) as work:
                schedule = await store.lock_late(work.connection, tenant, name, self._late)
                if schedule is not None:
                    log.warning("tick_made_up", tenant=tenant, schedule=name, due=schedule.next_at.isoformat())
                    next_at = schedule.timing.after(await store.clock(work.connection))
                    await self._be_due(work, schedule, next_at, schedule.generation + 1)
        self.wake()

    # --- ticks -------------------------------------------------------------------------------------------------------

    async def take_tick(self) -> None:
        """Wait a while for a tick and deal with it; raises ``BrokerUnavailableError`` and ``JetStreamError``."""
        tick = await bus.next_tick(self._broker)
        if tick is not None:
            await self.handle(tick)
            await bus.acknowledge(self._broker, tick)

    async def handle(self, tick: Tick) -> None:
        """Make of ``tick`` the event that it means, if any."""
        async with unit_of_work(self._database, self._publisher) as work:
            schedule = await store.lock_schedule(work.connection, tick.tenant, tick.name)
            if schedule is None or not schedule.enabled or tick.generation != schedule.generation:
                log.info("tick_outdated", tenant=tick.tenant, schedule=tick.name, generation=tick.generation)
            elif tick.next_at <= schedule.next_at:
                log.info("tick_repeated", tenant=tick.tenant, schedule=tick.name, next_at=tick.next_at.isoformat())
            else:
                await self._be_due(work, schedule, tick.next_at, schedule.generation)

    async def _be_due(self, work: UnitOfWork, schedule: Schedule, next_at: datetime, generation: int) -> None:
        """Ask for the schedule's task, or say why not."""
        definition = self._definitions.get(schedule.task_type)
        active = await store.active_run(work.connection, schedule)
        await store.move_on(work.connection, schedule, next_at, generation)
        event_id = tick_event_id(schedule.tenant, schedule.name, schedule.generation, schedule.next_at)
        origin = Origin(SOURCE, schedule.tenant, f"schedule:{schedule.name}", new_id=lambda: event_id)
        if active is None and definition is not None and not definition.missing_job_types:
            request_task(work, origin, Ask(definition, Targets(kind="all"), source="system"))
            await store.note_run(work.connection, schedule, event_id)
            return
        reason: SkipReason = "not_provided" if active is None else "active"
        work.emit(
            origin.event(
                TickSkipped(
                    name=schedule.name,
                    task_type=schedule.task_type,
                    due=schedule.next_at,
                    reason=reason,
                    active_task=active,
                )
            )
        )
        await store.note_skipped(work.connection, schedule, reason)
        log.info("tick_skipped", tenant=schedule.tenant, schedule=schedule.name, reason=reason)

    # --- deadlines ---------------------------------------------------------------------------------------------------

    async def ask_overdue_to_stop(self) -> None:
        """Ask runs that have gone on for longer than their schedule lets them to stop."""
        async with unit_of_work(self._database, self._publisher) as work:
            for run in await store.ask_overdue(work.connection):
                origin = Origin(SOURCE, run.tenant, f"schedule:{run.name}", correlation_id=run.task_id)
                work.emit(origin.event(_stop(run)))
                log.warning("run_overdue", task_id=str(run.task_id), schedule=run.name)


def tick_event_id(tenant: str, name: str, generation: int, due: datetime) -> UUID:
    """Return the id of the one event that a schedule's being due at ``due`` becomes.

    The time alone is not enough: where a clock went back, another generation is due at the same time again.
    """
    return uuid5(TICKS, f"{tenant} {name} {generation} {due.astimezone(UTC).isoformat()}")


def _stop(run: Overdue) -> TaskCancelRequested:
    return TaskCancelRequested(
        task_id=run.task_id,
        task_type=run.task_type,
        code="deadline_passed",
        reason=f"It went on for longer than the {run.deadline_seconds} seconds that its schedule lets it.",
    )
