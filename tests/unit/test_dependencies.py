"""What each member imports, it asks for itself, so that it can be installed without the others that happen to."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
MEMBERS: Final = sorted(
    str(path.parent.relative_to(ROOT))
    for pattern in ("libs", "services", "clients", "deploy")
    for path in (ROOT / pattern).glob("*/pyproject.toml")
)
DISTRIBUTIONS: Final = packages_distributions()


def imported(folder: Path) -> Iterator[str]:
    """The names at the top of what is imported below ``folder``."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (name.name.partition(".")[0] for name in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def normal(name: str) -> str:
    """The name of a distribution as all spellings of it have it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", name, maxsplit=1)[0]).lower()


@pytest.mark.parametrize("member", MEMBERS)
def test_a_member_asks_for_all_that_it_imports(member: str) -> None:
    project = tomllib.loads((ROOT / member / "pyproject.toml").read_text())["project"]
    asked = {normal(name) for name in [*project["dependencies"], project["name"]]}
    needed = {name for name in imported(ROOT / member) if name not in sys.stdlib_module_names}
    missing = {
        name for name in needed if asked.isdisjoint(map(normal, DISTRIBUTIONS.get(name, [name.replace("_", "-")])))
    }
    assert not missing
