"""Photos as callers call them, in the whole library: by id, by basename, or by the name of one of their files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from photobus_common.store.database import Connection

_COLUMNS: Final = "p.id, p.project_id, pr.folder AS project_folder, p.filename"

PLACES_OF_PHOTOS: Final = f"""
SELECT {_COLUMNS} FROM photos p JOIN projects pr ON pr.id = p.project_id
WHERE p.tenant = $1 AND p.id = ANY($2::bigint[]) AND pr.status = 'active'
"""  # noqa: S608 - put together from constants

# A name is first of all a basename. The files of a photo are all called after it, so that they need no index by name.
PLACES_OF_NAMES: Final = f"""
SELECT n.name, false AS by_file, {_COLUMNS}
FROM unnest($2::text[]) AS n (name)
JOIN photos p ON p.tenant = $1 AND p.filename = n.name
JOIN projects pr ON pr.id = p.project_id AND pr.status = 'active'
UNION ALL
SELECT n.name, true, {_COLUMNS}
FROM unnest($2::text[], $3::text[]) AS n (name, basename)
JOIN photos p ON p.tenant = $1 AND p.filename = n.basename
JOIN projects pr ON pr.id = p.project_id AND pr.status = 'active'
JOIN photo_files f ON f.photo_id = p.id AND f.name = n.name
ORDER BY project_folder, id
"""  # noqa: S608 - put together from constants


@dataclass(frozen=True)
class PlacedPhoto:
    """A photo and the active project in which it lies."""

    id: int
    project_id: int
    project_folder: str
    filename: str


async def places_of_photos(connection: Connection, tenant: str, photo_ids: Sequence[int]) -> dict[int, PlacedPhoto]:
    """Return where each of the photos lies; unknown ones are absent."""
    rows = await connection.fetch(PLACES_OF_PHOTOS, tenant, photo_ids)
    return {row["id"]: PlacedPhoto(**row) for row in rows}


async def places_of_names(
    connection: Connection, tenant: str, names: Mapping[str, str]
) -> dict[str, list[PlacedPhoto]]:
    """Return all photos that each name may mean, none for an unknown one; ``names`` maps each to its basename."""
    rows = await connection.fetch(PLACES_OF_NAMES, tenant, list(names), list(names.values()))
    found: dict[str, dict[bool, list[PlacedPhoto]]] = {name: {} for name in names}
    for row in rows:
        photo = PlacedPhoto(row["id"], row["project_id"], row["project_folder"], row["filename"])
        found[row["name"]].setdefault(row["by_file"], []).append(photo)
    return {name: groups.get(False) or groups.get(True, []) for name, groups in found.items()}
