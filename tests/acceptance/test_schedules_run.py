"""Schedules on the whole system: they run what they should, and all is as it was set after everything was killed."""

import asyncio
import json

import pytest
from command_line import CommandLine
from running_stack import RunningStack
from shoot import LONG

from photobus_client import PhotobusClient, Schedule

pytestmark = [pytest.mark.stack, pytest.mark.stack_settings(PHOTOBUS_SCHEDULES__LEAST_SECONDS="1")]

NAME = "integrity_check"


async def schedule(photobus: PhotobusClient) -> Schedule:
    """How it stands."""
    return next(one for one in await photobus.schedules.list() if one.name == NAME)


async def until_another_run(photobus: PhotobusClient) -> Schedule:
    """Wait until it has started another task, and that has come to a good end."""
    before = (await schedule(photobus)).last_run
    async with asyncio.timeout(LONG):
        while True:
            now = await schedule(photobus)
            another = now.last_run and (before is None or now.last_run.task_id != before.task_id)
            if another and now.last_run and now.last_run.status == "completed":
                return now
            await asyncio.sleep(0.1)


async def test_what_is_set_runs_and_survives_that_everything_is_killed(own_stack: RunningStack) -> None:
    command = CommandLine(own_stack)
    async with own_stack.client() as photobus:
        listed = await command.json("schedules", "list")
        assert {one["every_seconds"] for one in listed} == {604_800}
        status, out, errors = await command("schedules", "set", NAME, "--every", "1s", "--deadline", "1h")
        assert (status, errors) == (0, "")
        assert "every 1s" in out
        run = (await until_another_run(photobus)).last_run
        assert run is not None
        task = await photobus.task(run.task_id)
        assert (task.type, task.source) == (NAME, "system")

    await own_stack.kill_all()
    await own_stack.start()
    command = CommandLine(own_stack)
    async with own_stack.client() as photobus:
        again = await until_another_run(photobus)
        assert (again.every_seconds, again.deadline_seconds) == (1, 3600)
        off = json.loads((await command("schedules", "set", NAME, "--disable", "--json"))[1])
        assert (off["enabled"], off["next_run_at"]) == (False, None)
        assert (await command("audit", "replay"))[0] == 0
