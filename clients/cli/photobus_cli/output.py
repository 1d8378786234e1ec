"""How lists and times look on the terminal, and as JSON for scripts."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

WIDEST: Final = 1000

STYLES: Final = {
    "completed": "green",
    "completed_with_errors": "yellow",
    "failed": "red",
    "canceled": "dim",
    "running": "cyan",
    "retrying": "yellow",
}


def print_json(models: BaseModel | Sequence[BaseModel]) -> None:
    """Write what was answered, for scripts."""
    plain = (
        models.model_dump(mode="json") if isinstance(models, BaseModel) else [m.model_dump(mode="json") for m in models]
    )
    sys.stdout.write(json.dumps(plain, indent=2, ensure_ascii=False) + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table as wide as it is: nothing is cut, so that ids can be copied and lines be searched."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=True)
    for row in rows:
        table.add_row(*row)
    Console(width=WIDEST).print(table)


def status(word: str) -> str:
    """Colour a status."""
    style = STYLES.get(word)
    return f"[{style}]{word}[/{style}]" if style else word


def age(moment: datetime) -> str:
    """Say how long ago ``moment`` was."""
    seconds = int((datetime.now(UTC) - moment).total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return f"{max(seconds, 0)} s ago"
