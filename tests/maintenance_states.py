"""A table of what maintenance meets: states of disk and rows, and what has become of each when it has run.

A state is arranged in projects of its own, named after it; ``Expected`` says how one of them stands afterwards. What
is left out of it is not looked at.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import images
from bus_traffic import TENANT
from maintaining import Scene

TAG: Final = "INSERT INTO photo_tags (photo_id, tenant, tag) VALUES ($1, $2, $3)"

Rows = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Expected:
    """How a project stands after maintenance.

    ``id`` None is one that was discovered in ``folder``. ``folder`` is where it lies, None for one whose row is gone;
    ``disk`` are the files in it that are not hidden, ``rows`` the files on record by photo.
    """

    id: int | None
    folder: str | None
    disk: frozenset[str] | None = None
    rows: Rows | None = None
    trash: frozenset[str] = frozenset()
    name: str | None = None
    status: str = "active"
    codes: frozenset[str] = frozenset()
    said: tuple[str, ...] | None = None
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    thumbnail: str | None = None
    manifest: bool = True
    """Whether the folder has a manifest that says what the row says."""
    there: tuple[str, ...] = ()
    """Paths below the folder that exist."""
    gone: tuple[str, ...] = ()
    """Paths below the folder that do not."""


Arrange = Callable[[Scene], Awaitable[list[Expected]]]
Later = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True)
class State:
    """One row of the table. ``later`` is what happens between a first maintenance and the one that is looked at."""

    state: str
    outcome: str
    arrange: Arrange
    later: Later | None = None


class Table:
    """States by the names of the functions that arrange them."""

    def __init__(self) -> None:
        self.states: dict[str, State] = {}

    def state(self, what: str, outcome: str, *, later: Later | None = None) -> Callable[[Arrange], Arrange]:
        """Add a row to the table."""

        def add(arrange: Arrange) -> Arrange:
            self.states[arrange.__name__] = State(what, outcome, arrange, later)
            return arrange

        return add


def files(*names: str) -> frozenset[str]:
    """Return names as a set."""
    return frozenset(names)


async def tagged(scene: Scene, photo_id: int, tag: str) -> None:
    """Give the photo a tag."""
    await scene.execute(TAG, photo_id, TENANT, tag)


def picture(seed: int) -> bytes:
    """Return a JPEG that no other state has."""
    return images.jpeg(picture=images.noise(64, 48, seed=1000 + seed))
