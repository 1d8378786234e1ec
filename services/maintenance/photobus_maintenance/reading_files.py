"""Reading many files that have no rows yet: some at a time in few threads, so that small ones cost no switch each."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeVar

from photobus_common.events.parts import FileKind
from photobus_common.storage.folder import Entry
from photobus_common.worker.blocking import in_thread
from photobus_maintenance.identifying import Found, identify_each
from photobus_maintenance.visits import Visit

READERS: Final = 2
"""Threads that read at once. Digests of large files are computed side by side; small ones need one core in all."""

_FILES: Final = 32
_BYTES: Final = 64 * 1024**2
"""What one thread reads before the job may be handed back."""

File = tuple[Entry, FileKind]
GroupT = TypeVar("GroupT")


async def identify_all(visit: Visit, files: Sequence[File], *, to_the_end: bool = False) -> list[Found]:
    """Read the files; return what was found of each, in their order. Raises ``HandBackError`` unless ``to_the_end``."""
    chunks = list(cut(((file, file[0].size) for file in files), _FILES, _BYTES))
    found: list[list[Found]] = [[] for _ in chunks]
    left = iter(enumerate(chunks))

    async def read() -> None:
        for at, chunk in left:
            if not to_the_end:
                visit.job.hand_back_if_asked()
            found[at] = await in_thread(identify_each, visit.folder, chunk)

    ended = await asyncio.gather(*(read() for _ in range(READERS)), return_exceptions=True)
    for error in ended:
        if error is not None:
            raise error
    return [one for ones in found for one in ones]


def cut(groups: Iterable[tuple[GroupT, int]], most: int, most_bytes: int) -> Iterator[list[GroupT]]:
    """Cut ``groups``, each with its bytes, into runs of at most so many groups or bytes, but of one at least."""
    run: list[GroupT] = []
    used = 0
    for group, size in groups:
        if run and (len(run) == most or used + size > most_bytes):
            yield run
            run, used = [], 0
        run.append(group)
        used += size
    if run:
        yield run
