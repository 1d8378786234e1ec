"""What owners do with their own hands, in the library's folder and past photobus."""

import asyncio
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from chaos.holdings import Held
from chaos.line import NewFile
from chaos.owner import Owner
from chaos.task_deeds import undo_task
from chaos.upload_deeds import new_file

CREATED = 201


async def lay_where_an_undo_leads(owner: Owner) -> None:
    """Lay a file under the name of a photo that was thrown away, and take back what threw it away."""
    thrown = [
        (asked, photo)
        for asked in owner.has.undoable()
        if asked.kind == "commit"
        for photo in asked.photos
        if photo.gone and "jpg" in photo.kinds and owner.has.folder(photo.project)
    ]
    if thrown:
        asked, photo = thrown[-1]
        await _lay(owner, photo)
        await undo_task(owner, asked)


async def _lay(owner: Owner, photo: Held) -> None:
    folder = None if owner.library is None else owner.library / (owner.has.folder(photo.project) or "")
    if folder is None:
        return
    file = new_file(owner, f"{photo.base}.jpg")
    if await asyncio.to_thread(_laid, folder, file):
        owner.line.note("lay by hand", CREATED, {}, files=[file.facts()], photo=photo.photo_id)


def _laid(folder: Path, file: NewFile) -> bool:
    """Write the file whole and then link it: as careful people do it, it appears at once or not at all."""
    temporary = folder / f".by-hand-{uuid4().hex}"
    with suppress(OSError):
        try:
            temporary.write_bytes(file.content)
            (folder / file.name).hardlink_to(temporary)
            return True
        finally:
            temporary.unlink(missing_ok=True)
    return False
