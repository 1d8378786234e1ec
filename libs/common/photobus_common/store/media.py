"""Where the bytes of a photo lie: what the routes that serve them need to know of it."""

from dataclasses import dataclass
from typing import Final

from photobus_common.events.parts import DerivativeStatus
from photobus_common.store.database import Connection

PLACE_OF_PHOTO: Final = """
SELECT p.project_id, p.filename, pr.folder, p.thumbnail_status, p.preview_status, p.derivative_key,
    p.derivative_reason, p.version
FROM photos p JOIN projects pr ON pr.id = p.project_id
WHERE p.tenant = $1 AND p.id = $2 AND pr.status = 'active'
"""


@dataclass(frozen=True)
class PhotoPlace:
    """A photo of an active project: its basename, its folder, and the state of its derivatives."""

    project_id: int
    filename: str
    folder: str
    thumbnail_status: DerivativeStatus
    preview_status: DerivativeStatus
    derivative_key: str | None
    derivative_reason: str | None
    version: int


async def place_of_photo(connection: Connection, tenant: str, photo_id: int) -> PhotoPlace | None:
    """Return where the photo lies; None when the tenant has no such photo in an active project."""
    row = await connection.fetchrow(PLACE_OF_PHOTO, tenant, photo_id)
    return None if row is None else PhotoPlace(**dict(row))
