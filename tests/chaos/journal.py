"""What was asked, answered and broken, and when: lines of JSON, so that a dead campaign can be judged too.

It knows nothing of photobus. Every line has its number ``n``, the time ``at`` (of ``time.time()``) and a word ``what``;
the rest depends on the word:

| word | facts |
|---|---|
| ``campaign`` | how the campaign was started |
| ``phase`` | ``name`` of what begins |
| ``asked`` | ``op`` (an id), ``owner``, ``kind``, and what the operation is about |
| ``unanswered`` | ``op``, ``why``: an attempt whose outcome is not known; it is asked again |
| ``answered`` | ``op``, ``status`` of HTTP, ``answer`` |
| ``given_up`` | ``op``: what came of it never became known |
| ``ended`` | ``task``, ``status``: a task that the API said has ended |
| ``listening`` | ``follower``, ``seq``: where live updates begin; ``reset``: for want of what was before |
| ``told`` | ``follower``, ``messages``: each ``[id, name, digest]`` |
| ``fault`` | ``kind``, ``victim``, ``begin``, ``end`` |
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self


class Entry(NamedTuple):
    """One line."""

    n: int
    at: float
    what: str
    facts: dict[str, Any]


class Journal:
    """Appends to the file at ``path``; each line is handed to the system at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", encoding="utf-8")
        self._n = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, what: str, **facts: Any) -> None:
        """Add a line."""
        self._n += 1
        self._file.write(json.dumps({"n": self._n, "at": time.time(), "what": what, **facts}) + "\n")
        self._file.flush()

    def fault(self, kind: str, victim: str, begin: float, end: float) -> None:
        """Keep one fault that is over."""
        self.write("fault", kind=kind, victim=victim, begin=begin, end=end)


def read(path: Path) -> Iterator[Entry]:
    """Yield the lines in order; the last one may have been cut off with its writer."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            if not line.endswith("\n"):
                return
            facts = json.loads(line)
            yield Entry(facts.pop("n"), facts.pop("at"), facts.pop("what"), facts)
