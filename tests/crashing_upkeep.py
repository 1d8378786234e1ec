"""A maintenance worker in a process of its own that kills itself after a chosen number of effects of its first job.

An effect is a commit, or rows that are written and not committed. It ends by itself when its job did before that.
"""

import asyncio

from effects import Effects, was_killed, work_to_the_end
from forking import FORK_SERVER
from upkeep import upkeep

from photobus_common.config import Settings
from photobus_common.storage.library import Library
from photobus_common.worker.job import Job
from photobus_maintenance import report
from photobus_maintenance.jobs import cache_validation, regenerate_metadata


async def run_until_killed(settings: Settings, effects: int) -> bool:
    """Run the worker that kills itself after ``effects`` effects; say whether it came to that."""
    return await was_killed(await FORK_SERVER.start("crashing_upkeep", settings.model_dump_json(), str(effects)))


async def _main(settings: Settings, effects: Effects) -> None:
    for owner, name in (
        (cache_validation, "mark_missing"),
        (regenerate_metadata, "correct_metadata"),
        (report, "add_to_report"),
        (Job, "save_cursor"),
    ):
        setattr(owner, name, effects.after_rows(getattr(owner, name)))
    handlers = upkeep(settings, Library(settings.library.root))
    await work_to_the_end("maintenance", handlers, settings, effects.happened)


def main(settings: str, effects: str) -> None:
    """Be the worker."""
    asyncio.run(_main(Settings.model_validate_json(settings), Effects(int(effects))))
