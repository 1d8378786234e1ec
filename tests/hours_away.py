"""Projects whose folders are taken away, and runs of the job that looks for them, hours apart."""

from pathlib import Path
from typing import Any

from dying import Runner
from shelf import Photo, Shelf
from upkeep import report
from working import Site

JOB = "orphaned_project_cleanup"


STATE = "SELECT status, cancel_cause FROM projects WHERE id = $1"


LATER = "UPDATE missing_folders SET since = since - interval '61 minutes'"


LONG_AGO = "UPDATE projects SET archived_at = archived_at - interval '61 minutes' WHERE status = 'canceled'"


class Hours:
    """Projects, and runs of the job an hour and a minute apart."""

    def __init__(self, shelf: Shelf, site: Site, runner: Runner) -> None:
        self.shelf = shelf
        self.site = site
        self.runner = runner

    async def project(self, name: str, photos: int = 1) -> tuple[int, list[Photo]]:
        """Make a project with photos."""
        project_id = await self.shelf.project(name)
        made = [
            await self.shelf.photo((name, project_id), f"{name}{number}", [f"{name}{number}.jpg"])
            for number in range(photos)
        ]
        return project_id, made

    def away(self, name: str) -> Path:
        """Take the project's folder out of the library."""
        return (self.shelf.root / name).rename(self.shelf.root.parent / f"{name} elsewhere")

    def back(self, name: str) -> None:
        """Put it where it was."""
        (self.shelf.root.parent / f"{name} elsewhere").rename(self.shelf.root / name)

    async def run(self, **options: Any) -> list[tuple[str, str, str | None]]:
        """Let the job run to its end; return what it reports."""
        command = await self.runner.do(JOB, **options)
        return [(line.kind, line.code, line.folder) for line in await report(self.site, command)]

    async def hour(self) -> None:
        """Let an hour and a minute pass."""
        await self.site.execute(LATER)
        await self.site.execute(LONG_AGO)

    async def state(self, project_id: int) -> tuple[str, str | None] | None:
        """Return the state of the project, and why it is archived."""
        rows = await self.site.fetch(STATE, project_id)
        return rows[0] if rows else None
