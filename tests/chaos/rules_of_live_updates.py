"""Rules about live updates: who is cut off and comes back has heard everything once, and in order."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

from chaos.followers import Told
from chaos.journal import Entry

PROGRESS: Final = "job_update"
"""Told of progress too, which nobody keeps."""

Place = tuple[int, int]
Content = tuple[str, str]


@dataclass
class Heard:
    """What a follower heard without a reset in between; complete from behind ``start`` on."""

    follower: str
    start: Place
    messages: list[Told] = field(default_factory=list)

    @property
    def end(self) -> Place:
        """The place of the last message."""
        return max((place(message[0]) for message in self.messages), default=self.start)


def heard(entries: Iterable[Entry]) -> list[Heard]:
    """Return what each follower heard, in pieces."""
    pieces: list[Heard] = []
    now: dict[str, Heard] = {}
    for entry in entries:
        if entry.what == "listening":
            now[entry.facts["follower"]] = Heard(entry.facts["follower"], place(entry.facts["seq"]))
            pieces.append(now[entry.facts["follower"]])
        elif entry.what == "told":
            now[entry.facts["follower"]].messages += [(one[0], one[1], one[2]) for one in entry.facts["messages"]]
    return pieces


def heard_all_once(pieces: Sequence[Heard], everything: Sequence[Told], until: int) -> Iterator[str]:
    """Each piece is what the log tells from its start to its end, neither more nor less nor in another order.

    What was told from a stream that was lost before it was archived has another place in the log now, or, if it was a
    job's progress alone, none; told again it must not be.
    """
    log = Log({message[0]: message for message in everything}, Counter(message[1:] for message in everything))
    last = {piece.follower: piece for piece in pieces}
    for piece in pieces:
        end = place(str(until)) if last[piece.follower] is piece else piece.end
        yield from _in_order(piece)
        yield from _as_told(piece, log)
        lost = [message for one in pieces if one.follower == piece.follower for message in one.messages]
        yield from _missed(piece, everything, end, Counter(one[1:] for one in lost if one[0] not in log.by_id))


class Log(NamedTuple):
    """What there is to hear: messages by their id, and how often each content is told."""

    by_id: Mapping[str, Told]
    contents: Counter[Content]


def _in_order(piece: Heard) -> Iterator[str]:
    for before, after in pairwise(place(message[0]) for message in piece.messages):
        if after <= before:
            yield f"{piece.follower} heard {_id(after)} after {_id(before)}"


def _as_told(piece: Heard, log: Log) -> Iterator[str]:
    heard_contents = Counter(message[1:] for message in piece.messages)
    for message in piece.messages:
        told = log.by_id.get(message[0])
        if told is not None and told != message:
            yield f"{piece.follower} heard {message}, the log tells {told}"
        elif told is None and message[1] != PROGRESS:
            times = log.contents[message[1:]]
            if not times:
                yield f"{piece.follower} heard {message}, which the log does not tell"
            elif heard_contents[message[1:]] > times:
                yield f"{piece.follower} heard {message}, and again under another place"


def _missed(piece: Heard, everything: Sequence[Told], end: Place, elsewhere: Counter[Content]) -> Iterator[str]:
    """``elsewhere`` is what the follower heard, also before a reset, under places that are no more."""
    told = {message[0] for message in piece.messages}
    missed: list[str] = []
    for message in everything:
        if piece.start < place(message[0]) <= end and message[0] not in told:
            if elsewhere[message[1:]]:
                elsewhere[message[1:]] -= 1
            else:
                missed.append(message[0])
    if missed:
        yield f"{piece.follower} missed {len(missed)} messages from {_id(piece.start)} on: {missed[:5]}"


def place(event_id: str) -> Place:
    """Return a place that can be compared; a sequence alone is behind all that its event says."""
    seq, _, number = event_id.partition("-")
    return int(seq), int(number) if number else 1 << 30


def _id(at: Place) -> str:
    return f"{at[0]}-{at[1]}"
