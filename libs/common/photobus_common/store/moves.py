"""Photos that move between projects: what is taken where they go to, and their rows as they come to lie there."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from photobus_common.moving import NOTHING, Destination, Listing, Move, Taken, Wish, candidates
from photobus_common.store.database import Connection
from photobus_common.store.file_operations import FileOperation
from photobus_common.store.reconciliation import CHANGED_PHOTO, ChangedPhoto

TAKEN_BASENAMES: Final = """
SELECT p.filename FROM photos p JOIN projects pr ON pr.id = p.project_id
WHERE p.tenant = $1 AND p.filename = ANY($3::text[]) AND p.id <> ALL($4::bigint[])
    AND (p.project_id = $2 OR ($5 AND pr.status = 'active'))
UNION
SELECT u.basename FROM uploads u JOIN projects pr ON pr.id = u.project_id
WHERE u.state = 'placing' AND u.tenant = $1 AND u.basename = ANY($3::text[])
    AND (u.project_id = $2 OR ($5 AND pr.status = 'active'))
UNION
SELECT o.target_filename FROM file_operations o
WHERE o.state = 'open' AND o.tenant = $1 AND o.target_filename = ANY($3::text[])
    AND (o.target_project_id = $2 OR $5) AND o.photo_id <> ALL($4::bigint[])
"""

TAKEN_NAMES: Final = """
SELECT name FROM photo_files WHERE project_id = $1 AND name = ANY($2::text[])
UNION
SELECT target_name FROM uploads WHERE state = 'placing' AND project_id = $1 AND target_name = ANY($2::text[])
UNION
SELECT target_path FROM file_operations
WHERE state = 'open' AND target_project_id = $1 AND target_path = ANY($2::text[]) AND photo_id <> ALL($3::bigint[])
"""

TAKEN_BY_OTHERS: Final = """
SELECT n.photo_id FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[])
    AS n (photo_id, project_id, filename, name)
WHERE EXISTS (
    SELECT FROM photos p WHERE p.project_id = n.project_id AND p.filename = n.filename AND p.id <> n.photo_id
) OR EXISTS (
    SELECT FROM photo_files f WHERE f.project_id = n.project_id AND f.name = n.name AND f.photo_id <> n.photo_id
)
"""

BASENAMES_BEING_PLACED: Final = """
SELECT basename FROM uploads WHERE project_id = $1 AND state = 'placing' AND basename IS NOT NULL
"""

MOVE_PHOTOS: Final = f"""
UPDATE photos p SET project_id = $1, filename = n.filename,
    thumbnail_status = CASE WHEN n.lost_thumbnail AND p.thumbnail_status = 'generated' THEN 'pending'
        ELSE p.thumbnail_status END,
    preview_status = CASE WHEN n.lost_preview AND p.preview_status = 'generated' THEN 'pending'
        ELSE p.preview_status END,
    derivative_key = CASE WHEN NOT (n.lost_thumbnail OR n.lost_preview) THEN p.derivative_key END,
    version = p.version + 1, updated_at = now()
FROM unnest($2::bigint[], $3::text[], $4::boolean[], $5::boolean[])
    AS n (id, filename, lost_thumbnail, lost_preview)
WHERE p.id = n.id
RETURNING {CHANGED_PHOTO}
"""  # noqa: S608 - put together from constants

MOVE_FILES: Final = """
UPDATE photo_files f SET project_id = $1, name = n.target
FROM unnest($2::bigint[], $3::text[], $4::text[]) AS n (photo_id, name, target)
WHERE f.photo_id = n.photo_id AND f.name = n.name
"""

_MORE_NUMBERS: Final = 3
"""Names that are asked for beyond one for each photo."""

UniqueNames = Literal["library", "project"]


@dataclass(frozen=True)
class MovedRow:
    """A photo as it lies at its destination; ``files`` maps each name it had to the one it has."""

    photo_id: int
    filename: str
    files: Mapping[str, str]
    lost_thumbnail: bool
    lost_preview: bool


async def taken_at(
    connection: Connection,
    tenant: str,
    project_id: int,
    moving: Sequence[int],
    moves: Sequence[Move],
    unique: UniqueNames,
) -> Taken:
    """Return what the catalogue knows to be taken in the project of the names that ``moves`` would give.

    Where basenames are unique in the library (``unique``), one with a number must be free in all of it; the one
    that was wished for has its photo already. The photos ``moving`` do not count.
    """
    own = sorted({move.filename for move in moves if not move.is_numbered})
    new = sorted({move.filename for move in moves if move.is_numbered})
    names = sorted({name for move in moves for _, name in move.files})
    found: set[str] = set()
    for basenames, everywhere in ((own, False), (new, unique == "library")):
        if basenames:
            rows = await connection.fetch(TAKEN_BASENAMES, tenant, project_id, basenames, moving, everywhere)
            found.update(row["filename"] for row in rows)
    rows = await connection.fetch(TAKEN_NAMES, project_id, names, moving)
    return Taken(frozenset(found), frozenset(row["name"] for row in rows))


async def planned_moves(
    connection: Connection,
    tenant: str,
    project_id: int,
    wishes: Sequence[Wish],
    unique: UniqueNames,
    on_disk: Listing = NOTHING,
) -> list[Move]:
    """Plan by what the catalogue says, and the disk where the caller has looked at it."""
    moving = sorted({wish.photo.id for wish in wishes})
    numbers = {alike: count + _MORE_NUMBERS for alike, count in Counter(wish.alike for wish in wishes).items()}
    while True:
        taken = await taken_at(connection, tenant, project_id, moving, candidates(wishes, numbers), unique)
        moves = Destination(taken, on_disk).plan(wishes, numbers)
        planned = [move for move in moves if move is not None]
        if len(planned) == len(wishes):
            return planned
        for alike in {wish.alike for wish, move in zip(wishes, moves, strict=True) if move is None}:
            numbers[alike] *= 4


async def taken_by_others(connection: Connection, operations: Sequence[FileOperation]) -> frozenset[int]:
    """Return the photos on their way whose basename, or a file's name, another photo has at the destination by now."""
    moves = [one for one in operations if one.kind in {"move", "restore"}]
    rows = await connection.fetch(
        TAKEN_BY_OTHERS,
        [one.photo_id for one in moves],
        [one.target_project_id for one in moves],
        [one.target_filename for one in moves],
        [one.target_path for one in moves],
    )
    return frozenset(row["photo_id"] for row in rows)


async def basenames_being_placed(connection: Connection, project_id: int) -> frozenset[str]:
    """Return the basenames of photos that open uploads intend to bring files to."""
    return frozenset(row["basename"] for row in await connection.fetch(BASENAMES_BEING_PLACED, project_id))


async def move_rows(connection: Connection, project_id: int, moved: Sequence[MovedRow]) -> dict[int, ChangedPhoto]:
    """Let photos and their files lie in the project; returns each as it is now. Their rows are locked."""
    if not moved:
        return {}
    files = [(row.photo_id, name, target) for row in moved for name, target in row.files.items()]
    rows = await connection.fetch(
        MOVE_PHOTOS,
        project_id,
        [row.photo_id for row in moved],
        [row.filename for row in moved],
        [row.lost_thumbnail for row in moved],
        [row.lost_preview for row in moved],
    )
    columns = list(zip(*files, strict=True)) or [(), (), ()]
    await connection.execute(MOVE_FILES, project_id, *(list(column) for column in columns))
    return {row["id"]: ChangedPhoto(**row) for row in rows}
