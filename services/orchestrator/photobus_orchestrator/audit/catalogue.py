"""Whether projects, photos, files and tags are as the log says, which is folded and held beside their rows.

Both come in the order of ids, as one goes through them, so that memory is flat. Not looked at is what no event tells:
the metadata that a photo's files tell, the key and the reason of its derivatives, and all times.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Generic, TypeVar

import asyncpg

from photobus_common.catalogue_changes import Kinds
from photobus_common.catalogue_fold import LAST, FileRow, PhotoRow, ProjectRow
from photobus_common.events.upcasting import UnreadableEventError
from photobus_common.store.catalogue_log import (
    StoredPhoto,
    Told,
    photo_rows,
    project_rows,
    told_of_photos,
    told_of_projects,
)
from photobus_common.store.database import Connection

RowT = TypeVar("RowT", PhotoRow, ProjectRow)
StoredT = TypeVar("StoredT")


@dataclass
class Folded(Generic[RowT]):
    """Where the log leads for one row: None where there is to be none. ``last`` is the event that said so."""

    id: int
    row: RowT | None = None
    version: int = 0
    last: str = ""
    faults: list[str] = field(default_factory=list)

    def take(self, told: Told[RowT], *, from_two_sides: bool) -> None:
        """Go on by what the next event says, which is to be the next version; some are told ``from_two_sides``."""
        self.last = "an event of the outbox" if told.seq is None else f"event {told.seq}"
        if told.version < self.version or (told.version == self.version and not from_two_sides):
            self.faults.append(f"{self.last} tells version {told.version} once more")
        elif told.version > self.version + 1 and told.version != LAST:
            lacking = f"version {self.version + 1}"
            if told.version > self.version + 2:
                lacking = f"versions {self.version + 1} to {told.version - 1}"
            self.faults.append(f"the log lacks {lacking}; {self.last} tells the next")
        self.row, self.version = told.then(self.row), told.version


async def differences(connection: Connection) -> AsyncIterator[str]:
    """Yield a line for every way in which the rows of the catalogue are not what the log says.

    The caller's transaction must see one snapshot (repeatable read), or rows and log are of different moments.
    """
    try:
        async with connection.transaction():
            projects = _fold(told_of_projects(connection), from_two_sides=True)
            async for project, log in _beside(project_rows(connection), projects, lambda row: row.id):
                for line in _compare("project", project, log):
                    yield line
            photos = _fold(told_of_photos(connection), from_two_sides=False)
            async for photo, shown in _beside(photo_rows(connection), photos, lambda one: one.row.id):
                row = None if photo is None else photo.row
                for line in (*_compare("photo", row, shown), *_counted(photo)):
                    yield line
    except (UnreadableEventError, asyncpg.DataError) as error:
        yield f"the log cannot be read, and so not be held beside the rows: {error}"


async def _fold(told: AsyncIterator[Told[RowT]], *, from_two_sides: bool) -> AsyncIterator[Folded[RowT]]:
    folded: Folded[RowT] | None = None
    async for one in told:
        if folded is None or folded.id != one.id:
            if folded is not None:
                yield folded
            folded = Folded(one.id)
        folded.take(one, from_two_sides=from_two_sides)
    if folded is not None:
        yield folded


async def _beside(
    stored: AsyncIterator[StoredT], folded: AsyncIterator[Folded[RowT]], id_of: Callable[[StoredT], int]
) -> AsyncIterator[tuple[StoredT | None, Folded[RowT] | None]]:
    """Yield what is there and what the log says, of the same id each; None for what only the other has."""
    row, log = await anext(stored, None), await anext(folded, None)
    while row is not None or log is not None:
        if log is None or (row is not None and id_of(row) < log.id):
            yield row, None
            row = await anext(stored, None)
        elif row is None or log.id < id_of(row):
            yield None, log
            log = await anext(folded, None)
        else:
            yield row, log
            row, log = await anext(stored, None), await anext(folded, None)


# --- the lines ------------------------------------------------------------------------------------------------------


def _compare(kind: str, row: RowT | None, log: Folded[RowT] | None) -> Iterator[str]:
    if log is None:
        if row is not None:
            yield f"{kind} {row.id}: is there, and the log never tells of it"
        return
    about = f"{kind} {log.id}"
    yield from (f"{about}: {fault}" for fault in log.faults)
    if row is None and log.row is not None:
        yield f"{about}: is not there, by the log it is {json.dumps(_name(log.row), ensure_ascii=False)} ({log.last})"
    elif row is not None and log.row is None:
        yield f"{about}: is there, by the log it was removed ({log.last})"
    elif row is not None and log.row is not None and row != log.row:
        yield from (f"{about}: {line} ({log.last})" for line in _columns(row, log.row))


def _columns(row: PhotoRow | ProjectRow, log: PhotoRow | ProjectRow) -> Iterator[str]:
    for column in fields(row):
        is_, by_log = getattr(row, column.name), getattr(log, column.name)
        if column.name == "files":
            yield from _files(is_, by_log)
        elif is_ != by_log:
            yield f"{column.name} is {_shown(is_)}, by the log {_shown(by_log)}"


def _files(files: tuple[FileRow, ...], by_log: tuple[FileRow, ...]) -> Iterator[str]:
    there, told = ({file.name: file for file in some} for some in (files, by_log))
    for name in sorted(there.keys() | told.keys()):
        if there.get(name) != told.get(name):
            yield f"file {_shown(name)} is {_file(there.get(name))}, by the log {_file(told.get(name))}"


def _counted(photo: StoredPhoto | None) -> Iterator[str]:
    """Say where a photo's own row does not fit its files."""
    if photo is None:
        return
    about = f"photo {photo.row.id}"
    if photo.available != photo.row.available:
        yield f"{about}: has on record {_shown(photo.available)}, its files are {_shown(photo.row.available)}"
    if photo.size != photo.row.size:
        yield f"{about}: size is {photo.size}, its files have {photo.row.size}"
    for name in photo.strays:
        yield f"{about}: its file {_shown(name)} is in another project"


def _name(row: PhotoRow | ProjectRow) -> str:
    return row.filename if isinstance(row, PhotoRow) else row.name


def _shown(value: Any) -> str:
    if isinstance(value, Kinds):
        return " and ".join(kind for kind, there in value._asdict().items() if there) or "none"
    return json.dumps(value, ensure_ascii=False)


def _file(file: FileRow | None) -> str:
    return "missing" if file is None else f"{file.kind} of {file.size} bytes with MD5 {file.md5}"
