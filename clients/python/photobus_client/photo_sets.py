"""Photos as sets, of any number of projects: tagged, kept, processed, moved, committed, reverted, found.

What takes a ``Selection`` starts one task over it, or, as a dry run, answers with what that would be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

from photobus_client.keys import AllKeys
from photobus_client.models import Filter, LocatedPage, PendingDeletes, PhotoChanges, Task
from photobus_client.plans import CommitPlan, DerivativesPlan, KeepPlan, MovePlan
from photobus_client.selection import EVERYTHING, Selection
from photobus_client.starting import start
from photobus_client.transport import Transport, path_part


@dataclass(frozen=True)
class Keep:
    """Which kinds of a photo are kept; None leaves one as it is."""

    jpg: bool | None = None
    raw: bool | None = None
    other: bool | None = None

    def fields(self) -> dict[str, bool]:
        """Return the fields of a request that say so."""
        said = {"keep_jpg": self.jpg, "keep_raw": self.raw, "keep_other": self.other}
        return {name: value for name, value in said.items() if value is not None}


class PhotoSets:
    """Requests over sets of photos (``PhotobusClient.photo_sets``)."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    # --- up to 2,000 photos, each answered for ---------------------------------------------------------------------

    async def add_tags(self, tags: Mapping[int, Sequence[str]], *, dry_run: bool = False) -> PhotoChanges:
        """Give each photo, by its id, its tags."""
        return await self._change("/api/photos/tags/add", _tagged(tags), dry_run)

    async def remove_tags(self, tags: Mapping[int, Sequence[str]], *, dry_run: bool = False) -> PhotoChanges:
        """Take its tags from each photo, by its id."""
        return await self._change("/api/photos/tags/remove", _tagged(tags), dry_run)

    async def keep(self, wishes: Mapping[int, Keep], *, dry_run: bool = False) -> PhotoChanges:
        """Say of each photo, by its id, which kinds are kept; a commit removes the others."""
        items = [{"photo_id": photo_id, **keep.fields()} for photo_id, keep in wishes.items()]
        return await self._change("/api/photos/keep", items, dry_run)

    # --- one task each ---------------------------------------------------------------------------------------------

    @overload
    async def process(self, which: Selection, *, force: bool = ..., dry_run: Literal[False] = ...) -> Task: ...
    @overload
    async def process(self, which: Selection, *, force: bool = ..., dry_run: Literal[True]) -> DerivativesPlan: ...
    async def process(self, which: Selection, *, force: bool = False, dry_run: bool = False) -> Task | DerivativesPlan:
        """Make thumbnails and previews; with ``force`` also those that are up to date."""
        path, body = "/api/photos/process", {**which.fields(), "force": force}
        if which.projects is not None:  # whole projects are targets of tasks in general only
            targets = {"project_folders": list(which.projects)}
            path, body = "/api/tasks", {"type": "generate_derivatives", "targets": targets, "params": {"force": force}}
        return await start(self._transport, path, body, DerivativesPlan, dry_run=dry_run)

    @overload
    async def move(self, which: Selection, dest_folder: str, *, dry_run: Literal[False] = ...) -> Task: ...
    @overload
    async def move(self, which: Selection, dest_folder: str, *, dry_run: Literal[True]) -> MovePlan: ...
    async def move(self, which: Selection, dest_folder: str, *, dry_run: bool = False) -> Task | MovePlan:
        """Move photos with all their files into the project in ``dest_folder``; a name that is taken gets another."""
        body = {**which.fields(), "dest_folder": dest_folder}
        return await start(self._transport, "/api/photos/move", body, MovePlan, dry_run=dry_run)

    @overload
    async def commit_changes(self, which: Selection = ..., *, dry_run: Literal[False] = ...) -> Task: ...
    @overload
    async def commit_changes(self, which: Selection = ..., *, dry_run: Literal[True]) -> CommitPlan: ...
    async def commit_changes(self, which: Selection = EVERYTHING, *, dry_run: bool = False) -> Task | CommitPlan:
        """Move to the trash every file that is no longer to be kept."""
        path = "/api/photos/commit-changes"
        return await start(self._transport, path, which.fields(), CommitPlan, dry_run=dry_run)

    @overload
    async def commit_project_changes(self, folder: str, *, dry_run: Literal[False] = ...) -> Task: ...
    @overload
    async def commit_project_changes(self, folder: str, *, dry_run: Literal[True]) -> CommitPlan: ...
    async def commit_project_changes(self, folder: str, *, dry_run: bool = False) -> Task | CommitPlan:
        """Move to the trash every file of the project in ``folder`` that is no longer to be kept."""
        path = f"/api/projects/{path_part(folder)}/commit-changes"
        return await start(self._transport, path, {}, CommitPlan, dry_run=dry_run)

    @overload
    async def revert_changes(self, which: Selection = ..., *, dry_run: Literal[False] = ...) -> Task: ...
    @overload
    async def revert_changes(self, which: Selection = ..., *, dry_run: Literal[True]) -> KeepPlan: ...
    async def revert_changes(self, which: Selection = EVERYTHING, *, dry_run: bool = False) -> Task | KeepPlan:
        """Keep again every file that a commit would remove."""
        path = "/api/photos/revert-changes"
        return await start(self._transport, path, which.fields(), KeepPlan, dry_run=dry_run)

    @overload
    async def revert_project_changes(self, folder: str, *, dry_run: Literal[False] = ...) -> Task: ...
    @overload
    async def revert_project_changes(self, folder: str, *, dry_run: Literal[True]) -> KeepPlan: ...
    async def revert_project_changes(self, folder: str, *, dry_run: bool = False) -> Task | KeepPlan:
        """Keep again every file of the project in ``folder`` that a commit would remove."""
        path = f"/api/projects/{path_part(folder)}/revert-changes"
        return await start(self._transport, path, {}, KeepPlan, dry_run=dry_run)

    # --- found -----------------------------------------------------------------------------------------------------

    async def pending_deletes(self) -> PendingDeletes:
        """Count the files that a commit of everything would remove."""
        return PendingDeletes.model_validate(await self._transport.json("GET", "/api/photos/pending-deletes"))

    def all_keys(self, filters: Filter | None = None) -> AllKeys:
        """Return the keys of all photos that match, to be iterated over in the order of the list."""
        return AllKeys(self._transport, filters or {})

    async def locate_page(self, photo_id: int, filters: Filter | None = None, *, limit: int = 100) -> LocatedPage:
        """Find the page of ``limit`` photos, of the list of those that match, on which the photo stands."""
        query = {**(filters or {}), "photo_id": photo_id, "limit": limit}
        return LocatedPage.model_validate(await self._transport.json("GET", "/api/photos/locate-page", query=query))

    async def _change(self, path: str, items: Sequence[Mapping[str, Any]], dry_run: bool) -> PhotoChanges:
        answer = await self._transport.once("POST", path, {"items": list(items), "dry_run": dry_run})
        return PhotoChanges.model_validate(answer)


def _tagged(tags: Mapping[int, Sequence[str]]) -> list[dict[str, Any]]:
    return [{"photo_id": photo_id, "tags": list(given)} for photo_id, given in tags.items()]
