"""Rules about live updates: who is cut off and comes back has heard everything once, and in order."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from chaos.followers import Told
from chaos.journal import Entry

Place = tuple[int, int]


@dataclass
class Heard:
    """What a follower heard without a reset in between; complete from behind ``start`` on."""

    follower: str
    start: Place
    messages: list[Told] = field(default_factory=list)


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
    """Each piece is what the log tells from its start to its end, neither more nor less nor in another order."""
    known = {message[0]: message for message in everything}
    last = {piece.follower: piece for piece in pieces}
    for piece in pieces:
        places = [place(message[0]) for message in piece.messages]
        for before, after in pairwise(places):
            if after <= before:
                yield f"{piece.follower} heard {_id(after)} after {_id(before)}"
        for message in piece.messages:
            if known.get(message[0]) != message:
                yield f"{piece.follower} heard {message}, the log tells {known.get(message[0])}"
        end = place(str(until)) if last[piece.follower] is piece else max(places, default=piece.start)
        told = {message[0] for message in piece.messages}
        missed = [one[0] for one in everything if piece.start < place(one[0]) <= end and one[0] not in told]
        if missed:
            yield f"{piece.follower} missed {len(missed)} messages from {piece.start} on: {missed[:5]}"


def place(event_id: str) -> Place:
    """Return a place that can be compared; a sequence alone is behind all that its event says."""
    seq, _, number = event_id.partition("-")
    return int(seq), int(number) if number else 1 << 30


def _id(at: Place) -> str:
    return f"{at[0]}-{at[1]}"
