"""A process that compares one share of all tasks with the log: what to do comes by its input, the answer goes out."""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from photobus_orchestrator.audit.garbage import rarely_collected
from photobus_orchestrator.audit.projections import Share
from photobus_orchestrator.audit.report import keep_answers_alone
from photobus_orchestrator.audit.shares import Comparison, compare_share
from photobus_orchestrator.audit.snapshot import snapshot_of


async def _compare(dsn: str, snapshot: str, share: Sequence[int]) -> Comparison:
    async with snapshot_of(dsn, snapshot) as connection:
        with rarely_collected():
            return await compare_share(connection, Share(*share))


if __name__ == "__main__":
    keep_answers_alone()
    json.dump(asdict(asyncio.run(_compare(**json.load(sys.stdin)))), sys.stdout)
