"""Clearing old reports of maintenance, line by line: the counts of a run stay, and so do its events."""

import asyncio
from datetime import timedelta
from typing import Final

from photobus_common.logging import get_logger
from photobus_common.store.database import Database
from photobus_common.store.maintenance_runs import clear_lines

CLEARING_SECONDS: Final = 3600.0
"""Between two looks for lines that are old enough."""

AT_ONCE: Final = 5000
"""Lines that one transaction deletes."""

log = get_logger()


class ReportClearing:
    """Deletes lines that are older than ``maintenance.report_days``."""

    def __init__(self, database: Database, report_days: float) -> None:
        self._database = database
        self._kept = timedelta(days=report_days)

    async def run(self) -> None:
        """Clear until cancelled."""
        while True:
            await self.clear()
            await asyncio.sleep(CLEARING_SECONDS)

    async def clear(self) -> int:
        """Delete what is old enough by now; returns how many lines."""
        cleared, some = 0, AT_ONCE
        while some == AT_ONCE:
            async with self._database.transaction() as connection:
                some = await clear_lines(connection, self._kept, AT_ONCE)
            cleared += some
        if cleared:
            log.info("reports_cleared", lines=cleared)
        return cleared
