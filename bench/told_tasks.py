"""A log of uploads with their tasks, as gateway, fold and workers tell them, however long.

One upload is told, and what follows from it decided, by photobus' own code; every other is the same with ids and times
of its own, many of them under way at once.
"""

import re
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID, uuid5

from orchestration import START, TASK, TENANT, Narrator, Told, rules

from photobus_common.events import Event, Origin, encode
from photobus_common.events.envelope import EventData
from photobus_common.events.projects import (
    DerivativesUpdated,
    FileFact,
    PhotoAdded,
    PhotoDerivatives,
    PhotosAdded,
)
from photobus_orchestrator.domain.decide import decision_id

PHOTOS: Final = 20
"""Of one upload."""

AT_ONCE: Final = 48
"""Uploads under way at the same time."""

APART: Final = timedelta(seconds=2)

STEPS: Final = 3

UPLOADS: Final = UUID("00000000-0000-4000-8000-0000000000aa")


class ToldEvent(NamedTuple):
    """An event that is in no log yet."""

    subject: str
    payload: bytes


class Upload:
    """The events of one upload, cut where every upload has something of its own."""

    def __init__(self) -> None:
        events = list(_events())
        self._facts = sum(event.source == "/test" for event in events)
        self._times = sorted({event.time for event in events})
        names = [*map(str, self._ids(TASK)), *(time.isoformat() for time in self._times)]
        place = {name: number for number, name in enumerate(names)}
        cut = re.compile("|".join(map(re.escape, place)))
        self._pieces: list[tuple[str, list[str], list[int]]] = []
        for event in events:
            payload = encode(event).decode()
            self._pieces.append((event.subject, cut.split(payload), [place[found] for found in cut.findall(payload)]))

    def __len__(self) -> int:
        return len(self._pieces)

    def told(self, number: int) -> Iterator[ToldEvent]:
        """Yield the events of the upload ``number``."""
        later = APART * number
        own = [
            *map(str, self._ids(uuid5(UPLOADS, str(number)))),
            *((time + later).isoformat() for time in self._times),
        ]
        for subject, pieces, places in self._pieces:
            text = "".join(piece + own[place] for piece, place in zip(pieces, places, strict=False)) + pieces[-1]
            yield ToldEvent(subject, text.encode())

    def _ids(self, task: UUID) -> Iterator[UUID]:
        yield task
        for step in range(STEPS):
            yield uuid5(task, f"{step}.0")
        for number in range(self._facts):
            fact = uuid5(task, f"told {number}")
            yield fact
            for decided in range(STEPS):
                yield decision_id(fact, decided)


def uploads(events: int) -> Iterator[ToldEvent]:
    """Yield so many events: ``AT_ONCE`` uploads in turn, an event of each, and the next one when one has ended."""
    upload = Upload()
    under_way = deque(upload.told(number) for number in range(AT_ONCE))
    number = AT_ONCE
    while events:
        one = under_way.popleft()
        event = next(one, None)
        if event is None:
            one = upload.told(number)
            number += 1
        else:
            events -= 1
            yield event
        under_way.append(one)


def _events() -> Iterator[Event]:
    task, told = Narrator("upload_postprocess"), Told(rules())
    facts: list[Event] = [
        _beside(task, PhotosAdded(project_id=1, project_folder="Trip", photos=_added())),
        task.requested(PHOTOS),
        task.started(),
        task.progress(done=PHOTOS // 2),
        _beside(task, DerivativesUpdated(project_id=1, project_folder="Trip", photos=_made())),
        task.completed(done=PHOTOS),
    ]
    for step in range(1, STEPS):
        facts += [task.started(step=step), task.completed(step=step, done=PHOTOS)]
    for fact in facts:
        yield fact
        known = len(told.decided)
        if fact.data.task() is not None:
            told.tell(fact)
        yield from told.decided[known:]
    if not told.task.ended:
        raise RuntimeError("The upload's task did not end.")


def _added() -> tuple[PhotoAdded, ...]:
    return tuple(
        PhotoAdded(
            photo_id=number,
            filename=f"IMG_{number:04}",
            version=1,
            files=(FileFact(name=f"IMG_{number:04}.jpg", kind="jpg", size=4_000_000, md5=f"{number:032x}"),),
        )
        for number in range(PHOTOS)
    )


def _made() -> tuple[PhotoDerivatives, ...]:
    return tuple(
        PhotoDerivatives(
            photo_id=number,
            filename=f"IMG_{number:04}",
            version=2,
            thumbnail_status="generated",
            preview_status="generated",
        )
        for number in range(PHOTOS)
    )


def _beside(task: Narrator, data: EventData) -> Event:
    """Say something that changes no task, in the order of what is said."""
    number = next(task.numbers)
    at: datetime = START + timedelta(seconds=number)
    origin = Origin("/test", TENANT, "ada", correlation_id=TASK, clock=lambda: at)
    return origin.event(data, event_id=uuid5(TASK, f"told {number}"))
