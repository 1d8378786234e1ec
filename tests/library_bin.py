"""A library's trash in tests, and deleted projects in it and beside it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from bus_traffic import TENANT
from shelf import JPEG, MADE_AT, Shelf, put
from working import Site

from photobus_common.storage.manifest import MANIFEST, Manifest
from photobus_common.storage.project_folder import TRASH, trash_folder

DELETED = """
INSERT INTO projects (tenant, name, folder, created_at, status, cancel_cause, archived_at, deleted_by)
VALUES ($1, $2, $2, $3, 'canceled', 'deleted', now(), $4) RETURNING id
"""


MOVED = """
INSERT INTO project_operations (tenant, project_id, task_id, kind, path, target_path, device, inode, state, outcome)
VALUES ($1, $2, $3, 'trash', $4, $5, $6, $7, 'done', 'moved')
"""


OPERATION = """
INSERT INTO project_operations (tenant, project_id, task_id, kind, path, target_path, device, inode, state, outcome)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


TASK = """
INSERT INTO tasks (id, tenant, type, scope, source, label, actor, status, state, created_at, ended_at)
VALUES ($1, $2, $3, 'project', 'user', 'x', 'tester', 'running', '{}', now(), $4)
"""


PHOTO = "INSERT INTO photos (tenant, project_id, filename, taken_at) VALUES ($1, $2, 'A', now())"
OF_TASK = "INSERT INTO task_projects (task_id, project_id) VALUES ($1, $2)"


def named(hours: float, cause: UUID | None = None) -> str:
    """Name a trash folder of so many hours ago."""
    return trash_folder(datetime.now(UTC) - timedelta(hours=hours), cause or uuid4())


class Bin:
    """The library's trash, and deleted projects in it and beside it."""

    def __init__(self, shelf: Shelf, site: Site) -> None:
        self.shelf = shelf
        self.site = site

    async def row(self, name: str, task: UUID | None = None) -> int:
        """Write the row of a deleted project."""
        async with self.shelf.database.transaction() as connection:
            return int(await connection.fetchval(DELETED, TENANT, name, MADE_AT, task or uuid4()))

    def folder(self, path: Path, project_id: int | None = None, name: str = "x") -> Path:
        """Make a folder with some files, and a manifest."""
        (path / ".thumb").mkdir(parents=True)
        put(path / "A.jpg", JPEG)
        put(path / ".thumb" / "A.jpg", b"123")
        if project_id is not None:
            manifest = Manifest(id=project_id, name=name, created_at=MADE_AT)
            (path / MANIFEST).write_bytes(manifest.encode())
        return path

    async def deleted(self, name: str, hours: float) -> tuple[int, Path]:
        """Make a project that was deleted so many hours ago."""
        task = uuid4()
        project_id = await self.row(name, task)
        path = f"{TRASH}/{named(hours, task)}/{name}"
        folder = self.folder(self.shelf.root / path, project_id, name)
        identity = (folder.stat().st_dev, folder.stat().st_ino)
        await self.site.execute(MOVED, TENANT, project_id, task, name, path, *identity)
        return project_id, folder

    async def unmoved(self, name: str, state: str, outcome: str | None) -> tuple[int, Path]:
        """Make a project whose deletion could not move its folder."""
        project_id = await self.row(name)
        folder = self.folder(self.shelf.root / name, project_id, name)
        identity = (folder.stat().st_dev, folder.stat().st_ino)
        target = f"{TRASH}/{named(1)}/{name}"
        await self.site.execute(
            OPERATION, TENANT, project_id, uuid4(), "trash", name, target, *identity, state, outcome
        )
        return project_id, folder

    async def photo(self, project_id: int) -> None:
        """Write the row of a photo that its project's deletion left."""
        await self.site.execute(PHOTO, TENANT, project_id)

    async def task(self, kind: str, project_id: int, *, ended: bool) -> UUID:
        """Make a task on a project."""
        task = uuid4()
        await self.site.execute(TASK, task, TENANT, kind, datetime.now(UTC) if ended else None)
        await self.site.execute(OF_TASK, task, project_id)
        return task

    @property
    def names(self) -> list[str]:
        """Names of what lies in the folders of the trash."""
        return sorted(path.name for path in (self.shelf.root / TRASH).glob("*/*"))
