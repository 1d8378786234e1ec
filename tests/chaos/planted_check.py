"""``python -m chaos planted``: shows that the campaign finds every bug that is planted.

Each bug is planted in campaigns of one seed after the other, until a check that must find it does, or its time is over.
With ``--sound`` the same campaigns run without the bugs: then nothing may be found, or what was found tells nothing.
"""

import argparse
import asyncio
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from chaos.campaign import Plan, Result, run
from chaos.planted.bugs import BUGS, Bug

BROKEN_SECONDS: Final = 40.0
"""How long the system is broken in one campaign."""

BUG_SECONDS: Final = 600.0
"""How long one bug is looked for; a campaign that has begun then is judged all the same."""

EVIDENCE_LENGTH: Final = 160

Say = Callable[[str], None]


@dataclass(frozen=True)
class Search:
    """How a bug was looked for: up to which seed, how long in all, and the violation that told of it, if any did."""

    bug: Bug
    seed: int
    seconds: float
    check: str | None = None
    evidence: str = ""

    def line(self) -> str:
        """Return a row of a table in Markdown."""
        found = self.check or "nothing"
        evidence = self.evidence.replace("|", "/")[:EVIDENCE_LENGTH]
        return f"| `{self.bug.name}` | {found} | {self.seed} | {self.seconds:.0f} | {evidence} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Look for the bugs that the command line names; the exit status is 1 where one was not found."""
    options = _parser().parse_args(arguments)
    names = options.only.split(",") if options.only else list(BUGS)
    searches = []
    for name in names:
        search = _look_for(BUGS[name], options, _say)
        searches.append(search)
        _say(search.line())
    _say("\n| bug | found by | seed | seconds | evidence |\n|---|---|---|---|---|")
    for search in searches:
        _say(search.line())
    if options.sound:
        clean = sum(search.check is None for search in searches)
        _say(f"\n{clean} of {len(searches)} campaigns without bugs are clean.")
        return 1 if clean < len(searches) else 0
    missed = [search.bug.name for search in searches if search.check is None]
    _say(
        f"\n{len(searches) - len(missed)} of {len(searches)} bugs found."
        + f" Not found: {', '.join(missed)}." * bool(missed)
    )
    return 1 if missed else 0


def plan_of(bug: Bug, seed: int, seconds: float, *, sound: bool = False) -> Plan:
    """Return the campaign in which the bug is looked for; ``sound``: the same without it."""
    planted = None if sound else bug.name
    return Plan(
        seed=seed, seconds=seconds, planted=planted, faults=bug.faults, weights=bug.weights, settings=bug.settings
    )


def _look_for(bug: Bug, options: argparse.Namespace, say: Say) -> Search:
    began, seed = time.monotonic(), options.seed
    while True:
        say(f"{bug.name}: {bug.breaks}")
        result = asyncio.run(run(plan_of(bug, seed, options.breaking, sound=options.sound), say))
        search = _told(bug, result, time.monotonic() - began, sound=options.sound)
        for violation in result.violations[:3]:
            say(f"  {violation}")
        if result.kept and not options.keep:
            shutil.rmtree(result.kept, ignore_errors=True)
        if options.sound or search.check is not None or search.seconds > options.seconds:
            return search
        seed += 1


def _told(bug: Bug, result: Result, seconds: float, *, sound: bool) -> Search:
    telling = [violation for violation in result.violations if sound or violation.check in bug.found_by]
    if not telling:
        return Search(bug, result.plan.seed, seconds)
    first = min(
        telling, key=lambda one: bug.found_by.index(one.check) if one.check in bug.found_by else len(bug.found_by)
    )
    return Search(bug, result.plan.seed, seconds, first.check, first.evidence)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chaos planted", description=__doc__)
    parser.add_argument("--only", help=f"bugs, separated by commas, of {', '.join(BUGS)}; by default all")
    parser.add_argument("--seed", type=int, default=1, help="where seeds begin")
    parser.add_argument("--seconds", type=float, default=BUG_SECONDS, help="how long each bug is looked for")
    parser.add_argument("--breaking", type=float, default=BROKEN_SECONDS, help="how long each campaign breaks things")
    parser.add_argument("--sound", action="store_true", help="one such campaign for each bug, without it")
    parser.add_argument("--keep", action="store_true", help="keep the data of the campaigns that found something")
    return parser


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
