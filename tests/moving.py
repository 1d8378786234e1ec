"""Moves as tests command them, and the state that they must end in."""

from collections.abc import Sequence

from removing import originals, rows_agree
from shelf import Photo, Shelf, md5
from working import Site

from photobus_common.commands import RunJob

WHERE = """
SELECT p.id, pr.folder, p.filename,
    ARRAY (SELECT f.name FROM photo_files f WHERE f.photo_id = p.id ORDER BY f.name) AS files
FROM photos p JOIN projects pr ON pr.id = p.project_id ORDER BY p.id
"""
SAID_OF = """
SELECT p.keep_jpg, p.keep_raw, p.keep_other, ARRAY (SELECT t.tag FROM photo_tags t WHERE t.photo_id = p.id ORDER BY 1)
FROM photos p ORDER BY p.id
"""


async def move(site: Site, photos: Sequence[Photo], project_id: int) -> RunJob:
    """Command a job that moves ``photos`` to the project."""
    params = {"dest_project_id": project_id}
    return await site.post(
        [photo.target for photo in photos], "image_move_files", task_type="image_move", params=params
    )


async def whereabouts(site: Site) -> list[tuple[int, str, str, list[str]]]:
    """Return of each photo its id, the folder it lies in, its basename and its files."""
    return [(row[0], row[1], row[2], list(row[3])) for row in await site.fetch(WHERE)]


def contents(shelf: Shelf) -> list[str]:
    """Return the MD5 of every file that is no derivative, sorted: what no move may change."""
    paths = (path for path in shelf.root.rglob("*") if path.is_file())
    kept = (path for path in paths if path.parent.name not in {".thumb", ".preview"} and path.name[0] != ".")
    return sorted(md5(path.read_bytes()) for path in kept)


async def accounted(shelf: Shelf, site: Site, before: dict[int, str]) -> bool:
    """Whether every original is there exactly once, and rows agree with the disk."""
    return originals(shelf).keys() == before.keys() and await rows_agree(shelf, site)
