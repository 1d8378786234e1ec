"""The rows that the log leads to, whatever the order in which processes got their events into it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photobus_common.catalogue_changes import Kinds
from photobus_common.catalogue_fold import (
    PHOTO_EVENTS,
    PROJECT_EVENTS,
    WITHOUT_SAY,
    FileRow,
    PhotoRow,
    ProjectRow,
    fold,
)
from photobus_common.events import EventData, Origin
from photobus_common.events.catalogue import CATALOGUE
from photobus_common.events.maintenance import (
    FolderRenamed,
    MetadataUpdated,
    PhotoMetadata,
    PhotosRecognized,
    ProjectDiscovered,
    ProjectRemoved,
    ProjectReturned,
)
from photobus_common.events.projects import (
    DerivativesUpdated,
    FileFact,
    KeepChanged,
    KeptKinds,
    MovedFile,
    PhotoAdded,
    PhotoDerivatives,
    PhotoFiles,
    PhotoFilesChanged,
    PhotoKeep,
    PhotoMoved,
    PhotoRemoved,
    PhotoRestored,
    PhotosAdded,
    PhotosMoved,
    PhotosRemoved,
    PhotosRestored,
    PhotoTags,
    ProjectCanceled,
    ProjectCreated,
    ProjectRenamed,
    ProjectRestored,
    TagsChanged,
)

ORIGIN = Origin("/test", "user_0", "test", clock=lambda: datetime(2026, 1, 2, tzinfo=UTC))
HERE: dict[str, Any] = {"project_id": 1, "project_folder": "Sea"}
KEPT = KeptKinds(jpg=True, raw=False, other=False)


def rows_of(*told: EventData) -> Any:
    return fold(ORIGIN.event(data) for data in told)


@pytest.mark.parametrize("word", sorted(CATALOGUE))
def test_every_event_changes_a_row_or_is_listed_as_having_no_say(word: str) -> None:
    model = CATALOGUE[word]
    assert [model in PHOTO_EVENTS, model in PROJECT_EVENTS, word in WITHOUT_SAY].count(True) == 1


def test_a_project_is_what_was_last_said_of_it() -> None:
    created = ProjectCreated(**HERE, name="Sea")
    renamed = ProjectRenamed(**HERE, old_name="Sea", name="Ocean", version=2)
    elsewhere = FolderRenamed(
        project_id=1,
        project_folder="Lake",
        cause="folder_discovery",
        old_folder="Sea",
        new_folder="Lake",
        project_name="Lake",
        version=3,
    )
    alongside = ProjectRenamed(project_id=1, project_folder="Lake", old_name="Ocean", name="Lake", version=3)
    canceled = ProjectCanceled(project_id=1, project_folder="Lake", cause="deleted", name="Lake", version=4)
    restored = ProjectRestored(project_id=1, project_folder="Lake (2)", name="L", trash_path=".trash/x", version=5)
    story = [created, renamed, elsewhere, alongside, canceled]

    assert rows_of(*story).projects == {1: ProjectRow(1, "user_0", "Lake", "Lake", "canceled", 4)}
    assert rows_of(*reversed(story)) == rows_of(*story)
    assert rows_of(restored, *story).projects == {1: ProjectRow(1, "user_0", "L", "Lake (2)", "active", 5)}
    assert rows_of(ProjectRemoved(**HERE, name="Lake"), *story).projects == {}


def test_a_folder_that_was_found_is_a_project_and_comes_back_as_one() -> None:
    found = ProjectDiscovered(**HERE, name="Sea", version=1)
    gone = ProjectCanceled(**HERE, cause="folder_gone", name="Sea", version=2)
    back = ProjectReturned(project_id=1, project_folder="Sea 2", name="Sea", version=3)
    assert rows_of(found, gone, back).projects == {1: ProjectRow(1, "user_0", "Sea", "Sea 2", "active", 3)}


def test_what_an_older_log_does_not_tell_is_kept_follows_from_what_came() -> None:
    jpg, raw = (FileFact(name=f"A.{kind}", kind=kind, size=1, md5="0") for kind in ("jpg", "raw"))
    added = PhotosAdded(**HERE, photos=(PhotoAdded(photo_id=7, filename="A", version=1, files=(jpg,)),))
    unkept = KeptKinds(jpg=False, raw=False, other=False)
    part = PhotoKeep(photo_id=7, filename="A", version=2, before=KEPT, after=unkept)
    told = KeepChanged(**HERE, photos=(part,))

    def came(cause: Any) -> Kinds:
        part = PhotoFiles(photo_id=7, filename="A", version=3, added=(raw, jpg), removed=(jpg,))
        kept: Kinds = rows_of(added, told, PhotoFilesChanged(**HERE, cause=cause, photos=(part,))).photos[7].keep
        return kept

    assert came("upload") == came("folder_check") == Kinds(jpg=False, raw=True, other=False)
    assert came("undo") == Kinds(jpg=False, raw=False, other=False)


# --- any story of photos, in any order of the log -------------------------------------------------------------------


@dataclass
class Story:
    """Photos that things happen to, as rows, and what is said of it; ``last`` are the versions of those that went."""

    random: Random
    rows: dict[int, PhotoRow] = field(default_factory=dict)
    gone: dict[int, PhotoRow] = field(default_factory=dict)
    said: list[EventData] = field(default_factory=list)

    def go_on(self) -> None:
        """Let one thing happen."""
        tell: Callable[[], None] = self.random.choice([self._add, self._bring_back, *[self._change] * 6])
        tell()

    def _about(self) -> dict[str, Any]:
        return {"project_id": self.random.randint(1, 3), "project_folder": "Any"}

    def _files(self) -> tuple[FileRow, ...]:
        kinds = self.random.sample(["jpg", "raw", "other", "sidecar"], self.random.randint(1, 4))
        return tuple(FileRow(f"F.{kind}", kind, self.random.randint(0, 9), "md5") for kind in sorted(kinds))  # type: ignore[arg-type]

    def _add(self) -> None:
        about, files, number = self._about(), self._files(), len(self.rows) + len(self.gone) + 1
        keep = Kinds(*(any(file.kind == kind for file in files) for kind in ("jpg", "raw", "other")))
        self.rows[number] = PhotoRow(
            number, "user_0", about["project_id"], "A", 1, keep, (), files, "pending", "pending"
        )
        part = PhotoAdded(photo_id=number, filename="A", version=1, files=facts(files))
        self.said.append(PhotosAdded(**about, photos=(part,)))

    def _bring_back(self) -> None:
        if not self.gone:
            return
        _, row = self.gone.popitem()
        about = {"project_id": row.project_id, "project_folder": "Any"}
        self.rows[row.id] = row = replace(row, version=row.version + 1)
        part = PhotoRestored(**shown(row), keep=kept(row.keep), tags=row.tags, files=facts(row.files), **statuses(row))
        self.said.append(PhotosRestored(**about, cause="undo", photos=(part,)))

    def _change(self) -> None:
        if not self.rows:
            return
        row = self.random.choice(list(self.rows.values()))
        row = replace(row, version=row.version + 1)
        how = self.random.choice([keep, tag, describe, derive, exchange, move, remove])
        after, data = how(self.random, row, {"project_id": row.project_id, "project_folder": "Any"})
        self.said.append(data)
        if after is None:
            self.gone[row.id] = row
            del self.rows[row.id]
        else:
            self.rows[row.id] = after


Told = tuple[PhotoRow | None, EventData]


def keep(random: Random, row: PhotoRow, about: dict[str, Any]) -> Told:
    after = replace(row, keep=Kinds(*(random.random() < 0.5 for _ in range(3))))
    part = PhotoKeep(**shown(row), before=kept(row.keep), after=kept(after.keep))
    return after, KeepChanged(**about, photos=(part,))


def tag(random: Random, row: PhotoRow, about: dict[str, Any]) -> Told:
    after = replace(row, tags=tuple(sorted(random.sample(["a", "b", "ä", "Z"], random.randint(0, 4)))))
    return after, TagsChanged(**about, photos=(PhotoTags(**shown(row), tags=after.tags),))


def describe(_random: Random, row: PhotoRow, about: dict[str, Any]) -> Told:
    return row, MetadataUpdated(**about, photos=(PhotoMetadata(**shown(row), after={"iso": 100}),))


def derive(random: Random, row: PhotoRow, about: dict[str, Any]) -> Told:
    after = replace(row, thumbnail_status=random.choice(["generated", "failed"]), preview_status="missing")
    return after, DerivativesUpdated(**about, photos=(PhotoDerivatives(**shown(row), **statuses(after)),))


def exchange(random: Random, row: PhotoRow, about: dict[str, Any]) -> Told:
    """Let some files go and one come, perhaps in the place of one of the same name."""
    gone = random.sample(row.files, random.randint(0, len(row.files)))
    came = FileRow(random.choice(["F.jpg", "G.jpg"]), "jpg", random.randint(0, 9), "other")
    left = [file for file in row.files if file not in gone and file.name != came.name]
    after = replace(row, files=tuple(sorted([*left, came], key=lambda file: file.name)), thumbnail_status="pending")
    part = PhotoFiles(**shown(row), removed=facts(gone), added=facts([came]), **statuses(after), keep=kept(after.keep))
    return after, PhotoFilesChanged(**about, cause="undo", photos=(part,))


def move(random: Random, row: PhotoRow, about: dict[str, Any]) -> Told:
    files = tuple(replace(file, name=f"{number}.{file.kind}") for number, file in enumerate(row.files))
    after = replace(row, project_id=random.randint(1, 3), filename=random.choice("AB"), files=files)
    model = random.choice([PhotosMoved, PhotosRecognized])
    part = PhotoMoved(
        **shown(after),
        source_filename=row.filename,
        files=tuple(MovedFile(source_name="x", **vars_of(file)) for file in files),
        **statuses(after),
    )
    source = {"source_project_id": row.project_id, "source_project_folder": "Any"}
    return after, model(**{**about, "project_id": after.project_id}, **source, photos=(part,))


def remove(_random: Random, row: PhotoRow, about: dict[str, Any]) -> Told:
    part = PhotoRemoved(**shown(row), keep=kept(row.keep), tags=row.tags, files=facts(row.files))
    return None, PhotosRemoved(**about, cause="undo", photos=(part,))


def shown(row: PhotoRow) -> dict[str, Any]:
    return {"photo_id": row.id, "filename": row.filename, "version": row.version}


def statuses(row: PhotoRow) -> dict[str, Any]:
    return {"thumbnail_status": row.thumbnail_status, "preview_status": row.preview_status}


def kept(kinds: Kinds) -> KeptKinds:
    return KeptKinds(**kinds._asdict())


def facts(files: Any) -> tuple[FileFact, ...]:
    return tuple(FileFact(**vars_of(file)) for file in files)


def vars_of(file: FileRow) -> dict[str, Any]:
    return {"name": file.name, "kind": file.kind, "size": file.size, "md5": file.md5}


@given(st.randoms(use_true_random=False), st.integers(1, 60))
def test_the_fold_ends_at_the_rows_whatever_the_order_of_the_log(random: Random, length: int) -> None:
    story = Story(random)
    for _ in range(length):
        story.go_on()
    said = [ORIGIN.event(data) for data in story.said]
    assert fold(said).photos == story.rows
    random.shuffle(said)
    assert fold(said).photos == story.rows
