"""Photos of other projects that have a basename: their files, and those of them that a check found gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from photobus_common.events.parts import FileKind
from photobus_common.store.database import Connection

UNKNOWN_BASENAMES: Final = """
SELECT n.basename FROM unnest($2::text[]) AS n (basename)
WHERE NOT EXISTS (SELECT FROM photos p WHERE p.project_id = $1 AND p.filename = n.basename)
"""

NAMESAKES: Final = """
SELECT p.id, p.filename, p.project_id FROM photos p JOIN projects pr ON pr.id = p.project_id
WHERE p.tenant = $1 AND p.filename = ANY($3::text[]) AND p.project_id <> $2 AND pr.status = 'active'
ORDER BY p.project_id, p.id
"""

FILES_OF_NAMESAKES: Final = """
SELECT photo_id, name, kind, size, md5, false AS lost FROM photo_files WHERE photo_id = ANY($1::bigint[])
UNION ALL
SELECT photo_id, name, kind, size, md5, true FROM lost_files WHERE photo_id = ANY($1::bigint[])
"""


@dataclass(frozen=True)
class KnownBytes:
    """A file of a photo as it is on record; ``lost`` where a check found it gone."""

    name: str
    kind: FileKind
    size: int
    md5: str
    lost: bool


@dataclass(frozen=True)
class Namesake:
    """A photo of another project that has the basename."""

    photo_id: int
    basename: str
    project_id: int
    originals: tuple[KnownBytes, ...]


async def unknown_basenames(connection: Connection, project_id: int, basenames: Sequence[str]) -> list[str]:
    """Return those of ``basenames`` that no photo of the project has, in their order."""
    rows = await connection.fetch(UNKNOWN_BASENAMES, project_id, list(basenames))
    unknown = {row["basename"] for row in rows}
    return [name for name in basenames if name in unknown]


async def namesakes(
    connection: Connection, tenant: str, project_id: int, basenames: Sequence[str]
) -> dict[str, list[Namesake]]:
    """Return the photos of other active projects that have these basenames, with their originals; sidecars are none."""
    rows = await connection.fetch(NAMESAKES, tenant, project_id, list(basenames))
    files: dict[int, list[KnownBytes]] = {row["id"]: [] for row in rows}
    for row in await connection.fetch(FILES_OF_NAMESAKES, list(files)):
        if row["kind"] != "sidecar":
            files[row["photo_id"]].append(
                KnownBytes(row["name"], row["kind"], row["size"], row["md5"], row["lost"]),
            )
    found: dict[str, list[Namesake]] = {}
    for row in rows:
        one = Namesake(row["id"], row["filename"], row["project_id"], tuple(files[row["id"]]))
        found.setdefault(one.basename, []).append(one)
    return found
