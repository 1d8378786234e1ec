"""What belongs to one photo is asked about together and sent in order, its JPEG first."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from photobus_client.models import FileAnalysis
from photobus_client.pairs import groups_of, photos_of
from photobus_client.uploads import LocalFile

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def paths(*names: str) -> list[Path]:
    return [Path(name) for name in names]


def test_a_group_never_ends_within_a_photo() -> None:
    given = paths("1.JPG", "2.CR2", "2.JPG", "2.CR2.xmp", "3.JPG")
    assert groups_of(given, 3) == [paths("1.JPG"), paths("2.CR2", "2.JPG", "2.CR2.xmp"), paths("3.JPG")]


def test_files_of_a_photo_come_together_wherever_they_stand_but_folders_count_apart() -> None:
    given = paths("a/1.CR2", "b/1.CR2", "a/2.CR2", "a/1.JPG", "b/1.JPG")
    assert groups_of(given, 2) == [paths("a/1.CR2", "a/1.JPG"), paths("b/1.CR2", "b/1.JPG"), paths("a/2.CR2")]


def test_a_photo_of_more_files_than_a_group_is_cut() -> None:
    given = paths(*(f"1.{kind}" for kind in ("JPG", "CR2", "NEF", "DNG", "PNG")))
    assert groups_of(given, 2) == [given[:2], given[2:4], given[4:]]
    assert groups_of([], 2) == []


def asked(name: str, **said: Any) -> tuple[LocalFile, FileAnalysis]:
    return LocalFile(Path(name), 1, EPOCH, "0" * 32), FileAnalysis(name=Path(name).name, accepted=True, **said)


def test_a_photo_is_sent_jpeg_first_and_its_sidecars_last() -> None:
    given = [
        asked("a/1.CR2", basename="1", kind="raw"),
        asked("a/1.CR2.xmp", basename="1", kind="sidecar"),
        asked("b/1.CR2", basename="1", kind="raw"),
        asked("a/1.JPG", basename="1", kind="jpg"),
        asked("a/notes.txt"),
    ]
    names = [[str(file.path) for file, _ in photo] for photo in photos_of(given)]
    assert names == [["a/1.JPG", "a/1.CR2", "a/1.CR2.xmp"], ["b/1.CR2"], ["a/notes.txt"]]
