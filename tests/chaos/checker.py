"""The judge: it knows what was asked and answered, looks at the disk, the rows and the log, and trusts nobody."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chaos import rules_of_files, rules_of_live_updates, rules_of_the_log
from chaos.evidence import Evidence, gather
from chaos.expectation import Expectation, operations
from chaos.followers import Told
from chaos.journal import Entry
from photobus_orchestrator.audit import server_at, verify


@dataclass(frozen=True)
class Violation:
    """Something that must not be: by which check, at which look, and the evidence in one line."""

    check: str
    when: str
    evidence: str

    def __str__(self) -> str:
        return f"{self.check}, {self.when}: {self.evidence}"


@dataclass(frozen=True)
class Whereabouts:
    """Where the judge looks: database, broker (several addresses are separated by commas), the user's library."""

    dsn: str
    nats_url: str
    library: Path


async def judge(
    entries: Sequence[Entry], where: Whereabouts, when: str, *, all_made: bool
) -> tuple[list[Violation], Evidence]:
    """Hold the disk, the rows and the log against the journal; ``all_made``: all derivatives were asked for since."""
    found = await gather(where.dsn, where.library)
    expected = Expectation(found).fold(operations(entries))
    checks: tuple[tuple[str, Iterable[str]], ...] = (
        ("originals", rules_of_files.every_file_once(expected, found)),
        ("rows", rules_of_files.rows_are_the_disk(expected, found)),
        ("rows", rules_of_files.rows_agree_with_each_other(found)),
        ("photos", rules_of_files.photos_are_as_said(expected, found)),
        ("projects", rules_of_files.projects_are_as_said(expected, found)),
        ("derivatives", rules_of_files.derivatives_are_there(found, all_made=all_made)),
        ("tasks", rules_of_the_log.accepted_tasks_end(expected, found, entries)),
        ("effects", rules_of_the_log.items_have_one_outcome(found)),
        ("effects", rules_of_the_log.nothing_is_told_twice(found)),
        ("effects", rules_of_the_log.versions_have_no_gap(found)),
        ("effects", rules_of_the_log.words_count_once(expected, found)),
        ("answers", rules_of_the_log.answers_were_no_accidents(entries)),
        ("audit", await _audited(where)),
    )
    return [Violation(check, when, evidence) for check, broken in checks for evidence in broken], found


async def _audited(where: Whereabouts) -> list[str]:
    """Return what ``photobus audit verify`` finds, and what it could not look at."""
    report = await verify(where.dsn, server_at(where.nats_url))
    found = [f"{section.name}: {line}" for section in report.sections for line in section.differences]
    return found + [f"{one.name} was not checked: {one.unanswered}" for one in report.sections if one.unanswered]


def judge_live_updates(entries: Sequence[Entry], everything: Sequence[Told], until: int) -> list[Violation]:
    """Hold what followers heard against what the log tells."""
    pieces = rules_of_live_updates.heard(entries)
    broken = rules_of_live_updates.heard_all_once(pieces, everything, until)
    return [Violation("live updates", "at the end", evidence) for evidence in broken]
