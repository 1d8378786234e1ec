"""What maintenance found and mended, in words."""

from collections.abc import Sequence
from typing import Final

from photobus_common.events.maintenance import (
    FilesRenamed,
    Finding,
    FindingsReported,
    FolderRenamed,
    LibraryTrashEmptied,
    ProjectDiscovered,
    ProjectRemoved,
    ProjectReturned,
    StrayFilesTrashed,
    TrashEmptied,
)
from photobus_gateway.words.phrasing import counted, listed, plain, quoted, sentence_of, size

_WHY_FOLDER_RENAMED: Final = {
    "folder_alignment": "as its project is called",
    "folder_discovery": "by its owner",
    "project_restore": "since its name was taken when it came back from the trash",
}


def _findings(data: FindingsReported) -> str:
    total = sum(one.count for one in data.findings)
    return f"Check {quoted(plain(data.job_type))} left {counted(total, 'thing')} as found: {_reasons(data.findings)}"


def _findings_of_photo(data: FindingsReported) -> str:
    return f"Check {quoted(plain(data.job_type))} left it as found: {_reasons(data.findings)}"


def _reasons(findings: Sequence[Finding]) -> str:
    return listed(list(dict.fromkeys(one.reason for one in findings)))


def _discovered(data: ProjectDiscovered) -> str:
    return f"Project {quoted(data.name)} found, in the folder {quoted(data.project_folder)}"


def _returned(data: ProjectReturned) -> str:
    return f"Project {quoted(data.name)} is active again, for its folder {quoted(data.project_folder)} is back"


def _removed(data: ProjectRemoved) -> str:
    return f"Project {quoted(data.name)} removed from the catalogue, for its folder is gone"


def _folder_renamed(data: FolderRenamed) -> str:
    names = f"{quoted(data.old_folder)} renamed to {quoted(data.new_folder)}"
    return f"Folder {names}, {_WHY_FOLDER_RENAMED[data.cause]}"


def _files_renamed(data: FilesRenamed) -> str:
    names = listed([f"{file.source_name} to {file.name}" for file in data.files])
    whence = f" from the folder {quoted(data.source_folder)}" if data.source_folder else ""
    return f"{counted(len(data.files), 'new file')}{whence} renamed, for the names were taken: {names}"


def _strays_trashed(data: StrayFilesTrashed) -> str:
    return f"Files that belong to no photo went to the trash: {listed([file.name for file in data.files])}"


def _trash_emptied(data: TrashEmptied) -> str:
    what = "Folder of the deleted project" if data.whole else "What had lain long enough in the trash"
    return f"{what} deleted for good: {counted(data.files, 'file')}, {size(data.bytes)}"


def _library_trash_emptied(data: LibraryTrashEmptied) -> str:
    lost = f"{counted(data.files, 'file')}, {size(data.bytes)}"
    return f"What had lain long enough in the library's trash deleted for good: {lost}"


SENTENCES: Final = (
    sentence_of(FindingsReported, _findings),
    sentence_of(ProjectDiscovered, _discovered),
    sentence_of(ProjectReturned, _returned),
    sentence_of(ProjectRemoved, _removed),
    sentence_of(FolderRenamed, _folder_renamed),
    sentence_of(FilesRenamed, _files_renamed),
    sentence_of(StrayFilesTrashed, _strays_trashed),
    sentence_of(TrashEmptied, _trash_emptied),
    sentence_of(LibraryTrashEmptied, _library_trash_emptied),
)

OF_PHOTO: Final = (sentence_of(FindingsReported, _findings_of_photo),)
