"""What an audit found: sections, each with what was looked at and every difference, one line each.

However many differences there are, only some are kept, so that a database that is wholly wrong can be told of, too.
"""

import json
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from photobus_common import logging
from photobus_common.config import Logging

KEPT: Final = 100
"""Differences of a section that are told; the others are counted."""

DIFFERENCES: Final = 1

CANNOT_CHECK: Final = 78
"""``EX_CONFIG`` of sysexits.h, as everywhere in photobus where something outside is not as it should be."""

LONGEST: Final = 1000
"""Characters of a line; a row may hold a megabyte."""


@dataclass
class Section:
    """One question of the audit, with what was ``seen`` on the way and what differs.

    ``unanswered`` says why it could not be answered, or is empty.
    """

    name: str
    seen: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    found: int = 0
    unanswered: str = ""

    def differ(self, line: str) -> None:
        """Take one difference."""
        self.found += 1
        if len(self.differences) < KEPT:
            self.differences.append(one_line(line))

    def differ_all(self, lines: Iterable[str]) -> None:
        """Take each of ``lines`` as a difference."""
        for line in lines:
            self.differ(line)

    async def differ_by(self, lines: AsyncIterator[str]) -> None:
        """Do the same as they come."""
        async for line in lines:
            self.differ(line)

    def absorb(self, part: "Section") -> None:
        """Take what ``part``, of the same question, has found."""
        self.found += part.found
        self.differences += part.differences[: KEPT - len(self.differences)]

    def lines(self) -> Iterator[str]:
        """Say it to a person."""
        verdict = f"{self.found} differences" if self.found else f"not checked: {self.unanswered}"
        yield f"{self.name}: {verdict if self.found or self.unanswered else 'clean'}"
        yield from (f"  {line}" for line in self.seen)
        yield from (f"  - {line}" for line in self.differences)
        if self.found > len(self.differences):
            yield f"  - and {self.found - len(self.differences)} more"
        if self.found and self.unanswered:
            yield f"  checked in part only: {self.unanswered}"

    def document(self) -> dict[str, Any]:
        """Say it to a script."""
        return {
            "name": self.name,
            "clean": not self.found and not self.unanswered,
            "found": self.found,
            "differences": self.differences,
            "seen": self.seen,
            "unanswered": self.unanswered or None,
        }


@dataclass
class Report:
    """All sections of an audit."""

    sections: list[Section] = field(default_factory=list)

    def section(self, name: str) -> Section:
        """Begin the next one."""
        self.sections.append(Section(name))
        return self.sections[-1]

    @property
    def found(self) -> int:
        """Number of differences."""
        return sum(section.found for section in self.sections)

    @property
    def whole(self) -> bool:
        """Whether all that was asked for could be checked."""
        return not any(section.unanswered for section in self.sections)

    @property
    def exit_status(self) -> int:
        """0: all was checked and nothing differs. 1: something does. 78: not all could be checked."""
        if self.found:
            return DIFFERENCES
        return 0 if self.whole else CANNOT_CHECK

    def text(self) -> str:
        """Say it to a person, a line each."""
        lines = [line for section in self.sections for line in section.lines()]
        return "\n".join([*lines, self.verdict])

    @property
    def verdict(self) -> str:
        """Say it in one line."""
        if self.found:
            return f"{self.found} differences."
        return "No difference." if self.whole else "No difference was seen, but not all could be checked."

    def json(self) -> str:
        """Say it to a script."""
        document = {"clean": self.exit_status == 0, "found": self.found}
        return json.dumps(document | {"sections": [one.document() for one in self.sections]}, indent=2)


def keep_answers_alone() -> None:
    """Let what is logged go to standard error, and only from warnings on: standard output is for what was asked."""
    logging.configure(Logging(level="warning", format="console"), "audit", sys.stderr)


def one_line(text: str) -> str:
    """Return ``text`` with nothing in it that a terminal would obey, and no longer than a line may be."""
    plain = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]} …"
