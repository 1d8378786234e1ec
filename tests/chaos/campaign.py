"""One campaign: a system, a load, a nemesis, and then the judge."""

import asyncio
import json
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import asyncpg

from chaos.aftercare import put_in_order
from chaos.checker import Violation, Whereabouts, judge, judge_live_updates
from chaos.evidence import LogEvent
from chaos.followers import everything_from
from chaos.journal import Journal, read
from chaos.line import Line
from chaos.load import Load
from chaos.nemesis import Nemesis
from chaos.report import counts_of
from chaos.resting import come_to_rest
from chaos.rules_of_live_updates import heard, place
from chaos.system import System

ANSWERS_SECONDS: Final = 60.0
"""How long, once all is healed, what was asked is asked again for an answer."""

REST_SECONDS: Final = 120.0
"""How long what was accepted may take to end, once nothing else is asked for and nothing is broken."""

CATCH_UP_SECONDS: Final = 30.0

SETTINGS: Final[Mapping[str, str]] = {"PHOTOBUS_SSE__ARCHIVE_BOUND": "10000000"}
"""A client that was never there reads all of the log, to be held against those that were cut off."""

TOLD_AT: Final = "SELECT seq FROM event_log WHERE type = 'ProjectCreated' AND project_id = $1"


@dataclass(frozen=True)
class Plan:
    """What a campaign is. ``faults`` are kinds of the nemesis, none of them: all; ``weights`` are those of the load."""

    seed: int
    seconds: float
    nodes: int = 1
    planted: str | None = None
    calm: bool = False
    faults: Sequence[str] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    keep: bool = False

    @property
    def effective_settings(self) -> dict[str, str]:
        """The settings of the system: whether names are unique in the library or a project is the seed's to say."""
        unique = "project" if self.seed % 2 else "library"
        return {**SETTINGS, "PHOTOBUS_LIBRARY__UNIQUE_NAMES": unique, **self.settings}

    def command(self) -> str:
        """Return the command that runs it again."""
        words = ["python -m chaos", f"--seed {self.seed}", f"--seconds {self.seconds:g}"]
        words += [f"--nodes {self.nodes}"] if self.nodes != 1 else []
        words += [f"--planted {self.planted}"] if self.planted else []
        words += ["--calm"] if self.calm else []
        words += [f"--faults '{','.join(self.faults)}'"] if self.faults else []
        return " ".join(words)


@dataclass
class Result:
    """What came of a campaign; ``kept`` is where its data lies."""

    plan: Plan
    violations: list[Violation]
    counts: dict[str, Any]
    seconds: float
    kept: str | None

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {**asdict(self), "command": self.plan.command()}


async def run(plan: Plan, say: Callable[[str], None]) -> Result:
    """Run the campaign and judge it; ``say`` gets a line about each of its parts."""
    home = _home(plan)
    began = time.monotonic()
    kept = True
    try:
        with Journal(home / "journal.jsonl") as journal:
            journal.write("campaign", **asdict(plan))
            async with System(
                home / "system", nodes=plan.nodes, planted=plan.planted, settings=plan.effective_settings
            ) as system:
                course = _Course(plan, system, journal, say)
                violations = await _survived(course, home)
                kept = bool(violations) or plan.keep
                if kept:
                    await system.stop()
                    await system.save(home / "data")
                    _write_log(home / "log.jsonl", course.log)
        entries = list(read(home / "journal.jsonl"))
        counts = {**counts_of(entries), **course.counts}
        result = Result(plan, violations, counts, time.monotonic() - began, str(home) if kept else None)
        if kept:
            (home / "result.json").write_text(json.dumps(result.document(), indent=1, default=str))
        return result
    finally:
        if not kept:
            shutil.rmtree(home, ignore_errors=True)


async def _survived(course: "_Course", home: Path) -> list[Violation]:
    """Run the course; where it breaks off, say so as a violation: its data is kept, and other seeds have their turn."""
    try:
        return await course.run()
    except Exception as error:  # noqa: BLE001  # a system that cannot even be judged is what is looked for
        (home / "broke_off.txt").write_text("".join(traceback.format_exception(error)))
        where = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__}: {error} ({where.name}, line {where.lineno} of {Path(where.filename).name})"
        return [Violation("campaign", course.phase, " ".join(what.split()))]


def _home(plan: Plan) -> Path:
    home = Path(tempfile.mkdtemp(prefix=f"photobus-chaos-{plan.seed}-"))
    home.chmod(0o711)  # the user that Postgres runs as passes through
    return home


def _write_log(path: Path, events: Iterable[LogEvent]) -> None:
    """Write the archived events, so that what led to a violation can be read without a database."""
    path.write_text("".join(json.dumps(event._asdict()) + "\n" for event in events))


class _Course:
    """What happens in a campaign once the system runs."""

    def __init__(self, plan: Plan, system: System, journal: Journal, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._system = system
        self._journal = journal
        self._say = say
        self.counts: dict[str, Any] = {}
        self.phase = "at the start"
        self.log: Sequence[LogEvent] = ()

    async def run(self) -> list[Violation]:
        """Go through all of it, and return what must not be."""
        system, seed = self._system, self._plan.seed
        async with Load(
            system.address, system.token, self._journal, seed, weights=self._plan.weights, library=system.library
        ) as load:
            self._begins("load and faults")
            await self._break_while_working(load)
            self._begins("rest")
            violations = await self._judge_at_rest()
            if not violations or self._plan.keep:
                self._begins("maintenance")
                violations += await self._judge_after_maintenance(load)
                self._begins("live updates")
                violations += await self._judge_live_updates(load)
            return violations

    async def _break_while_working(self, load: Load) -> None:
        working = asyncio.create_task(load.work())
        nemesis = None if self._plan.calm else self._nemesis()
        breaking = asyncio.create_task(
            asyncio.sleep(self._plan.seconds) if nemesis is None else nemesis.run(self._plan.seconds)
        )
        try:
            await asyncio.wait({working, breaking}, return_when=asyncio.FIRST_COMPLETED)
            load.stop()
            if not working.done():
                await breaking
            if nemesis is not None:
                await nemesis.heal()
            self._begins("healed")
            await asyncio.wait({working}, timeout=ANSWERS_SECONDS)
        finally:
            breaking.cancel()
            load.stop()
            load.give_up()
            await working

    def _nemesis(self) -> Nemesis:
        return Nemesis(self._system, Random(f"{self._plan.seed} nemesis"), self._journal, self._plan.faults or None)

    async def _judge_at_rest(self) -> list[Violation]:
        left = await come_to_rest(self._system.dsn, REST_SECONDS)
        violations = [Violation("tasks", "at rest", f"after {REST_SECONDS:g} s of rest: {one}") for one in left]
        return violations + await self._judge("at rest", all_made=False)

    async def _judge_after_maintenance(self, load: Load) -> list[Violation]:
        violations = await put_in_order(load.line("at the end"), self._system.dsn, REST_SECONDS)
        return violations + await self._judge("after maintenance", all_made=True)

    async def _judge(self, when: str, *, all_made: bool) -> list[Violation]:
        entries = list(read(self._journal.path))
        where = Whereabouts(self._system.dsn, self._system.nats_url, self._system.library)
        violations, found = await judge(entries, where, when, all_made=all_made)
        self.log = found.events
        self.counts |= {
            "files judged": len(found.disk),
            "photos judged": len(found.photos),
            "events judged": len(found.events),
            "tasks judged": len(found.tasks),
        }
        return violations

    async def _judge_live_updates(self, load: Load) -> list[Violation]:
        until = await self._last_word(load.line("at the end"))
        await load.catch_up(until, CATCH_UP_SECONDS)
        entries = list(read(self._journal.path))
        pieces = heard(entries)
        start = min((piece.start for piece in pieces), default=place("0"))
        everything = await everything_from(load.transport, str(start[0]), until)
        self.counts |= {
            "live messages judged": sum(len(piece.messages) for piece in pieces),
            "resets of live updates": sum(entry.facts.get("reset", False) for entry in entries),
        }
        return judge_live_updates(entries, everything, until)

    async def _last_word(self, line: Line) -> int:
        """Make something that is told last, and return its place in the log."""
        answer = await line.ask("make project", "POST", "/api/projects", {"name": "Last word"}, name="Last word")
        if answer is None or not answer.ok:
            raise RuntimeError(f"Nothing can be made any more: {answer}")
        await come_to_rest(self._system.dsn, REST_SECONDS)
        connection = await asyncpg.connect(self._system.dsn)
        try:
            return int(await connection.fetchval(TOLD_AT, answer.data["id"]))
        finally:
            await connection.close()

    def _begins(self, phase: str) -> None:
        self.phase = phase
        self._journal.write("phase", name=phase)
        self._say(f"seed {self._plan.seed}: {phase}")
