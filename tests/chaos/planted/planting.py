"""Planting a bug: when photobus imports a module, a part of it is exchanged for a broken one before anybody has it."""

import sys
from collections.abc import Iterable, Sequence
from functools import partial
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from chaos.planted.bugs import BUGS, Exchange

sound_parts: dict[Exchange, Any] = {}
"""What was exchanged in this process."""


class RottenBugError(Exception):
    """A bug cannot be planted any more: what it breaks is not there, or is in use already."""


def plant(names: Iterable[str]) -> None:
    """Have the bugs of these ``names`` in every module that this process imports from now on.

    Raises ``RottenBugError`` and ``KeyError``. Whether a module still has the part shows when it is imported, which
    then fails.
    """
    exchanges = [exchange for name in names for exchange in BUGS[name].exchanges]
    modules = dict.fromkeys(exchange.module for exchange in exchanges)
    for module in modules:
        if module in sys.modules:
            raise RottenBugError(f"{module} was imported before a bug could be planted in it.")
        sys.meta_path.insert(0, _Finder(module, [one for one in exchanges if one.module == module]))
    for module in modules:
        if PathFinder.find_spec(module, import_module(module.rpartition(".")[0]).__path__) is None:
            raise RottenBugError(f"There is no {module} any more to plant a bug in.")


def exchange_part(exchange: Exchange) -> None:
    """Put the broken part in the place of the sound one, whose module is imported; raises ``RottenBugError``."""
    holder, name = holder_of(exchange)
    broken = broken_part(exchange)  # imported before the exchange, so that it can be built on the sound part
    sound_parts[exchange] = vars(holder)[name]
    setattr(holder, name, broken)


def holder_of(exchange: Exchange) -> tuple[Any, str]:
    """Return the module or class that has the sound part, and its name there; raises ``RottenBugError``."""
    *path, name = exchange.attribute.split(".")
    holder: Any = sys.modules[exchange.module]
    for step in path:
        holder = getattr(holder, step, None)
    if holder is None or name not in vars(holder):
        raise RottenBugError(f"{exchange.module} has no {exchange.attribute} any more.")
    return holder, name


def broken_part(exchange: Exchange) -> Any:
    """Return what is put in the place of the sound part; raises ``RottenBugError``."""
    broken = import_module(f"chaos.planted.broken.{exchange.bug}")
    name = exchange.attribute.rpartition(".")[2].lstrip("_")
    if not hasattr(broken, name):
        raise RottenBugError(f"{broken.__name__} has no {name}.")
    return getattr(broken, name)


class _Finder(MetaPathFinder):
    """Finds one module as everybody else would, and has its parts exchanged once it has run."""

    def __init__(self, module: str, exchanges: Sequence[Exchange]) -> None:
        self._module = module
        self._exchanges = exchanges

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        if fullname != self._module:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is None or spec.loader is None:
            raise RottenBugError(f"There is no {fullname} any more to plant a bug in.")
        run = spec.loader.exec_module
        spec.loader.exec_module = partial(self._run, run)  # type: ignore[method-assign]
        return spec

    def _run(self, run: Any, module: ModuleType) -> None:
        run(module)
        for exchange in self._exchanges:
            exchange_part(exchange)
