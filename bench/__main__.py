"""``python -m bench [PART …]``: run the named measurements, or all of them."""

import asyncio
import importlib
import sys
from typing import Final

from bench.report import machine

PARTS: Final = (
    *("derivatives", "tasks", "fairness", "sse", "pages", "uploads", "library", "moves", "maintenance"),
    *("history", "replay", "log_cost", "web_grid"),
)


def main() -> None:
    """Run what the command line names."""
    parts = sys.argv[1:] or PARTS
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        sys.exit(f"There is no measurement {', '.join(unknown)}; there are {', '.join(PARTS)}.")
    print(f"On {machine()}")
    for part in parts:
        asyncio.run(importlib.import_module(f"bench.{part}").main())


if __name__ == "__main__":
    main()
