"""How lists and times look on the terminal, and as JSON for scripts."""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final
from unicodedata import category

from pydantic import BaseModel
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

WIDEST: Final = 1_000_000
"""Columns of a terminal that would cut no line."""

_C1: Final = re.compile("[\x7f-\x9f]")
_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Signs that turn the direction of what stands beside them, so that one name looks like another."""

STYLES: Final = {
    "completed": "green",
    "completed_with_errors": "yellow",
    "failed": "red",
    "canceled": "dim",
    "running": "cyan",
    "retrying": "yellow",
    "waiting": "magenta",
    "open": "magenta",
    "confirmed": "green",
    "refused": "yellow",
    "expired": "dim",
}


def print_json(models: BaseModel | Sequence[BaseModel]) -> None:
    """Write what was answered, for scripts; nothing in it moves the cursor where a person looks at it after all."""
    plain = (
        models.model_dump(mode="json") if isinstance(models, BaseModel) else [m.model_dump(mode="json") for m in models]
    )
    text = json.dumps(plain, indent=2, ensure_ascii=False)
    sys.stdout.write(_C1.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """Write a table as wide as it is: nothing is cut, so that ids can be copied and lines be searched.

    A cell says what it says: names are chosen by others, and none is markup or moves the cursor.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=True)
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(printable(cell)) for cell in row))
    Console(width=WIDEST).print(table)


def status(word: str) -> Text:
    """Colour a status."""
    return Text(printable(word), STYLES.get(word, ""))


def printable(text: str) -> str:
    """Replace what a terminal would obey, or could not encode, rather than show."""
    return "".join("\N{REPLACEMENT CHARACTER}" if _obeyed(sign) else sign for sign in text)


def _obeyed(sign: str) -> bool:
    return sign in _TURNING or category(sign) in {"Cc", "Cs"}


def age(moment: datetime) -> str:
    """Say how long ago ``moment`` was."""
    seconds = int((datetime.now(UTC) - moment).total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return f"{max(seconds, 0)} s ago"


def progress_bar(*columns: ProgressColumn, hidden: bool = False) -> Progress:
    """Make a bar with a description, and ``columns`` behind it."""
    return Progress(TextColumn("{task.description}", markup=False), BarColumn(), *columns, disable=hidden)
