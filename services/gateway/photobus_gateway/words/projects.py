"""What happens to a project as a whole, in words."""

from typing import Final

from photobus_common.events.projects import (
    ManifestChanged,
    ProjectCanceled,
    ProjectCreated,
    ProjectRenamed,
    ProjectRestored,
    ProjectTrashed,
)
from photobus_gateway.words.phrasing import counted, quoted, sentence_of


def _created(data: ProjectCreated) -> str:
    return f"Project {quoted(data.name)} made, in the folder {quoted(data.project_folder)}"


def _renamed(data: ProjectRenamed) -> str:
    return f"Project {quoted(data.old_name)} renamed to {quoted(data.name)}"


def _canceled(data: ProjectCanceled) -> str:
    if data.cause == "deleted":
        return f"Project {quoted(data.name)} deleted"
    return f"Project {quoted(data.name)} archived, for its folder is gone"


def _trashed(data: ProjectTrashed) -> str:
    return f"Folder {quoted(data.project_folder)} went to the library's trash, to {quoted(data.trash_path)}"


def _restored(data: ProjectRestored) -> str:
    back = f"in the folder {quoted(data.project_folder)}, from {quoted(data.trash_path)}"
    return f"Project {quoted(data.name)} came back from the library's trash, {back}"


def _manifest_changed(data: ManifestChanged) -> str:
    told = [
        f"{counted(number, 'photo')} {what}"
        for number, what in ((data.changed, "changed"), (data.created, "came"), (data.removed, "went"))
        if number
    ]
    told += ["manifest written"] if data.manifest_written else []
    return f"Folder and catalogue compared: {', '.join(told) or 'nothing changed'}"


SENTENCES: Final = (
    sentence_of(ProjectCreated, _created),
    sentence_of(ProjectRenamed, _renamed),
    sentence_of(ProjectCanceled, _canceled),
    sentence_of(ProjectTrashed, _trashed),
    sentence_of(ProjectRestored, _restored),
    sentence_of(ManifestChanged, _manifest_changed),
)
