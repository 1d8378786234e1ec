"""Confirmations: what maintenance would remove, and asks a person about."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from photobus_client.models import Model, Page
from photobus_client.transport import Transport, path_part

_PAGE: Final = 500


class Confirmation(Model):
    """A question of a task: of ``lacking`` of ``photos`` photos files are gone, which it may not remove unasked.

    Without a project it is about whole projects whose folders are gone.
    """

    id: UUID
    task_id: UUID
    task_type: str
    job_type: str
    project_id: int | None = None
    project_folder: str | None = None
    reason: str
    lacking: int
    photos: int
    status: Literal["open", "confirmed", "refused", "expired"]
    requested_at: datetime
    answered_at: datetime | None = None
    answered_by: str | None = None


class MissedPhoto(Model):
    """A photo that a confirmation is about, with its files that are gone."""

    photo_id: int
    project_id: int
    project_folder: str | None = None
    filename: str
    files: list[str]


class Confirmations:
    """Requests about confirmations (``PhotobusClient.confirmations``)."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
        status: str | None = None,
        *,
        task_id: UUID | str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Confirmation]:
        """Return a page of confirmations, newest first; of one status or task if that is named."""
        query = {"status": status, "task_id": None if task_id is None else str(task_id)}
        answer = await self._transport.json(
            "GET", "/api/confirmations", query={**query, "limit": limit, "cursor": cursor}
        )
        return Page[Confirmation].model_validate(answer)

    async def show(self, confirmation_id: UUID | str) -> Confirmation:
        """Return one confirmation."""
        answer = await self._transport.json("GET", _path(confirmation_id), query={"limit": 1})
        return Confirmation.model_validate(answer["confirmation"])

    async def photos(self, confirmation_id: UUID | str) -> AsyncIterator[MissedPhoto]:
        """Yield what would be removed, photo by photo."""
        cursor: str | None = None
        while True:
            query = {"limit": _PAGE, "cursor": cursor}
            answer = await self._transport.json("GET", _path(confirmation_id), query=query)
            page = Page[MissedPhoto].model_validate(answer["items"])
            for photo in page.items:
                yield photo
            cursor = page.next_cursor
            if cursor is None:
                return

    async def confirm(self, confirmation_id: UUID | str) -> Confirmation:
        """Say that what was shown is truly gone, and may be removed."""
        return await self._answer(confirmation_id, "confirm")

    async def refuse(self, confirmation_id: UUID | str) -> Confirmation:
        """Say that nothing of it may be removed."""
        return await self._answer(confirmation_id, "refuse")

    async def _answer(self, confirmation_id: UUID | str, answer: Literal["confirm", "refuse"]) -> Confirmation:
        told = await self._transport.once("POST", _path(confirmation_id), {"answer": answer})
        return Confirmation.model_validate(told)


def _path(confirmation_id: UUID | str) -> str:
    return f"/api/confirmations/{path_part(str(confirmation_id))}"
