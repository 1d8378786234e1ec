"""Taking commands: by priority, without waiting, each for one slot, and none lost over kills of the broker."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from uuid import UUID

import pytest
from bus_traffic import BOTH_LANES, PRIORITY_LANE, make_command, until

from photobus_common.bus import intake as intake_module
from photobus_common.bus.connection import Broker
from photobus_common.bus.intake import CommandMessage, Intake
from photobus_common.bus.jetstream import request
from photobus_common.bus.provisioning import provision
from photobus_common.bus.pulls import PullSource
from photobus_common.commands import RunJob
from photobus_common.config import Settings
from photobus_common.subjects import COMMAND_STREAMS, Lane, command_consumer
from photobus_local.nats import EmbeddedNats

JOB_TYPES = ("upload_postprocess", "generate_derivatives")


@pytest.fixture
async def intake(broker: Broker) -> AsyncIterator[Intake]:
    opened = Intake(broker, JOB_TYPES)
    yield opened
    await opened.close()


@pytest.fixture
async def other_intake(settings: Settings, broker: Broker) -> AsyncIterator[Intake]:
    """The intake of another process."""
    connection = await Broker.open(settings.nats, "other")
    opened = Intake(connection, JOB_TYPES)
    yield opened
    await opened.close()
    await connection.close()


async def _send(broker: Broker, *commands: RunJob) -> None:
    for command in commands:
        await broker.client.jetstream().publish(command.subject, command.encode())


async def _pending(broker: Broker, command: RunJob) -> int:
    """Return how many commands the consumer of ``command`` knows of; it hears of them after who sent them."""
    stream, consumer = COMMAND_STREAMS[command.lane], command_consumer(command.lane, command.job_type)
    info = await request(broker, f"CONSUMER.INFO.{stream}.{consumer}")
    return int(info["num_pending"])


async def _next(intake: Intake, lanes: frozenset[Lane] = BOTH_LANES) -> CommandMessage:
    message = await intake.next(lanes, 20)
    assert message is not None
    return message


async def _left(broker: Broker) -> int:
    """Return how many commands are in both lanes, in whatever state."""
    streams = [await request(broker, f"STREAM.INFO.{name}") for name in ("COMMANDS_PRIORITY", "COMMANDS_NORMAL")]
    return sum(stream["state"]["messages"] for stream in streams)


def _lingers(intake: Intake) -> bool:
    return all(source._request is not None for source in intake._sources.values())


async def _is_empty(broker: Broker) -> bool:
    return await _left(broker) == 0


async def test_the_highest_priority_comes_first(broker: Broker, intake: Intake) -> None:
    normal = make_command("upload_postprocess", "normal")
    second = make_command("generate_derivatives", "priority")
    first = make_command("upload_postprocess", "priority")
    await _send(broker, normal, second, first)
    for command in (normal, second, first):
        await until(partial(_pending, broker, command))
    taken = [(await _next(intake)).command for _ in range(3)]
    assert taken == [first, second, normal]


async def test_a_slot_of_the_priority_lane_takes_nothing_else(broker: Broker, intake: Intake) -> None:
    normal, urgent = make_command(lane="normal"), make_command(lane="priority")
    await _send(broker, normal)
    waiting = asyncio.create_task(_next(intake, PRIORITY_LANE))
    assert (await _next(intake)).command == normal
    assert not waiting.done()
    await _send(broker, urgent)
    assert (await waiting).command == urgent


async def test_an_urgent_command_goes_to_the_slot_that_may_take_nothing_else(broker: Broker, intake: Intake) -> None:
    general = asyncio.create_task(_next(intake))
    urgent_only = asyncio.create_task(_next(intake, PRIORITY_LANE))
    await _send(broker, make_command(lane="priority"))
    await urgent_only
    assert not general.done()
    await _send(broker, make_command(lane="normal"))
    await general


async def test_waiting_slots_get_what_comes_later_each_its_own(broker: Broker, intake: Intake) -> None:
    slots = [asyncio.create_task(_next(intake)) for _ in range(8)]
    commands = [make_command(job_type, lane) for job_type in JOB_TYPES for lane in ("priority", "normal")] * 2
    commands = [command.model_copy(update={"job_id": make_command().job_id}) for command in commands]
    await _send(broker, *commands)
    taken = [(await slot).command.job_id for slot in slots]
    assert Counter(taken) == Counter(command.job_id for command in commands)


async def test_nothing_comes_within_the_time(intake: Intake) -> None:
    assert await intake.next(BOTH_LANES, 0.05) is None


async def test_an_acknowledged_command_is_gone(broker: Broker, intake: Intake) -> None:
    await _send(broker, make_command())
    await (await _next(intake)).ack()
    await until(partial(_is_empty, broker))


async def test_a_command_given_back_comes_again_and_says_so(broker: Broker, intake: Intake) -> None:
    command = make_command()
    await _send(broker, command)
    first = await _next(intake)
    assert first.num_delivered == 1
    await first.nak()
    second = await _next(intake)
    assert (second.command, second.num_delivered) == (command, 2)
    await second.nak(delay_s=0.2)
    third = await _next(intake)
    assert (third.command, third.num_delivered) == (command, 3)
    assert third.published_at == first.published_at


async def test_a_command_that_no_slot_is_free_for_goes_to_another_process(
    broker: Broker, intake: Intake, other_intake: Intake
) -> None:
    commands = [make_command(job_type, lane) for job_type in JOB_TYPES for lane in ("priority", "normal")]
    only_slot = asyncio.create_task(_next(intake))
    await until(partial(_lingers, intake))
    await _send(broker, *commands)
    taken = [await only_slot]
    async with asyncio.timeout(10):  # far less than a lease
        while len(taken) < len(commands):
            taken.append(await _next(other_intake))
    assert Counter(message.command.job_id for message in taken) == Counter(command.job_id for command in commands)


async def test_a_command_that_came_for_a_cancelled_slot_is_not_lost(
    broker: Broker, intake: Intake, other_intake: Intake
) -> None:
    command = make_command()
    slot = asyncio.create_task(intake.next(BOTH_LANES))
    await until(lambda: len(intake._waiters) == 1)
    # In the moment of the delivery, before the slot runs again:
    intake._waiters[0].future.add_done_callback(lambda _: slot.cancel())
    await _send(broker, command)
    await asyncio.gather(slot, return_exceptions=True)
    assert slot.cancelled()
    async with asyncio.timeout(10):
        assert (await _next(other_intake)).command == command


async def test_the_next_question_finds_what_came_in_between(
    broker: Broker, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "SPARE_SECONDS", 20.0)
    slot = asyncio.create_task(_next(intake))
    await until(partial(_lingers, intake))
    first, second = make_command(lane="priority"), make_command(lane="normal")
    await _send(broker, first)
    taken = [await slot]
    await _send(broker, second)
    await until(lambda: len(intake._spare) == 1)
    taken.append(await _next(intake))
    assert [message.command for message in taken] == [first, second]
    assert taken[1].num_delivered == 1


async def test_closing_wakes_the_slots_and_leaves_commands_to_others(broker: Broker, other_intake: Intake) -> None:
    closing = Intake(broker, JOB_TYPES)
    slots = [asyncio.create_task(closing.next(BOTH_LANES)) for _ in range(3)]
    await until(partial(_lingers, closing))
    await closing.close()
    assert await asyncio.gather(*slots) == [None, None, None]
    assert await closing.next(BOTH_LANES) is None

    command = make_command()
    await _send(broker, command)
    taken = await _next(other_intake)
    assert (taken.command, taken.num_delivered) == (command, 1)


async def test_what_is_no_command_is_ended(broker: Broker, intake: Intake) -> None:
    command = make_command()
    await broker.client.jetstream().publish(command.subject, b'{"not": "a command"}')
    await _send(broker, command)
    message = await _next(intake)
    assert message.command == command
    await message.ack()
    await until(partial(_is_empty, broker))


async def test_what_ends_the_intake_is_told_to_who_waits(
    broker: Broker, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_args: object) -> None:
        raise RuntimeError("the handler is closed")

    monkeypatch.setattr(PullSource, "probe", broken)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="closed"):
            await intake.next(BOTH_LANES, 20)


async def test_a_missing_consumer_is_waited_for(broker: Broker, settings: Settings, intake: Intake) -> None:
    for name in ("COMMANDS_PRIORITY", "COMMANDS_NORMAL"):
        await request(broker, f"STREAM.DELETE.{name}")
    slot = asyncio.create_task(_next(intake))
    await until(lambda: any(source._failures for source in intake._sources.values()))
    await provision(broker, settings, archived_seq=0)
    command = make_command()
    await _send(broker, command)
    assert (await slot).command == command


async def test_a_consumer_deleted_under_a_waiting_slot_is_waited_for(
    broker: Broker, settings: Settings, intake: Intake
) -> None:
    slot = asyncio.create_task(_next(intake))
    await until(partial(_lingers, intake))
    await request(broker, "CONSUMER.DELETE.COMMANDS_PRIORITY.priority-generate_derivatives")
    await provision(broker, settings, archived_seq=0)
    command = make_command()
    await _send(broker, command)
    assert (await slot).command == command


async def test_a_killed_broker_neither_loses_a_command_nor_keeps_a_slot_waiting(
    own_nats: EmbeddedNats, own_broker: Broker
) -> None:
    commands = [make_command(job_type, "normal") for job_type in JOB_TYPES for _ in range(150)]
    await _send(own_broker, *commands)
    intake = Intake(own_broker, JOB_TYPES)
    done: Counter[UUID] = Counter()

    async def slot() -> None:
        while (message := await intake.next(BOTH_LANES)) is not None:
            done[message.command.job_id] += 1
            await message.ack()

    slots = [asyncio.create_task(slot()) for _ in range(4)]
    for threshold in (30, 120, len(commands)):
        await until(partial(_has_done, done, threshold))
        await own_nats.kill()
        await own_nats.start()
    urgent = make_command()
    await own_broker.wait_connected()
    await _send(own_broker, urgent)
    await until(lambda: done[urgent.job_id])
    await until(partial(_is_empty, own_broker))
    await intake.close()
    await asyncio.gather(*slots)
    assert set(done) == {command.job_id for command in (*commands, urgent)}


def _has_done(done: Counter[UUID], count: int) -> bool:
    return len(done) >= count


async def test_a_lease_that_nobody_renews_ends(own_broker: Broker) -> None:
    intake = Intake(own_broker, JOB_TYPES)
    command = make_command()
    await _send(own_broker, command)
    first = await _next(intake)
    again = await _next(intake)
    assert (again.command, again.num_delivered) == (first.command, 2)
    await again.ack()
    await intake.close()


async def test_a_client_that_was_replaced_is_no_reason_to_stop(own_broker: Broker) -> None:
    intake = Intake(own_broker, JOB_TYPES)
    slot = asyncio.create_task(_next(intake))
    await until(partial(_lingers, intake))
    old = own_broker.client
    await old.close()
    await until(lambda: own_broker.connected and own_broker.client is not old)
    command = make_command()
    await _send(own_broker, command)
    assert (await slot).command == command
    await intake.close()
