"""Confirmations in words."""

from typing import Final

from photobus_common.events.confirmations import (
    ConfirmationAnswered,
    ConfirmationEvent,
    ConfirmationExpired,
    ConfirmationRequested,
)
from photobus_gateway.words.phrasing import counted, quoted, sentence_of


def _of(data: ConfirmationEvent) -> str:
    return f"of project {quoted(data.project_folder)}" if data.project_folder else "of the library"


def _requested(data: ConfirmationRequested) -> str:
    lacking = f"{data.lacking} of {counted(data.photos, 'photo')} {_of(data)}"
    return f"Confirmation asked for, for {lacking} would be removed: {data.reason}"


def _answered(data: ConfirmationAnswered) -> str:
    if data.confirmed:
        return f"Confirmed that what is missing {_of(data)} is gone for good"
    return f"Refused to have anything {_of(data)} removed"


def _expired(data: ConfirmationExpired) -> str:
    return f"Confirmation {_of(data)} needs no answer any more, for the project is gone"


SENTENCES: Final = (
    sentence_of(ConfirmationRequested, _requested),
    sentence_of(ConfirmationAnswered, _answered),
    sentence_of(ConfirmationExpired, _expired),
)
