"""The catalogue follows from the recorded histories, for ever: their projects and photos are those of the run."""

import json
from dataclasses import asdict
from typing import Any

import pytest
from recorded import HISTORIES, NAMES, end, lines

from photobus_common.catalogue_fold import fold
from photobus_common.events import decode

WHOLE = [name for name in NAMES if (HISTORIES / f"{name}.catalogue.json").exists()]
"""Those in which nothing was there before the log."""


def shown(rows: Any) -> Any:
    return json.loads(json.dumps([asdict(row) for row in rows]))


@pytest.mark.parametrize("name", WHOLE)
def test_a_history_leads_to_the_projects_and_photos_that_it_led_to(name: str) -> None:
    found, then = fold(decode(line) for line in lines(name)), end(name, "catalogue")
    for kind, rows in (("projects", found.projects), ("photos", found.photos)):
        now = {row["id"]: row for row in shown(rows.values())}
        assert now.keys() == {row["id"] for row in then[kind]}
        for row in then[kind]:
            assert {key: now[row["id"]].get(key) for key in row} == row


def test_people_and_what_is_done_by_hand_both_have_one() -> None:
    assert {"by-people", "by-hand"} <= set(WHOLE)
