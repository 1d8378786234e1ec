"""A WHERE clause put together from parts, with its parameters numbered."""

from collections.abc import Sequence
from typing import Any


class Conditions:
    """Conditions that are joined by AND; their parameters are numbered from ``first``."""

    def __init__(self, first: int = 1) -> None:
        self._first = first
        self._parts: list[str] = []
        self.params: list[Any] = []

    def add(self, sql: str, *params: Any) -> None:
        """Add ``sql``, in which each ``{}`` (or ``{n}``) stands for one of ``params``; an empty one adds nothing."""
        if not sql:
            return
        first = self._first + len(self.params)
        self._parts.append(sql.format(*(f"${first + offset}" for offset in range(len(params)))))
        self.params += params

    def add_any(self, column: str, values: Sequence[str]) -> None:
        """Let ``column`` be one of ``values``, or anything if there are none."""
        if values:
            self.add(f"{column} = ANY ({{}}::text[])", list(values))

    @property
    def sql(self) -> str:
        """The conditions, for behind WHERE."""
        return " AND ".join(self._parts)
