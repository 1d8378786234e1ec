"""Tasks that are done and undone, by the service's own handlers; and all of a library, to compare before and after."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from shelf import Shelf
from working import Site, hired

from photobus_common.commands import RunJob
from photobus_common.config import Settings
from photobus_common.events import decode
from photobus_common.storage.project_folder import TRASH, modified_at
from photobus_common.worker.job import Handler

OUTBOX: Final = "SELECT id, payload FROM outbox WHERE kind = 'event' ORDER BY created_at, id"
ARCHIVE: Final = """
INSERT INTO event_log (seq, event_id, time, type, tenant, subject, actor, task_id, project_id, photo_ids, payload, hash)
SELECT coalesce(max(seq), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8, $9::bigint[], $10, '' FROM event_log
ON CONFLICT DO NOTHING
"""
ADD_TASK: Final = """
INSERT INTO tasks (id, tenant, type, scope, source, label, actor, status, state, undo_of, created_at)
VALUES ($1, $2, 'undo', 'photo_set', 'user', 'Undo', 'tester', 'running', '{}', $3, now())
"""
ITEMS: Final = """
SELECT i.photo_id, coalesce(p.project_id, i.project_id) FROM task_items i LEFT JOIN photos p ON p.id = i.photo_id
WHERE i.task_id = $1 ORDER BY 2, 1
"""
PHOTOS: Final = "SELECT to_jsonb(p) - ARRAY['version', 'updated_at'] FROM photos p ORDER BY id"
FILES: Final = "SELECT to_jsonb(f) - 'id' FROM photo_files f ORDER BY project_id, name"
TAGS: Final = "SELECT photo_id, tag FROM photo_tags ORDER BY 1, 2"
SIZES: Final = """
UPDATE photos p SET size = (
    SELECT coalesce(sum(f.size), 0) FROM photo_files f WHERE f.photo_id = p.id AND f.kind <> 'sidecar'
)
"""
TIMES: Final = """
UPDATE photo_files f SET modified_at = $3 FROM projects pr WHERE pr.id = f.project_id AND pr.folder = $1 AND f.name = $2
"""
SHOWN: Final = ("thumbnail_status", "preview_status", "derivative_key")


async def archive(site: Site) -> None:
    """Put everything that was said into the archive, in its order; nothing else does here."""
    for event_id, payload in await site.fetch(OUTBOX):
        event = decode(payload)
        await site.execute(
            ARCHIVE,
            event_id,
            event.time,
            event.type,
            event.tenant,
            event.subject,
            event.actor,
            event.data.task() or event.correlation_id,
            event.data.project(),
            list(event.data.changed_photo_ids()) or None,
            payload.decode(),
        )


async def ask_undo(site: Site, undone: RunJob) -> RunJob:
    """Command the undo of what a job's task did, as the orchestrator does once it is in the archive."""
    await archive(site)
    items: Sequence[tuple[Any, ...]] = await site.fetch(ITEMS, undone.task_id)
    params = {"undo_of": str(undone.task_id)}
    command = await site.post(
        [(photo, project) for photo, project in items], "undo_files", params=params, task_type="undo"
    )
    await site.execute(ADD_TASK, command.task_id, command.tenant, undone.task_id)
    return command


async def undo(site: Site, settings: Settings, handlers: Mapping[str, Handler], undone: RunJob) -> RunJob:
    """Undo what a job's task did, to the end."""
    command = await ask_undo(site, undone)
    async with hired(settings, handlers):
        await site.until_idle()
    return command


async def let_rows_be_true(shelf: Shelf, site: Site, *folders: str) -> None:
    """Let rows say of the files in the projects what an upload would: how large they are, and their own times."""
    await site.execute(SIZES)
    for folder in folders:
        with shelf.library.open_project(folder) as opened:
            for entry in opened.list():
                await site.execute(TIMES, folder, entry.name, modified_at(entry))


async def rows(site: Site, *, shown: bool = True) -> list[Any]:
    """Return all rows of photos, files and tags, by all columns that count; ``shown``: those of derivatives too."""
    photos = [row for (row,) in await site.fetch(PHOTOS)]
    if not shown:
        photos = [{name: value for name, value in row.items() if name not in SHOWN} for row in photos]
    return [photos, [row for (row,) in await site.fetch(FILES)], await site.fetch(TAGS)]


def tree(shelf: Shelf) -> dict[str, str]:
    """Return the MD5 of every file of the library that is in no trash, by its path."""
    paths = sorted(path for path in shelf.root.rglob("*") if path.is_file() and TRASH not in path.parts)
    return {str(path.relative_to(shelf.root)): _md5(path.read_bytes()) for path in paths}


def contents(shelf: Shelf) -> list[str]:
    """Return the MD5s of all originals, in projects and trash."""
    found = [path for path in shelf.root.rglob("*") if path.is_file() and not {".thumb", ".preview"} & {*path.parts}]
    return sorted(_md5(path.read_bytes()) for path in found)


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
