"""Sending photos with the client and the command line to a whole photobus, over interruptions of both sides."""

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import partial
from pathlib import Path

import images
import pytest
from bus_traffic import until
from running_stack import PHOTOBUS, RunningStack

from photobus_client import ApiError, Journal, PhotobusClient, Project, Sent

pytestmark = pytest.mark.stack

LARGE_BYTES = 48 * 1024**2
INTERRUPTED_AT = 12 * 1024**2


@pytest.fixture(scope="module")
def folder(servers_folder: Path) -> Path:
    """Where the stack of this file keeps its data."""
    made = Path(tempfile.mkdtemp(dir=servers_folder))
    made.chmod(0o711)
    return made


@pytest.fixture(scope="module")
async def stack(folder: Path) -> AsyncIterator[RunningStack]:
    """A stack for the tests of this file."""
    together = {"PHOTOBUS_UPLOADER__BATCH_SECONDS": "60"}  # what is sent by one command is one task
    started = RunningStack(folder / "data", XDG_STATE_HOME=str(folder / "state"), **together)
    await started.start()
    yield started
    await started.abandon()


@pytest.fixture
async def photobus(stack: RunningStack) -> AsyncIterator[PhotobusClient]:
    """A client of it."""
    async with stack.client() as client:
        yield client


@pytest.fixture
async def project(photobus: PhotobusClient, request: pytest.FixtureRequest) -> Project:
    """A project of the test's own."""
    return await photobus.create_project(request.node.name[:100])


@pytest.fixture
def large(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A photo that takes several requests, as a camera's raw file would, under a name of the test's own."""
    photo = images.jpeg()
    path = tmp_path / f"{request.node.name}.jpg"
    path.write_bytes(photo + os.urandom(LARGE_BYTES - len(photo)))
    return path


async def sent(photobus: PhotobusClient, project: Project, paths: list[Path]) -> list[str]:
    """Send ``paths`` and return how they ended, by name."""
    ended = [one async for one in photobus.send(project.folder, paths)]
    return [f"{one.result.filename} {one.result.status}" for one in sorted(ended, key=lambda one: one.path)]


async def only(sending: AsyncGenerator[Sent]) -> Sent:
    """How the only file ended."""
    [ended] = [one async for one in sending]
    return ended


async def command(stack: RunningStack, *arguments: str) -> tuple[int, str, str]:
    """Run ``photobus`` against the stack; returns its exit status and what it wrote to output and errors."""
    process = await asyncio.create_subprocess_exec(
        *PHOTOBUS,
        *arguments,
        env=stack.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    return process.returncode or 0, output.decode(), errors.decode()


async def until_created(photobus: PhotobusClient, behind: str, project: Project) -> list[str]:
    """Follow from behind an event until ``project`` was made; returns the ids."""
    ids: list[str] = []
    async with aclosing(photobus.follow(("jobs",), behind)) as events:
        async for event in events:
            ids += [event.id] if event.id else []
            if event.name == "project_created" and event.data["project_id"] == project.id:
                break
    return ids


async def test_each_file_is_answered_for_and_the_same_bytes_are_not_sent_twice(
    photobus: PhotobusClient, project: Project, tmp_path: Path
) -> None:
    contents = {
        "a1.jpg": images.jpeg(),
        "a2.png": images.png(),
        "a3.txt": b"no photo",
        "a4.jpg": b"text",
        "a5.jpg": b"",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    paths = [tmp_path / name for name in contents]
    assert await sent(photobus, project, paths) == [
        "a1.jpg created",
        "a2.png created",
        "a3.txt refused",
        "a4.jpg refused",
        "a5.jpg refused",
    ]
    (tmp_path / "a2.png").write_bytes(images.png(images.quarters(10, 10)))
    bytes_sent: list[int] = []
    sending = photobus.send(project.folder, paths[:2], progress=lambda _path, more: bytes_sent.append(more))
    ended = {one.result.filename: one.result async for one in sending}
    assert (ended["a1.jpg"].status, ended["a1.jpg"].code) == ("skipped", "same_bytes")
    assert (ended["a2.png"].status, ended["a2.png"].code) == ("conflict", "other_bytes")
    assert sum(bytes_sent) == sum(path.stat().st_size for path in paths[:2])
    renamed = [one async for one in photobus.send(project.folder, [paths[1]], on_conflict="rename")]
    assert [one.result.status for one in renamed] == ["renamed"]
    assert {photo.filename async for photo in photobus.photos(project.folder)} == {"a1", "a2", "a2 (2)"}


async def test_a_pair_whose_name_is_taken_is_renamed_together_and_once(
    photobus: PhotobusClient, project: Project, tmp_path: Path
) -> None:
    name = "IMG_0001_of_two_cameras"
    raw, jpeg = tmp_path / f"{name}.dng", tmp_path / f"{name}.jpg"
    jpeg.write_bytes(images.jpeg(32, 32))
    assert await sent(photobus, project, [jpeg]) == [f"{name}.jpg created"]
    jpeg.write_bytes(images.jpeg(64, 48))
    raw.write_bytes(images.dng(64, 48))

    async def send(*paths: Path) -> dict[str, tuple[str, str | None]]:
        ended = [one async for one in photobus.send(project.folder, paths, on_conflict="rename")]
        return {one.path.suffix: (one.result.status, one.result.stored_as) for one in ended}

    copy = f"{name} (2)"
    assert await send(jpeg) == {".jpg": ("renamed", f"{copy}.jpg")}
    assert await send(raw, jpeg) == {".dng": ("renamed", f"{copy}.dng"), ".jpg": ("skipped", f"{copy}.jpg")}
    found = {photo.filename: photo.raw_available async for photo in photobus.photos(project.folder)}
    assert found == {name: False, copy: True}
    raw.write_bytes(images.dng(48, 64))
    assert (await send(raw, jpeg))[".jpg"] == ("skipped", f"{copy}.jpg")


async def test_another_run_goes_on_where_the_first_broke_off(
    photobus: PhotobusClient, project: Project, large: Path, tmp_path: Path
) -> None:
    journal = tmp_path / "journal.json"
    enough = asyncio.Event()
    first: list[int] = []

    def note(_path: Path, more: int) -> None:
        first.append(more)
        if sum(first) >= INTERRUPTED_AT:
            enough.set()

    sending = asyncio.create_task(only(photobus.send(project.folder, [large], journal=Journal(journal), progress=note)))
    await enough.wait()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    second: list[int] = []
    ended = await only(
        photobus.send(
            project.folder, [large], journal=Journal(journal), progress=lambda _path, more: second.append(more)
        )
    )
    assert ended.result.status == "created"
    assert second[0] > 0, "what had arrived was sent again"
    assert sum(second) == LARGE_BYTES
    assert not journal.exists()


async def test_a_gateway_that_is_killed_costs_nothing_but_time(
    stack: RunningStack, photobus: PhotobusClient, project: Project, large: Path
) -> None:
    before = stack.pids["gateway"]
    progress: list[int] = []

    def kill_once(_path: Path, more: int) -> None:
        progress.append(more)
        if sum(progress) >= INTERRUPTED_AT and stack.pids["gateway"] == before:
            os.kill(before, signal.SIGKILL)

    ended = await only(photobus.send(project.folder, [large], progress=kill_once))
    assert ended.result.status == "created"
    assert sum(progress) == LARGE_BYTES
    assert stack.pids["gateway"] != before
    assert [photo.size async for photo in photobus.photos(project.folder)] == [LARGE_BYTES]


async def test_a_folder_becomes_a_project_with_thumbnails_and_the_log_explains_it(
    stack: RunningStack, photobus: PhotobusClient, tmp_path: Path
) -> None:
    for orientation in range(1, 9):
        photo = images.jpeg(shot=images.Shot(orientation=orientation))
        (tmp_path / f"turned-{orientation}.jpg").write_bytes(photo)
    (tmp_path / "broken.jpg").write_bytes(images.truncated(images.jpeg(), 0.1))
    (tmp_path / "notes.txt").write_text("no photo")
    status, output, errors = await command(stack, "upload", str(tmp_path), "--project", "By command")
    assert status == 1
    assert "9 sent, 1 left out, being no photos" in output
    assert errors.startswith("no thumbnail: broken: ")
    photos = {photo.filename: photo.thumbnail_status async for photo in photobus.photos("By command")}
    assert photos.pop("broken") == "failed"
    assert set(photos.values()) == {"generated"}
    await until(partial(all_ended, photobus))
    await see_what_failed_and_try_again(stack)
    status, output, _ = await command(stack, "audit", "replay")
    assert (status, output.splitlines()[-1]) == (0, "No difference.")


async def all_ended(photobus: PhotobusClient) -> bool:
    """Whether no task is under way."""
    return all(task.ended for task in (await photobus.tasks(limit=200)).items)


async def see_what_failed_and_try_again(stack: RunningStack) -> None:
    """Find the broken photo by the commands, and have it tried again, as a task of its own."""
    _, output, _ = await command(stack, "tasks", "--status", "completed_with_errors", "--json")
    [task] = json.loads(output)
    assert (task["items"], task["failed"]) == (9, 1)
    _, output, _ = await command(stack, "jobs", task["id"], "--json")
    assert [(job["job_type"], job["status"]) for job in json.loads(output) if job["failed"]] == [
        ("upload_postprocess", "completed")
    ]
    status, _, errors = await command(stack, "cancel", task["id"])
    assert (status, errors.count("\n")) == (1, 1)
    status, output, _ = await command(stack, "retry", task["id"])
    assert status == 0
    again = output.split()[0]
    async with stack.client() as photobus, aclosing(photobus.follow(("jobs",), "0")) as events:
        async for event in events:
            if event.name == "task_completed" and event.data["id"] == again:
                break
        assert (await photobus.task(again)).status == "completed_with_errors"


async def test_live_updates_are_resumed_behind_any_event(photobus: PhotobusClient, project: Project) -> None:
    seen = await until_created(photobus, "0", project)
    later = await photobus.create_project("Later")
    resumed = await until_created(photobus, seen[-1], later)
    whole = await until_created(photobus, "0", later)
    assert whole == seen + resumed
    assert len(set(whole)) == len(whole)


async def test_what_a_token_may_not_do_is_told_in_one_line(stack: RunningStack, photobus: PhotobusClient) -> None:
    viewer = await photobus.create_token("looks only", "viewer")
    status, _, errors = await command(stack, "token", "list", "--address", stack.address, "--token", viewer.token)
    assert status == 1
    assert errors.startswith("photobus: ")
    assert errors.count("\n") == 1
    await photobus.revoke_token(viewer.id)
    async with PhotobusClient(stack.address, viewer.token) as revoked:
        with pytest.raises(ApiError) as refused:
            await revoked.tasks()
    assert refused.value.code == "unauthorized"
