"""``python -m chaos``: tries to break photobus, by one seed or several, and judges what is left.

``python -m chaos planted`` shows that the judge would see bugs.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from chaos import planted_check
from chaos.campaign import Plan, Result, run
from chaos.report import lines_of

SHOWN: Final = 40
"""Violations of a campaign that are printed; its result has all of them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line says; the exit status is 1 where anything must not be."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["planted"]:
        return planted_check.main(words[1:])
    options = _parser().parse_args(words)
    seeds = [int(seed) for seed in options.seeds.split(",")] if options.seeds else [options.seed]
    results: list[Result] = []
    for seed in seeds:
        plan = Plan(
            seed=seed,
            seconds=options.seconds,
            nodes=options.nodes,
            planted=options.planted,
            calm=options.calm,
            faults=tuple(options.faults.split(",")) if options.faults else (),
            keep=options.keep,
        )
        results.append(asyncio.run(run(plan, _say)))
        _tell(results[-1])
    if options.output:
        documents = [result.document() for result in results]
        options.output.write_text(json.dumps(documents, indent=1, default=str))
    broken = [result for result in results if result.violations]
    _say(f"{len(results)} campaigns, {len(broken)} of them with violations.")
    return 1 if broken else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="what all dice are thrown by")
    parser.add_argument("--seeds", help="several, separated by commas, one campaign each")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the system is broken, by default 60")
    parser.add_argument("--nodes", type=int, choices=(1, 3), default=1, help="servers of the broker")
    parser.add_argument("--planted", help="a bug that the services are started with")
    parser.add_argument("--calm", action="store_true", help="no faults: the load and the judge alone")
    parser.add_argument("--faults", help="kinds of faults, separated by commas; by default all")
    parser.add_argument("--keep", action="store_true", help="keep the data, and judge to the end, whatever is found")
    parser.add_argument("--output", type=Path, help="a file for the results, as JSON")
    return parser


def _tell(result: Result) -> None:
    _say(f"seed {result.plan.seed}: {result.seconds:.0f} s in all, {result.plan.seconds:g} of them broken")
    for line in lines_of(result.counts):
        _say(line)
    for violation in result.violations[:SHOWN]:
        _say(f"  VIOLATION {violation}")
    if len(result.violations) > SHOWN:
        _say(f"  … and {len(result.violations) - SHOWN} more")
    if result.kept:
        _say(f"  its data: {result.kept}")
    if result.violations:
        _say(f"  again: {result.plan.command()}")
    else:
        _say("  nothing lost, nothing doubled, nothing stuck")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
