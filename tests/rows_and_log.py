"""Whether the rows of the catalogue are as the log says, and what tests write into rows, told in the log."""

from typing import Any, Final

import asyncpg
from bus_traffic import ORIGIN
from running_stack import RunningStack

from photobus_common.events.projects import FileFact, KeptKinds, PhotoRestored, PhotosRestored
from photobus_common.store.database import Database
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_orchestrator.audit.catalogue import differences

PHOTO: Final = """
SELECT p.id, p.filename, p.version, p.project_id, pr.folder, p.keep_jpg, p.keep_raw, p.keep_other,
    p.thumbnail_status, p.preview_status,
    ARRAY (SELECT tag FROM photo_tags WHERE photo_id = p.id) AS tags
FROM photos p JOIN projects pr ON pr.id = p.project_id WHERE p.id = $1
"""
FILES: Final = "SELECT name, kind, size, md5 FROM photo_files WHERE photo_id = $1"


async def disagreements(database: Database) -> list[str]:
    """Return every difference between the catalogue's rows and the log, archived or not, at one moment."""
    async with database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        return [line async for line in differences(connection)]


async def disagreements_of(stack: RunningStack) -> list[str]:
    """Return the same of a whole system that runs."""
    connection = await asyncpg.connect((stack.data / "run" / "dsn").read_text().strip())
    try:
        async with connection.transaction(isolation="repeatable_read"):
            return [line async for line in differences(connection)]
    finally:
        await connection.close()


async def tell_of_photo(work: UnitOfWork, photo_id: int) -> None:
    """Say of a photo whose rows a test wrote how it stands, as if it had come back."""
    (row,) = await work.connection.fetch(PHOTO, photo_id)
    told: dict[str, Any] = {name: row[name] for name in ("filename", "version", "thumbnail_status", "preview_status")}
    files = tuple(FileFact(**file) for file in await work.connection.fetch(FILES, photo_id))
    keep = KeptKinds(jpg=row["keep_jpg"], raw=row["keep_raw"], other=row["keep_other"])
    part = PhotoRestored(photo_id=photo_id, **told, keep=keep, tags=tuple(row["tags"]), files=files)
    about = {"project_id": row["project_id"], "project_folder": row["folder"]}
    work.emit(ORIGIN.event(PhotosRestored(**about, cause="undo", photos=(part,))))
