"""A library of 2,000 photos in 40 projects, small and no two alike; and all that it holds, to compare by."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import images
from insight import stored
from running_stack import RunningStack
from shelf import XMP
from shoot import Visit, until_idle, upload

from photobus_client import Keep, Photo

PROJECTS: Final = 40
PHOTOS_EACH: Final = 50
PHOTOS: Final = PROJECTS * PHOTOS_EACH
ALIKE: Final = 6
"""So many photos of each of the first ten projects have names that are the same in all ten."""
PENDING: Final = 27 * 5 + 400 + 100
"""Photos of which files are no longer to be kept: pairs of 27 projects, of which one file stays, and others."""
GOING: Final = 400 + 100
"""Those of them of which nothing is kept."""
SHOWN_ANEW: Final = 13 * 5
"""Pairs whose JPEG is not kept: thumbnail and preview are made of the RAW when it has gone."""
TAGGED: Final = "every third"

PHOTO_ROWS: Final = "SELECT to_jsonb(p) - ARRAY['version', 'updated_at'] AS row FROM photos p"
FILE_ROWS: Final = "SELECT to_jsonb(f) - 'id' AS row FROM photo_files f"
TAG_ROWS: Final = """
SELECT jsonb_build_object('photo_id', photo_id, 'tags', array_agg(tag ORDER BY tag)) AS row FROM photo_tags
GROUP BY photo_id
"""
COUNT_ROWS: Final = """
SELECT jsonb_build_object('project_id', project_id, 'month', month, 'photos', photos) AS row FROM (
    SELECT project_id, 'all months' AS month, photos FROM project_totals
    UNION ALL SELECT project_id, month::text, photos FROM project_months
) AS counted WHERE photos <> 0
"""


@dataclass(frozen=True)
class State:
    """All of a library but what counts on: the MD5 of every file that is in no trash, by path, and all rows."""

    tree: Mapping[str, str]
    photos: Mapping[int, Mapping[str, Any]]
    files: Sequence[Mapping[str, Any]]
    tags: Mapping[int, Sequence[str]]
    counts: Mapping[tuple[int, Any], int]

    @classmethod
    async def of(cls, stack: RunningStack) -> Self:
        """Read it."""
        photos, files, tags, counts = [
            [json.loads(row["row"]) for row in await stored(stack, query)]
            for query in (PHOTO_ROWS, FILE_ROWS, TAG_ROWS, COUNT_ROWS)
        ]
        return cls(
            {path: md5 for path, md5 in hashes(stack).items() if ".trash" not in Path(path).parts},
            {row["id"]: row for row in photos},
            files,
            {row["photo_id"]: row["tags"] for row in tags},
            {(row["project_id"], row["month"]): row["photos"] for row in counts},
        )

    def differences(self, other: "State") -> list[str]:
        """Return in words where the other differs, not more than can be read."""
        mine, theirs = self._facts(), other._facts()
        return [
            f"{about}: {mine.get(about)} became {theirs.get(about)}"
            for about in sorted(mine.keys() | theirs.keys())
            if mine.get(about) != theirs.get(about)
        ][:10]

    def _facts(self) -> dict[str, Any]:
        return {
            **{f"file {path}": md5 for path, md5 in self.tree.items()},
            **{f"photo {photo_id}": row for photo_id, row in self.photos.items()},
            **{f"row of file {row['project_id']}/{row['name']}": row for row in self.files},
            **{f"tags of {photo_id}": tags for photo_id, tags in self.tags.items()},
            **{f"photos of {project_id} in {month}": photos for (project_id, month), photos in self.counts.items()},
        }


def hashes(stack: RunningStack) -> dict[str, str]:
    """Return the MD5 of every file of the library, trash and hidden ones included, by its path."""
    library = stack.data / "library" / "user_0"
    return {
        str(path.relative_to(library)): hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        for path in library.rglob("*")
        if path.is_file()
    }


def originals(found: Mapping[str, str]) -> Counter[str]:
    """Return how often each original is among the files, in projects and trash, by its MD5."""
    return Counter(md5 for path, md5 in found.items() if is_original(path))


def is_original(path: str) -> bool:
    """Whether the file is a photo's, or its sidecar, in a project or in its trash."""
    parts = Path(path).parts
    return not parts[-1].startswith(".") and not {".thumb", ".preview"} & {*parts}


async def arrange(photobus: Visit) -> None:
    """Fill the library: photos with derivatives, tags, and deletions that are pending."""
    folders = [(await photobus.create_project(f"Day {number:02}")).folder for number in range(PROJECTS)]
    few_at_a_time = asyncio.Semaphore(4)

    async def fill(number: int) -> None:
        async with few_at_a_time:
            results = await upload(photobus, folders[number], dict(_files(number)))
            assert {result["status"] for result in results.values()} == {"created", "paired"}

    await asyncio.gather(*map(fill, range(PROJECTS)))
    await until_idle(photobus, PROJECTS)
    photos = [photo async for photo in photobus.photos()]
    await photobus.photo_sets.add_tags({photo.id: [TAGGED, f"of {photo.project_folder}"] for photo in photos[::3]})
    wishes = {photo.id: wish for photo in photos if (wish := _wish(photo)).fields()}
    await photobus.photo_sets.keep(wishes)


def _files(project: int) -> Iterator[tuple[str, bytes]]:
    """Yield a project's files: mostly JPEGs, each tenth photo with RAW and sidecars, each tenth a PNG."""
    for number in range(PHOTOS_EACH):
        name = f"IMG_{number:04}" if number < ALIKE and project < PROJECTS // 4 else f"D{project:02}_{number:04}"
        picture = images.noise(96, 64, seed=project * PHOTOS_EACH + number)
        if number % 10 == 5:
            yield f"{name}.png", images.png(picture)
            continue
        yield f"{name}.jpg", images.jpeg(picture=picture)
        if number % 10 == 0:
            mark = f"<!-- {project} {number} -->".encode()
            yield f"{name}.dng", images.dng(96, 64) + mark
            yield f"{name}.dng.xmp", XMP + mark
            yield f"{name}.xmp", XMP + mark + b"<!-- of both -->"


def _wish(photo: Photo) -> Keep:
    """Say what is kept of a photo: of some pairs one of both, of two in ten JPEGs and of half of the PNGs nothing."""
    project, number = int(photo.project_folder[-2:]), int(photo.filename[-4:])
    if number % 10 == 0:
        return (Keep(raw=False), Keep(jpg=False), Keep())[project % 3]
    if number % 10 == 5:
        return (Keep(), Keep(other=False))[project % 2]
    return Keep(jpg=False) if number % 10 in {3, 7} else Keep()
