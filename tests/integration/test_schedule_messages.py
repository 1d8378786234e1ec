"""Message schedules at a real broker: what is set is there and known again, and cron is read there as it is here."""

import json
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from bus_traffic import until
from scheduling import NAME, TENANT, Timetable

from photobus_common.bus import schedules as bus
from photobus_common.bus.connection import Broker
from photobus_common.bus.jetstream import JetStreamError, request
from photobus_common.bus.schedules import Plan, Tick
from photobus_common.cron import Cron, CronError
from photobus_common.store.database import Database
from photobus_common.subjects import SCHEDULES_STREAM

PLAN = Plan(TENANT, NAME, "@every 3600s", 3)
BOUNDS = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


async def test_what_is_set_is_known_again_and_nothing_else_is(broker: Broker) -> None:
    assert not await bus.is_stored(broker, PLAN)
    await bus.publish(broker, PLAN)
    assert await bus.is_stored(broker, PLAN)
    for other in (Plan(TENANT, NAME, "@every 60s", 3), Plan(TENANT, NAME, "@every 3600s", 4)):
        assert not await bus.is_stored(broker, other)
    assert await bus.stored_subjects(broker) == {PLAN.subject}
    await bus.end(broker, PLAN.subject)
    assert await bus.stored_subjects(broker) == set()
    await bus.end(broker, PLAN.subject)


async def test_a_tick_says_whose_it_is_and_comes_again_until_it_is_acknowledged(
    broker: Broker, database: Database
) -> None:
    assert await bus.next_tick(broker) is None
    await Timetable(database, broker).tick(7)
    tick = await bus.next_tick(broker)
    assert isinstance(tick, Tick)
    assert (tick.tenant, tick.name, tick.generation) == (TENANT, NAME, 7)
    assert tick.next_at > datetime.now(UTC) + timedelta(days=300)
    assert await bus.waiting_ticks(broker) == (0, 1)
    await bus.acknowledge(broker, tick)

    async def none_waits() -> bool:
        return not any(await bus.waiting_ticks(broker))

    await until(none_waits)


async def test_what_is_no_tick_is_ended(broker: Broker) -> None:
    await broker.client.jetstream().publish("schedule.tick.user_0.folder_discovery", b"anything")
    assert await bus.next_tick(broker) is None
    await until(lambda: nothing_waits(broker))


async def nothing_waits(broker: Broker) -> bool:
    """Whether no tick is on its way."""
    return not any(await bus.waiting_ticks(broker))


async def test_a_consumer_that_is_gone_is_an_error(broker: Broker) -> None:
    await request(broker, f"CONSUMER.DELETE.{SCHEDULES_STREAM}.ticks")
    with pytest.raises(JetStreamError):
        await bus.next_tick(broker)
    await request(broker, f"STREAM.DELETE.{SCHEDULES_STREAM}")
    with pytest.raises(JetStreamError):
        await bus.publish(broker, PLAN)


async def test_the_broker_takes_every_expression_that_is_taken_here(broker: Broker) -> None:
    dice = Random(8)
    taken = 0
    for _ in range(300):
        expression = " ".join(_field(dice, least, most) for least, most in BOUNDS)
        try:
            Cron.parse(expression)
        except CronError:
            continue
        taken += 1
        await bus.publish(broker, Plan(TENANT, NAME, expression, 1))
    assert taken > 100


@pytest.mark.parametrize("expression", ["0 0 0 31 2 *", "60 * * * * *", "* * * * *", "* * * * * 7"])
async def test_what_it_refuses_is_refused_here_too(broker: Broker, expression: str) -> None:
    with pytest.raises(CronError):
        Cron.parse(expression)
    with pytest.raises(JetStreamError, match="pattern is invalid"):
        await bus.publish(broker, Plan(TENANT, NAME, expression, 1))


async def test_both_know_the_same_next_time(broker: Broker, database: Database) -> None:
    """Of expressions that come at the next second, the broker says when they come after that."""
    dice = Random(4)
    for _ in range(8):
        moment = datetime.now(UTC) + timedelta(seconds=2)
        rest = [_field(dice, *bounds) for bounds in BOUNDS]
        fields = [f"{now},{field}" for now, field in zip(_fields_of(moment), rest, strict=True)]
        timetable = Timetable(database, broker)
        await timetable.tick(1, f"{moment.second} {' '.join(fields[1:])}")
        tick = await bus.next_tick(broker)
        assert tick is not None
        await bus.acknowledge(broker, tick)
        due = moment.replace(microsecond=0)
        assert tick.next_at == Cron.parse(f"{moment.second} {' '.join(fields[1:])}").after(due), json.dumps(fields)


def _fields_of(moment: datetime) -> tuple[int, ...]:
    return (moment.second, moment.minute, moment.hour, moment.day, moment.month, moment.isoweekday() % 7)


def _field(dice: Random, least: int, most: int) -> str:
    first, last = sorted((dice.randint(least, most), dice.randint(least, most)))
    forms = ("*", str(first), f"{first}-{last}", f"*/{last or 1}", f"{first}/{last or 1}", f"{first}-{last}/2")
    return ",".join(dice.sample(forms, dice.choice((1, 1, 1, 2))))
