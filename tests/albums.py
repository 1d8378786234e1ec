"""Projects with photos for tests of the web client: uploaded as anybody does, and ready to be looked at."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from photobus_client import PhotobusClient

MADE_SECONDS = 60.0


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
        assert sent.result.photo_id is not None, sent
        photos[sent.path.stem] = sent.result.photo_id
    async with asyncio.timeout(MADE_SECONDS):
        for photo_id in photos.values():
            while (await photobus.photo(photo_id)).preview_status == "pending":  # the server alone knows when
                await asyncio.sleep(0.1)
    return photos
