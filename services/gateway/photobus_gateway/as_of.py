"""A place in the log that a caller names, by its sequence or by a time: what is shown is what stood there then."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from photobus_common.store.database import Connection
from photobus_common.store.event_replay import archived_until
from photobus_common.store.positions import position_at

AS_OF: Final = "A sequence of the log or a time: how it stood then, as far as the archive has come."
"""What the parameter of that name is, for those who read of it."""

MAX_SEQUENCE: Final = 2**63 - 1

_SEQUENCE: Final = re.compile(r"\d+", re.ASCII)

_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)

_WANTED: Final = "give a sequence of the log, or a time with its zone such as 2026-03-01T12:00:00Z (RFC 3339)"


@dataclass(frozen=True)
class AsOf:
    """A sequence of the log, or a moment in UTC."""

    at: int | datetime

    async def position(self, connection: Connection, tenant: str) -> int:
        """Return the sequence up to which the tenant's log counts; never beyond the archive, whose end is now."""
        if isinstance(self.at, datetime):
            return await position_at(connection, tenant, self.at)
        return min(self.at, await archived_until(connection))


def _read(given: object) -> object:
    """Return what the text means; raises ``ValueError`` where it is neither a sequence nor a time that exists."""
    if not isinstance(given, str):
        return given
    if _SEQUENCE.fullmatch(given):
        return AsOf(_sequence(given))
    if _RFC_3339.fullmatch(given):
        return AsOf(_moment(given))
    raise ValueError(_WANTED)


def _sequence(given: str) -> int:
    if len(given) > len(str(MAX_SEQUENCE)) or int(given) > MAX_SEQUENCE:
        raise PydanticCustomError("less_than_equal", "a sequence is at most {le}", {"le": MAX_SEQUENCE})
    return int(given)


def _moment(given: str) -> datetime:
    try:
        return datetime.fromisoformat(given.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"there is no such time; {_WANTED}") from error


_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [
        {"type": "integer", "minimum": 0, "maximum": MAX_SEQUENCE},
        {"type": "string", "format": "date-time"},
    ],
}

AsOfInput = Annotated[AsOf, BeforeValidator(_read), WithJsonSchema(_SCHEMA)]
"""The parameter ``as_of`` of a query, to be declared as ``AsOfInput | None``."""
