"""A move that is taken back where files must be copied, found as it was cut between two of its steps."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from shelf import JPEG, XMP, md5, put

from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.store.file_operations import FileOperation
from photobus_filemover.carrying_over import carry_over
from photobus_filemover.disk import Disk

HERE, THERE = 1, 2


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[dict[int, Disk]]:
    """Two projects."""
    with ExitStack() as stack:
        opened = {}
        for project_id, name in ((HERE, "here"), (THERE, "there")):
            (tmp_path / name).mkdir()
            folder = stack.enter_context(ProjectFolder(os.open(tmp_path / name, os.O_RDONLY), name))
            opened[project_id] = stack.enter_context(Disk(folder))
        yield opened


def _moving(path: Path, content: bytes) -> FileOperation:
    """Put on record that a file, which is made there, moves."""
    put(path, content)
    there = path.stat()
    return FileOperation(
        id=uuid4(),
        tenant="user_0",
        actor="ada",
        task_id=uuid4(),
        job_id=uuid4(),
        attempt=1,
        position=0,
        photo_id=1,
        kind="move",
        project_id=HERE,
        path=path.name,
        filename="A",
        target_project_id=THERE,
        target_path=path.name,
        target_filename="A",
        device=there.st_dev,
        inode=there.st_ino,
        size=len(content),
        md5=md5(content),
    )


def _names(path: Path) -> list[str]:
    return sorted(one.name for one in path.iterdir())


def test_what_was_copied_back_and_not_yet_removed_there_lies_here_alone(tmp_path: Path, disks: dict[int, Disk]) -> None:
    operation = _moving(tmp_path / "here" / "A.jpg", JPEG)
    put(tmp_path / "there" / "A.jpg", JPEG)
    (tmp_path / "here" / "A.jpg").rename(tmp_path / "old")  # a copy of it lies here, which is another file
    put(tmp_path / "here" / "A.jpg", JPEG)

    assert [one.outcome for one in carry_over(disks, [operation], wanted=False)] == ["kept"]
    assert _names(tmp_path / "here") == ["A.jpg"]
    assert _names(tmp_path / "there") == []


def test_where_another_file_has_its_name_here_it_stays_there(tmp_path: Path, disks: dict[int, Disk]) -> None:
    operation = _moving(tmp_path / "here" / "A.xmp", XMP)
    (tmp_path / "here" / "A.xmp").rename(tmp_path / "there" / "A.xmp")
    put(tmp_path / "here" / "A.xmp", b"?" * len(XMP))

    assert [one.outcome for one in carry_over(disks, [operation], wanted=False)] == ["taken"]
    assert (tmp_path / "here" / "A.xmp").read_bytes() == b"?" * len(XMP)
    assert (tmp_path / "there" / "A.xmp").read_bytes() == XMP
