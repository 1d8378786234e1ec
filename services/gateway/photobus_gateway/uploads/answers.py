"""What a client is told of each file it sent."""

from typing import Final, Literal

from pydantic import BaseModel, Field

UploadStatus = Literal[
    "created", "paired", "skipped", "conflict", "renamed", "overwritten", "moving", "refused", "unfinished"
]

AnswerCode = Literal[
    "same_bytes",
    "other_bytes",
    "name_in_other_project",
    "already_here",
    "photo_gone",
    "waits_for_photo",
    "not_text",
    "empty",
    "hidden",
    "separator",
    "control_character",
    "too_long",
    "not_accepted",
    "content_differs",
    "empty_file",
    "too_large",
    "size_differs",
    "md5_differs",
    "incomplete",
    "name_taken",
    "being_moved",
    "being_removed",
    "bytes_lost",
    "not_placed",
    "storage_full",
    "storage_unavailable",
    "folder_missing",
    "locked",
    "project_gone",
    "not_recorded",
    "unfinished",
]
"""Stable words for why a file was not simply created."""

REASONS: Final[dict[AnswerCode, str]] = {
    "same_bytes": "The project has this very file already.",
    "other_bytes": "The project has another file of this name; choose overwrite, skip or rename.",
    "name_in_other_project": "A photo of this name is in another project.",
    "already_here": "The photo lies in this project already.",
    "photo_gone": "The other project's photo is gone meanwhile; send this again.",
    "waits_for_photo": "The sidecar was stored; it belongs to a photo that is not here yet.",
    "content_differs": "The content is not of the type that the name says.",
    "empty_file": "The file is empty.",
    "too_large": "The file is over the size limit.",
    "size_differs": "The bytes received are not as many as announced.",
    "md5_differs": "The bytes received do not have the MD5 that was announced.",
    "incomplete": "The file did not arrive whole.",
    "name_taken": "Something else took the name meanwhile; send the file again.",
    "being_moved": "The photo of this name is just being moved; send the file again in a moment.",
    "being_removed": "A file of this name is just being removed; send it again in a moment.",
    "bytes_lost": "The received bytes are gone; send the file again.",
    "not_placed": "The project's folder does not take the file; nothing was stored.",
    "project_gone": "The project was deleted or moved meanwhile.",
    "unfinished": "The file is safe but not in place yet, for the storage went away; send it again to see it stored.",
    "not_recorded": "The file lies in the project's folder but is no photo yet; a check of the folder may make it one.",
}

MOVING: Final = "The photo of this name is being moved here from its project; the bytes that were sent are not stored."


class UploadResult(BaseModel):
    """How one file ended. ``stored_as`` is its name on disk where that is not ``filename``."""

    filename: str
    status: UploadStatus
    photo_id: int | None = Field(
        default=None, description="The photo it is of; that of `project_folder` if that is set."
    )
    stored_as: str | None = None
    code: AnswerCode | None = Field(default=None, description="Why, as a stable word.")
    reason: str | None = Field(default=None, description="Why, in a sentence.")
    project_folder: str | None = Field(default=None, description="The other project that has the name.")


def answer(
    filename: str,
    status: UploadStatus,
    code: AnswerCode | None = None,
    *,
    reason: str | None = None,
    photo_id: int | None = None,
    stored_as: str | None = None,
    project_folder: str | None = None,
) -> UploadResult:
    """Make the answer for ``filename``, whose reason follows from ``code`` unless given."""
    return UploadResult(
        filename=printable(filename),
        status=status,
        photo_id=photo_id,
        stored_as=None if stored_as is None else printable(stored_as),
        code=code,
        reason=reason or (REASONS.get(code) if code else None),
        project_folder=project_folder,
    )


def refused(filename: str, code: AnswerCode, reason: str | None = None) -> UploadResult:
    """Make the answer for a file that was not taken."""
    return answer(filename, "refused", code, reason=reason)


def printable(name: str) -> str:
    """``name`` as JSON can carry it: what is not text is shown as question marks."""
    return name.encode(errors="replace").decode()
