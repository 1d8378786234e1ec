"""Confirmations as the API shows them."""

from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import BaseModel

from photobus_common.store.confirmations import Confirmation, ConfirmationStatus
from photobus_gateway.views import ListView

SHOWN_WITH_TASK: Final = 100
"""Most confirmations that stand in the answer for a task; the list has all."""


class ConfirmationView(BaseModel):
    """What a task would remove, and what a person said to it.

    Of ``lacking`` of ``photos`` photos files are gone. Without a project it is about whole projects whose folders are
    gone. ``expired``: nobody needs to answer any more, since the task has ended or the project was deleted.
    """

    id: UUID
    task_id: UUID
    task_type: str
    job_id: UUID
    job_type: str
    project_id: int | None
    project_folder: str | None
    reason: str
    lacking: int
    photos: int
    status: ConfirmationStatus
    requested_at: datetime
    answered_at: datetime | None
    answered_by: str | None


class MissedPhotoView(BaseModel):
    """A photo that a confirmation is about, with its files that are gone; ``project_folder`` is where it lies now."""

    photo_id: int
    project_id: int
    project_folder: str | None
    filename: str
    files: list[str]


class MissedPhotoList(ListView):
    """A page of the photos that a confirmation is about, in the order of their ids."""

    items: list[MissedPhotoView]


class ConfirmationDetail(BaseModel):
    """A confirmation and a page of what would be removed."""

    confirmation: ConfirmationView
    items: MissedPhotoList


class ConfirmationList(ListView):
    """A page of confirmations, newest first."""

    items: list[ConfirmationView]


def confirmation_view(one: Confirmation) -> ConfirmationView:
    """Show a confirmation."""
    return ConfirmationView.model_validate(vars(one))
