"""``photobus audit`` as a script sees it: what it prints, what it writes, and its exit status."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from auditing import address, archive, execute, publish
from running_stack import PHOTOBUS

from photobus_common.bus.connection import Broker
from photobus_common.config import Settings
from photobus_common.store.database import Database
from photobus_orchestrator.audit import replay


async def photobus(*arguments: str) -> tuple[int, str, str]:
    """Return exit status, output and errors of ``photobus audit``."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*PHOTOBUS, "audit", *arguments, stdout=pipe, stderr=pipe)
    out, errors = await process.communicate()
    return process.returncode or 0, out.decode(), errors.decode()


async def test_a_log_is_checked_taken_out_and_put_back(
    database: Database, settings: Settings, clones: Any, postgres_server: Any, tmp_path: Path
) -> None:
    await archive(database)
    here, file = f"--dsn={settings.postgres.dsn}", tmp_path / "log.jsonl"
    status, out, errors = await photobus("verify", "--without-stream", here)
    assert (status, errors, out.splitlines()[-1]) == (0, "", "No difference.")
    status, out, _ = await photobus("export", "--with-positions", "--output", str(file), here)
    assert (status, out) == (0, "11 events.\n")
    lines = file.read_bytes().splitlines()
    assert [json.loads(line)["event"]["specversion"] for line in lines[:-1]] == ["1.0"] * 11
    name = await clones.take()
    status, out, errors = await photobus("import", str(file), f"--dsn={postgres_server.dsn_of(name)}")
    assert (status, out, errors) == (0, "11 events, up to 11; 9 rows of tasks and jobs.\n", "")
    clones.give_back(name)


async def test_differences_are_told_by_the_exit_status_and_mended(
    database: Database, broker: Broker, settings: Settings
) -> None:
    await archive(database)
    await publish(broker, database)
    here = f"--dsn={settings.postgres.dsn}"
    await execute(database, "UPDATE tasks SET label = E'a\\nb' WHERE status = 'completed'")
    status, out, errors = await photobus("verify", f"--nats={address(settings)}", "--json", here)
    (section,) = [one for one in json.loads(out)["sections"] if not one["clean"]]
    assert (status, errors, section["name"], section["found"]) == (1, "", "tasks and jobs", 1)
    assert section["differences"][0].endswith(r"label is 'a\nb', by the log 'A task'")
    assert await photobus("replay", "--swap", here) == (0, "2 rows were taken out or written.\n", "")
    assert await replay(settings.postgres.dsn) == []


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("verify", "--without-stream", "--dsn", "postgresql://nobody@127.0.0.1:1/none"), 78, "cannot be opened"),
        (("export", "--from", "noon", "--dsn", "x"), 1, "--from: 'noon' is neither a sequence of the log nor a time"),
    ],
)
async def test_what_is_wrong_is_one_line(arguments: tuple[str, ...], status: int, words: str) -> None:
    code, out, errors = await photobus(*arguments)
    assert (code, out, errors.count("\n")) == (status, "", 1)
    assert words in errors
