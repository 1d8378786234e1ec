"""``python -m photobus_orchestrator.audit``: verify the system that the settings name; exit status 0, 1 or 78."""

import asyncio
import sys

from photobus_common.config import load_settings
from photobus_common.errors import ConfigurationError
from photobus_orchestrator.audit import CANNOT_CHECK, CannotAuditError, Report, keep_answers_alone, verify


def main() -> int:
    """Print the report; returns 0 when all was checked and nothing differs, 1 on differences, else 78."""
    keep_answers_alone()
    try:
        report: Report = asyncio.run(_verify())
    except (CannotAuditError, ConfigurationError) as error:
        sys.stderr.write(f"{error.public_message}\n")
        return CANNOT_CHECK
    sys.stdout.write(f"{report.text()}\n")
    return report.exit_status


async def _verify() -> Report:
    settings = load_settings()
    return await verify(settings.postgres.dsn, settings.nats)


if __name__ == "__main__":
    sys.exit(main())
