"""Which basenames of a client's batch were renamed, so that the second file of a pair follows the first."""

from collections import OrderedDict
from typing import Final

_KEPT: Final = 10_000

Key = tuple[int, str, str]
"""Project, batch and the basename that the client sent."""


class RenamedBasenames:
    """The latest renames; an old batch is forgotten, and its pairs then count as separate photos."""

    def __init__(self) -> None:
        self._names: OrderedDict[Key, str] = OrderedDict()

    def get(self, project_id: int, batch: str | None, basename: str) -> str | None:
        """Return what ``basename`` became in this batch."""
        return None if batch is None else self._names.get((project_id, batch, basename))

    def put(self, project_id: int, batch: str | None, basename: str, renamed: str) -> None:
        """Note that ``basename`` became ``renamed`` in this batch."""
        if batch is None:
            return
        self._names[project_id, batch, basename] = renamed
        if len(self._names) > _KEPT:
            self._names.popitem(last=False)
