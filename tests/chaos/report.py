"""What a campaign did, in figures."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from chaos.journal import Entry


def counts_of(entries: Iterable[Entry]) -> dict[str, Any]:
    """Count operations and faults by kind, and how they ended."""
    kinds: dict[str, str] = {}
    asked, answers, tasks, faults = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for entry in entries:
        facts = entry.facts
        match entry.what:
            case "asked":
                kinds[facts["op"]] = facts["kind"]
                asked[facts["kind"]] += 1
            case "answered":
                answers["done" if facts["status"] < HTTPStatus.BAD_REQUEST else f"refused ({facts['status']})"] += 1
                tasks["accepted"] += facts["status"] == HTTPStatus.ACCEPTED
            case "unanswered":
                answers["attempts without an answer"] += 1
            case "given_up":
                answers["never known"] += 1
            case "ended":
                tasks[facts["status"]] += 1
            case "fault":
                faults[facts["kind"]] += 1
    return {"operations": dict(asked), "answers": dict(answers), "tasks": dict(tasks), "faults": dict(faults)}


def lines_of(counts: Mapping[str, Any]) -> Iterator[str]:
    """Tell the counts."""
    for name, value in counts.items():
        if isinstance(value, Mapping):
            told = ", ".join(f"{key} {number}" for key, number in sorted(value.items(), key=lambda one: -one[1]))
            yield f"  {name}: {sum(value.values())} ({told})"
        else:
            yield f"  {name}: {value}"
