"""Projects with photos for tests of the web client: uploaded as anybody does, and ready to be looked at."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import asyncpg
from running_stack import RunningStack

from photobus_client import PhotobusClient

MADE_SECONDS = 60.0

INSERT_MANY = """
INSERT INTO photos (tenant, project_id, filename, jpg_available, raw_available, keep_jpg, keep_raw, keep_other,
    thumbnail_status, preview_status, taken_at, size, width, height)
SELECT tenant, id, $1 || n, true, false, true, false, false, 'missing', 'missing', now(), 1000, 3000, 2000
FROM projects, generate_series(1, $3) AS n WHERE folder = $2 AND status = 'active'
"""


async def album(photobus: PhotobusClient, folder: Path, name: str, files: Mapping[str, bytes]) -> dict[str, int]:
    """Make the project ``name`` of these files, written to ``folder`` first; return its photos' ids by their names.

    Returns when the thumbnail and preview of each photo are made, or could not be.
    """
    project = await photobus.create_project(name)
    paths = [folder / filename for filename in files]
    for path, content in zip(paths, files.values(), strict=True):
        path.write_bytes(content)
    photos: dict[str, int] = {}
    async for sent in photobus.send(project.folder, paths):
        assert sent.result.status in {"created", "paired"}, sent
        assert sent.result.photo_id is not None, sent
        photos[sent.path.stem] = sent.result.photo_id
    async with asyncio.timeout(MADE_SECONDS):
        for photo_id in photos.values():
            while (await photobus.photo(photo_id)).preview_status == "pending":  # the server alone knows when
                await asyncio.sleep(0.1)
    return photos


async def many_rows(stack: RunningStack, folder: str, name: str, count: int) -> None:
    """Write rows of photos that have no files: to bring so many in would take long, and rows alone are looked at."""
    connection = await asyncpg.connect((stack.data / "run" / "dsn").read_text().strip())
    try:
        await connection.execute(INSERT_MANY, name, folder, count)
    finally:
        await connection.close()
