"""What would become of files if they were uploaded: the same rules, asked beforehand. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, Field

from photobus_common.config import Uploader
from photobus_common.photos import filenames
from photobus_common.photos.filenames import FileKind, ParsedName, RefusedName
from photobus_common.store.photos import KnownFile, KnownPhotos
from photobus_common.store.uploads import Elsewhere
from photobus_gateway.inputs import Input
from photobus_gateway.uploads.answers import REASONS, AnswerCode, printable
from photobus_gateway.uploads.multipart import Md5
from photobus_gateway.uploads.renames import copy_of

Clash = Literal["none", "same_bytes", "other_bytes", "unknown_bytes", "name_in_other_project"]


class AnalyzedFile(Input):
    """A file that the client has; ``type`` is what its system calls it, and is not relied on."""

    name: str = Field(max_length=4096)
    type: str | None = Field(default=None, max_length=255)
    size: int = Field(ge=0)
    md5: Md5 | None = None


class RenamedBefore(BaseModel):
    """What the file became by an earlier upload; with ``on_conflict=rename`` it is not stored a second time."""

    photo_id: int
    stored_as: str


class FileAnalysis(BaseModel):
    """What uploading the file would lead to. ``clash`` needs the client's word unless it is none or the same bytes."""

    name: str
    accepted: bool
    code: AnswerCode | None = None
    reason: str | None = None
    basename: str | None = None
    kind: FileKind | None = None
    clash: Clash = "none"
    photo_id: int | None = Field(
        default=None,
        description="The project's photo that it is of, or would be part of; where `project_folder` is set that "
        "project's, which an upload's `conflictItems` may name. Absent while it is only on its way there.",
    )
    project_folder: str | None = Field(default=None, description="The other project that has a photo of this name.")
    renamed_before: RenamedBefore | None = None
    completes_pair: bool = Field(default=False, description="The project's photo has no file of this kind yet.")


@dataclass(frozen=True)
class Catalogue:
    """What is known of the files' basenames: the project's photos, and other projects that have them.

    ``same_bytes`` are files of the project by MD5, for the files that came under another name.
    """

    known: KnownPhotos
    elsewhere: Mapping[str, Elsewhere]
    same_bytes: Mapping[str, Sequence[KnownFile]] = field(default_factory=dict)

    @cached_property
    def kinds(self) -> frozenset[tuple[str, FileKind]]:
        """Basenames, each with the kinds of files that its photo has."""
        return frozenset((found.basename, found.file.kind) for found in self.known.files.values())


def parse_all(files: list[AnalyzedFile], uploader: Uploader) -> list[ParsedName | RefusedName]:
    """Say what each name stands for."""
    return [filenames.parse(file.name, uploader) for file in files]


def analyze(file: AnalyzedFile, parsed: ParsedName | RefusedName, catalogue: Catalogue, max_bytes: int) -> FileAnalysis:
    """Say what uploading ``file`` would lead to."""
    name = printable(file.name)
    if isinstance(parsed, RefusedName):
        return FileAnalysis(name=name, accepted=False, code=parsed.code, reason=parsed.reason)
    code: AnswerCode | None = "empty_file" if file.size == 0 else "too_large" if file.size > max_bytes else None
    photo_id = catalogue.known.ids.get(parsed.basename)
    other = catalogue.elsewhere.get(parsed.basename) if photo_id is None and parsed.kind != "sidecar" else None
    clash = _clash(file, catalogue.known.files.get(parsed.name), other)
    return FileAnalysis(
        name=name,
        accepted=code is None,
        code=code,
        reason=None if code is None else REASONS[code],
        basename=parsed.basename,
        kind=parsed.kind,
        clash=clash,
        photo_id=photo_id if other is None else other.photo_id,
        project_folder=None if other is None else other.project_folder,
        renamed_before=_renamed_before(file, parsed, catalogue) if clash == "other_bytes" else None,
        completes_pair=photo_id is not None and (parsed.basename, parsed.kind) not in catalogue.kinds,
    )


def _renamed_before(file: AnalyzedFile, parsed: ParsedName, catalogue: Catalogue) -> RenamedBefore | None:
    if file.md5 is None:
        return None
    copy = copy_of(parsed, file.md5, catalogue.same_bytes.get(file.md5, ()))
    return None if copy is None else RenamedBefore(photo_id=copy.photo_id, stored_as=copy.file.name)


def _clash(file: AnalyzedFile, known: KnownFile | None, other: Elsewhere | None) -> Clash:
    if known is None:
        return "none" if other is None else "name_in_other_project"
    if known.file.size != file.size:
        return "other_bytes"
    if file.md5 is None:
        return "unknown_bytes"
    return "same_bytes" if known.file.md5 == file.md5 else "other_bytes"
