"""The bugs that the chaos campaign plants still fit photobus: they break what is there, and all who use it have it."""

import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from chaos.planted.bugs import BUGS, Exchange
from chaos.planted.planting import RottenBugError, broken_part, holder_of

PLANTED = Path(__file__).parents[1] / "chaos" / "planted"

EXCHANGES = [exchange for bug in BUGS.values() for exchange in bug.exchanges]

ALL_OF_THEM = """
import json, sys
from chaos.planted import planting
planting.plant(planting.BUGS)
for service in ("derivatives", "filemover", "gateway", "maintenance", "orchestrator"):
    __import__(f"photobus_{service}.app")
sound = {
    id(part): f"{one.module}.{one.attribute}"
    for one, part in planting.sound_parts.items()
    if getattr(part, "__module__", one.module) == one.module  # another's is broken for this one user of it
}
left = [
    f"{name} has {sound[id(value)]}"
    for name, module in list(sys.modules.items()) if name.startswith("photobus_")
    for holder in (module, *(one for one in vars(module).values() if isinstance(one, type)))
    for value in vars(holder).values() if id(value) in sound
]
json.dump({"exchanged": len(planting.sound_parts), "left": left}, sys.stdout)
"""


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda one: f"{one.bug}:{one.attribute}")
def test_the_broken_part_fits_where_the_sound_one_is(exchange: Exchange) -> None:
    import_module(exchange.module)
    holder, name = holder_of(exchange)
    sound, broken = vars(holder)[name], broken_part(exchange)
    assert broken is not sound
    assert _shape(broken) == _shape(sound)


def test_no_two_bugs_break_the_same_part() -> None:
    assert len({(one.module, one.attribute) for one in EXCHANGES}) == len(EXCHANGES)


def test_whoever_uses_the_part_has_the_broken_one() -> None:
    done = _python("-c", ALL_OF_THEM, PYTHONPATH=str(PLANTED.parents[1]))
    assert done.stderr == ""
    assert json.loads(done.stdout) == {"exchanged": len(EXCHANGES), "left": []}


def test_a_service_has_the_bug_that_its_environment_names_and_no_other_way() -> None:
    look = "from photobus_common.storage.renaming import rename_no_replace as part; print(part.__module__)"
    where = {"PYTHONPATH": str(PLANTED)}
    broken = _python("-c", look, **where, PHOTOBUS_PLANTED="rename_replaces")
    assert broken.stdout == "chaos.planted.broken.rename_replaces\n"
    assert _python("-c", look, **where).stdout == "photobus_common.storage.renaming\n"


def test_a_service_that_cannot_have_its_bug_does_not_run() -> None:
    unknown = _python("-c", "print('ran')", PYTHONPATH=str(PLANTED), PHOTOBUS_PLANTED="unheard_of")
    assert (unknown.returncode, unknown.stdout) == (78, "")
    assert "unheard_of" in unknown.stderr


def test_a_part_that_is_not_there_any_more_is_not_passed_over() -> None:
    import_module("photobus_gateway.sse_ring")
    with pytest.raises(RottenBugError, match=r"Ring\.not_there"):
        holder_of(Exchange("resumed_late", "photobus_gateway.sse_ring", "Ring.not_there"))


def _shape(part: Any) -> Any:
    """Return what a caller sees of a part: its parameters and whether it is awaited, or the places of a query."""
    if isinstance(part, str):
        return sorted(set(re.findall(r"\$\d+", part)))
    assert isinstance(part, Callable)  # type: ignore[arg-type]
    parameters = inspect.signature(part).parameters.values()
    return inspect.iscoroutinefunction(part), [(one.name, one.kind, one.default) for one in parameters]


def _python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    base = {name: value for name, value in os.environ.items() if not name.startswith(("PHOTOBUS_", "PYTHON"))}
    return subprocess.run(
        [sys.executable, *arguments], env=base | environment, capture_output=True, text=True, check=False
    )
