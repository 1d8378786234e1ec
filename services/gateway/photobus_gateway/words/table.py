"""Which sentence belongs to which type of event."""

from typing import Final

from photobus_common.events import EventData
from photobus_gateway.words import access, confirmations, jobs, maintenance, photos, projects, schedules, tasks
from photobus_gateway.words.phrasing import Sentence

SENTENCES: Final[dict[type[EventData], Sentence]] = dict(
    (
        *tasks.SENTENCES,
        *jobs.SENTENCES,
        *confirmations.SENTENCES,
        *schedules.SENTENCES,
        *projects.SENTENCES,
        *photos.SENTENCES,
        *maintenance.SENTENCES,
        *access.SENTENCES,
    )
)
"""Of an event as a whole; a test holds it against the catalogue."""

SENTENCES_OF_PHOTO: Final[dict[type[EventData], Sentence]] = dict((*photos.OF_PHOTO, *maintenance.OF_PHOTO))
"""Of what an event tells of one photo."""


def sentence(data: EventData) -> str:
    """Say what an event tells."""
    return SENTENCES[type(data)](data)


def sentence_of_photo(data: EventData) -> str:
    """Say what an event tells of the one photo that ``data`` is left with."""
    return SENTENCES_OF_PHOTO.get(type(data), sentence)(data)
