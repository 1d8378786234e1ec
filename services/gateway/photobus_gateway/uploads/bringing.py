"""Photos of other projects that a request moves into the one it uploads to: by one task, asked for at its end.

They are those whose names its files have, and those that its form field ``conflictItems`` names. Nothing of the latter
is moved unless all of them are known. A request that is sent again finds what has come here already.
"""

from collections.abc import Collection, Mapping
from typing import Final

from aiohttp import web
from pydantic import RootModel

from photobus_common.config import MAX_ITEMS
from photobus_common.definitions import TaskDefinition
from photobus_common.errors import FieldError, InvalidInputError
from photobus_common.events.tasks import Targets
from photobus_common.store import uploads
from photobus_common.store.database import Connection
from photobus_common.store.photo_names import PlacedPhoto, places_of_photos
from photobus_common.store.unit_of_work import unit_of_work
from photobus_common.task_requests import Ask
from photobus_common.telemetry import TASKS_ACCEPTED
from photobus_gateway.inputs import Filename, RowId
from photobus_gateway.keys import DATABASE, PUBLISHER, SETTINGS
from photobus_gateway.named_photos import named_photos
from photobus_gateway.new_tasks import definition_for, unknown_targets
from photobus_gateway.starting import AcceptedTask, accept
from photobus_gateway.uploads.answers import UploadResult, answer, refused
from photobus_gateway.uploads.files import UploadProject
from photobus_gateway.uploads.placing import ProjectGoneError

CONFLICT_ITEMS: Final = "conflictItems"
RELOAD_CONFLICTS: Final = "reloadConflictsIntoThisProject"

_FIELD: Final = f"form.{CONFLICT_ITEMS}"
_TOO_MANY: Final = f"One request moves at most {MAX_ITEMS} photos; send the file again."

Item = int | str
"""A photo by its id, or by its basename or the name of one of its files."""


class _Items(RootModel[list[RowId | Filename]]):
    """A JSON array of items."""


class Bringing:
    """What one request brings into its project."""

    def __init__(self, request: web.Request, project: UploadProject) -> None:
        self._request = request
        self._project = project
        self._definition: TaskDefinition | None = None
        self._named: list[Item] = []
        self._new: list[Item] = []
        self._found: dict[Item, PlacedPhoto] = {}
        self.items: list[UploadResult] = []
        """What becomes of the photos that ``conflictItems`` named, in their order, once they are asked for."""
        self.task: AcceptedTask | None = None

    def allow(self) -> None:
        """Say that the client wants photos to be moved here; raises ``NotProvidedError`` if nobody does it."""
        self._definition = definition_for(self._request, "image_move", RELOAD_CONFLICTS)

    def name(self, text: str) -> None:
        """Take in a form field ``conflictItems``; there may be several."""
        items = items_of(text)
        self._named += items
        self._new += items
        if len(self._named) > MAX_ITEMS:
            raise _wrong(f"are over {MAX_ITEMS}", MAX_ITEMS)

    async def look(self) -> None:
        """Find the photos that were named since the last look; raises where one is unknown or may be another."""
        new, self._new = self._new, []
        if not new:
            return
        if self._definition is None:
            raise _wrong(f"needs {RELOAD_CONFLICTS}=true before it")
        tenant, here = self._project.tenant, self._project.project_id
        photo_ids = [item for item in new if isinstance(item, int)]
        names = [item for item in new if isinstance(item, str)]
        async with self._request.app[DATABASE].connection() as connection:
            by_id = await places_of_photos(connection, tenant, photo_ids)
            if unknown := [photo_id for photo_id in photo_ids if photo_id not in by_id]:
                raise unknown_targets("photos", _FIELD, unknown)
            uploader = self._request.app[SETTINGS].uploader
            by_name = await named_photos(connection, tenant, names, uploader, _FIELD, here)
        for item in new:
            self._found[item] = by_id[item] if isinstance(item, int) else by_name[item]

    async def ask(self, results: list[UploadResult], *, whole: bool) -> None:
        """Ask for the task, and correct ``results`` by where the photos lie now.

        Of a request that is not ``whole`` only the files count that came.
        """
        named = self._named if whole else []
        of_files = [result.photo_id for result in results if result.status == "moving"]
        wanted = dict.fromkeys(
            photo_id for photo_id in (*(self._found[item].id for item in named), *of_files) if photo_id is not None
        )
        if self._definition is None or not wanted:
            return
        app = self._request.app
        async with unit_of_work(app[DATABASE], app[PUBLISHER]) as work:
            places = await self._places(work.connection, list(wanted))
            elsewhere = [places[one] for one in wanted if one in places and not self._is_here(places[one])]
            moving = elsewhere[:MAX_ITEMS]
            if moving:
                self.task = accept(work, self._request, self._asking(self._definition, moving))
        if moving:
            TASKS_ACCEPTED.labels(self._definition.type, "upload").inc()
        ids = {photo.id for photo in moving}
        results[:] = [self._told_of_file(result, places, ids) for result in results]
        self.items = [self._told_of_item(item, places, ids) for item in named]

    async def _places(self, connection: Connection, photo_ids: list[int]) -> dict[int, PlacedPhoto]:
        if await uploads.folder_of_active_project(connection, self._project.project_id) is None:
            raise ProjectGoneError("The project was deleted meanwhile.")
        return await places_of_photos(connection, self._project.tenant, photo_ids)

    def _is_here(self, photo: PlacedPhoto) -> bool:
        return photo.project_id == self._project.project_id

    def _asking(self, definition: TaskDefinition, photos: list[PlacedPhoto]) -> Ask:
        targets = Targets(
            kind="photos",
            photo_ids=tuple(photo.id for photo in photos),
            project_ids=tuple(photo.project_id for photo in photos),
        )
        return Ask(definition, targets, {"dest_project_id": self._project.project_id}, source="upload")

    def _told_of_file(
        self, result: UploadResult, places: Mapping[int, PlacedPhoto], moving: Collection[int]
    ) -> UploadResult:
        if result.status != "moving" or result.photo_id in moving:
            return result
        place = places.get(result.photo_id or 0)
        if place is None or self._is_here(place):
            return refused(result.filename, "photo_gone")
        return result.model_copy(update={"status": "conflict", "reason": _TOO_MANY})

    def _told_of_item(self, item: Item, places: Mapping[int, PlacedPhoto], moving: Collection[int]) -> UploadResult:
        found = self._found[item]
        name = item if isinstance(item, str) else found.filename
        place = places.get(found.id)
        if place is None:
            return refused(name, "photo_gone")
        if found.id not in moving:
            return answer(name, "skipped", "already_here", photo_id=found.id)
        return answer(name, "moving", photo_id=found.id, project_folder=place.project_folder)


def items_of(text: str) -> list[Item]:
    """Read a field: a JSON array of ids and names, one id, or one name; one of digits alone needs the array."""
    try:
        if text.lstrip().startswith("["):
            return [*_Items.model_validate_json(text, strict=True).root]
        item = int(text) if text.isascii() and text.isdigit() else text
        return [*_Items.model_validate([item], strict=True).root]
    except ValueError as error:
        raise _wrong("must be a JSON array of photo ids and names, or one of these") from error


def _wrong(message: str, limit: int | None = None) -> InvalidInputError:
    return InvalidInputError(f"{_FIELD}: {message}", fields=(FieldError(_FIELD, message, limit),))
