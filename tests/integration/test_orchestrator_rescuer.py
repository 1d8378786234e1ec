"""The rescuer takes a job for lost only when it has neither claim, nor result under way, nor command anywhere."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from folding import LeftInOutbox, Log
from orchestration import Narrator

from photobus_common.bus.connection import Broker
from photobus_common.commands import RunJob
from photobus_common.config import Pipeline, Settings
from photobus_common.events import decode
from photobus_common.events.tasks import JobLost
from photobus_common.store.claims import ClaimRequest, SettledState, Settlement, settle_claims, take_claims
from photobus_common.store.database import Database
from photobus_common.subjects import COMMAND_STREAMS
from photobus_orchestrator.rescuer import Rescuer

AN_HOUR_AGO = "UPDATE jobs SET dispatched_at = now() - interval '1 hour'"
SILENT = "UPDATE job_claims SET heartbeat_at = now() - interval '1 hour'"
EVENTS = "SELECT payload FROM outbox WHERE kind = 'event'"
COMMANDS = "SELECT payload FROM outbox WHERE kind = 'command' ORDER BY created_at"


@pytest.fixture
def rescuer(database: Database, broker: Broker, settings: Settings) -> Rescuer:
    return Rescuer(database, broker, LeftInOutbox(), settings)


@pytest.fixture
def log(database: Database) -> Log:
    return Log(database)


async def commanded(log: Log, task: Narrator | None = None) -> RunJob:
    """Make a job that was dispatched an hour ago, and take its command out of the outbox."""
    await log.fold((task or Narrator()).requested(1))
    async with log.database.transaction() as connection:
        await connection.execute(AN_HOUR_AGO)
        rows = await connection.fetch(COMMANDS)
        await connection.execute("DELETE FROM outbox WHERE kind = 'command'")
    return RunJob.model_validate_json(rows[-1]["payload"])


async def publish(broker: Broker, command: RunJob) -> int:
    """Put the command into its stream; return its sequence."""
    ack = await broker.client.jetstream().publish(command.subject, command.encode())
    return int(ack.seq)


async def claim(database: Database, command: RunJob, state: SettledState | None = None) -> None:
    """Let a worker take the job, and leave it in ``state``."""
    holder = uuid4()
    async with database.transaction() as connection:
        request = ClaimRequest(command.job_id, command.attempt, command.dispatch, holder, "worker")
        answers = await take_claims(connection, [request], 30)
        assert answers[command.job_id].verdict == "granted"
        if state is not None:
            await settle_claims(connection, [Settlement(command.job_id, holder, state)])


async def execute(database: Database, statement: str) -> None:
    async with database.transaction() as connection:
        await connection.execute(statement)


async def lost(database: Database) -> list[tuple[int, int]]:
    """Return attempt and dispatch of the jobs that were said to be lost."""
    async with database.connection() as connection:
        events = [decode(row["payload"]) for row in await connection.fetch(EVENTS)]
    return [(event.data.attempt, event.data.dispatch) for event in events if isinstance(event.data, JobLost)]


async def test_a_job_without_claim_and_message_is_lost(log: Log, rescuer: Rescuer) -> None:
    await commanded(log)
    assert await rescuer.rescue() == 1
    assert await lost(log.database) == [(1, 1)]


async def test_a_lost_dispatch_is_reported_once_and_the_next_one_again(log: Log, rescuer: Rescuer) -> None:
    task = Narrator()
    await commanded(log, task)
    assert [await rescuer.rescue(), await rescuer.rescue()] == [1, 0]
    await log.fold(task.lost(1, 1))
    await execute(log.database, AN_HOUR_AGO)
    await execute(log.database, "DELETE FROM outbox WHERE kind = 'command'")
    assert await rescuer.rescue() == 1
    assert await lost(log.database) == [(1, 1), (1, 2)]


async def test_a_job_whose_command_waits_in_the_stream_is_not_lost(log: Log, rescuer: Rescuer, broker: Broker) -> None:
    await publish(broker, await commanded(log))
    assert [await rescuer.rescue(), await rescuer.rescue()] == [0, 0]


async def test_a_job_is_lost_once_the_oldest_message_of_its_subject_is_younger(
    log: Log, rescuer: Rescuer, broker: Broker
) -> None:
    command = await commanded(log)
    another = await publish(broker, command.model_copy(update={"job_id": uuid4()}))
    assert await rescuer.rescue() == 0
    await publish(broker, command.model_copy(update={"job_id": uuid4()}))
    assert await rescuer.rescue() == 0
    await broker.client.jetstream().delete_msg(COMMAND_STREAMS["priority"], another)
    assert await rescuer.rescue() == 1


async def test_messages_of_other_subjects_say_nothing(log: Log, rescuer: Rescuer, broker: Broker) -> None:
    command = await commanded(log)
    await publish(broker, command.model_copy(update={"job_type": "upload_postprocess"}))
    assert await rescuer.rescue() == 1


async def test_a_stream_that_was_made_anew_counts_from_its_own_beginning(
    log: Log, rescuer: Rescuer, broker: Broker
) -> None:
    command = await commanded(log)
    other = command.model_copy(update={"job_id": uuid4()})
    for _ in range(5):
        await publish(broker, other)
    assert await rescuer.rescue() == 0
    jetstream = broker.client.jetstream()
    definition = (await jetstream.stream_info(COMMAND_STREAMS["priority"])).config
    await jetstream.delete_stream(COMMAND_STREAMS["priority"])
    await jetstream.add_stream(definition)
    await publish(broker, other)
    assert await rescuer.rescue() == 0
    await publish(broker, other)
    await jetstream.delete_msg(COMMAND_STREAMS["priority"], 1)
    assert await rescuer.rescue() == 1


async def test_a_job_whose_command_is_in_the_outbox_is_not_lost(log: Log, rescuer: Rescuer) -> None:
    await log.fold(Narrator().requested(1))
    await execute(log.database, AN_HOUR_AGO)
    assert await rescuer.rescue() == 0


async def test_a_job_dispatched_just_now_is_not_looked_at(log: Log, rescuer: Rescuer) -> None:
    await log.fold(Narrator(start=datetime.now(UTC)).requested(1))
    await execute(log.database, "DELETE FROM outbox WHERE kind = 'command'")
    assert await rescuer.rescue() == 0


async def test_a_job_in_the_hands_of_a_worker_is_not_lost_until_it_falls_silent(log: Log, rescuer: Rescuer) -> None:
    await claim(log.database, await commanded(log))
    assert await rescuer.rescue() == 0
    await execute(log.database, SILENT)
    assert await rescuer.rescue() == 1


@pytest.mark.parametrize("state", ["completed", "failed"])
async def test_a_job_whose_result_is_under_way_is_not_lost(log: Log, rescuer: Rescuer, state: SettledState) -> None:
    await claim(log.database, await commanded(log), state)
    await execute(log.database, SILENT)
    assert await rescuer.rescue() == 0


async def test_a_job_that_was_handed_back_and_has_no_message_is_lost(log: Log, rescuer: Rescuer) -> None:
    await claim(log.database, await commanded(log), "released")
    assert await rescuer.rescue() == 1


async def test_the_claim_of_an_earlier_attempt_keeps_no_later_one(log: Log, rescuer: Rescuer) -> None:
    task = Narrator()
    await claim(log.database, await commanded(log, task), "failed")
    await log.fold(task.fault())
    await execute(log.database, AN_HOUR_AGO)
    await execute(log.database, "DELETE FROM outbox WHERE kind = 'command'")
    assert await rescuer.rescue() == 1
    assert await lost(log.database) == [(2, 1)]


async def test_an_ended_job_is_not_lost(log: Log, rescuer: Rescuer) -> None:
    task = Narrator()
    await commanded(log, task)
    await log.fold(task.completed())
    assert await rescuer.rescue() == 0


async def test_the_waiting_time_is_the_configured_one(
    log: Log, database: Database, broker: Broker, settings: Settings
) -> None:
    patient = settings.model_copy(update={"pipeline": Pipeline(rescue_after_seconds=7200)})
    await commanded(log)
    assert await Rescuer(database, broker, LeftInOutbox(), patient).rescue() == 0


async def test_a_job_that_waits_for_a_person_is_not_lost(log: Log, rescuer: Rescuer) -> None:
    task = Narrator()
    command = await commanded(log, task)
    await claim(log.database, command, "released")
    await log.fold(task.waiting())
    assert await rescuer.rescue() == 0
    await log.fold(task.answered())
    await execute(log.database, AN_HOUR_AGO)
    await execute(log.database, "DELETE FROM outbox WHERE kind = 'command'")
    assert await rescuer.rescue() == 1
    assert await lost(log.database) == [(1, 2)]
