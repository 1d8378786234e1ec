"""``make up`` on a clean checkout, as its owner would try it: start, upload, see, Ctrl-C, start again.

Run as ``python tests/smoke/make_up.py [DIR …]`` from the checkout's folder; each DIR is uploaded too. What goes wrong
ends it with a traceback and with what ``make up`` had to say.
"""

import asyncio
import re
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from http import HTTPStatus
from pathlib import Path
from typing import Final

import aiohttp

sys.path.insert(0, str(Path(__file__).parents[1]))

import images
from running_stack import PHOTOBUS, RunningStack

from photobus_client import PhotobusClient, Project

MAKE_UP: Final = ("make", "up")
USUAL_PORTS: Final = (4222, 5432, 8080)
LONGEST_SECONDS: Final = 180.0
SET_UP_SECONDS: Final = 600.0
"""The first start installs what is needed and builds the web client."""

ENDS_OF_TASKS: Final = frozenset({"task_completed", "task_failed", "task_canceled"})
JPEG: Final = b"\xff\xd8\xff"


def main(folders: list[Path]) -> None:
    """Go through the whole of it in a folder that is removed afterwards."""
    place = Path(tempfile.mkdtemp(prefix="photobus-smoke-"))
    place.chmod(0o711)  # as root, the user that Postgres runs as passes through
    try:
        asyncio.run(go_through(RunningStack(place / "data"), [make_photos(place / "photos"), *folders]))
    finally:
        shutil.rmtree(place)
    say("the smoke run passed")


async def go_through(stack: RunningStack, folders: list[Path]) -> None:
    """Start with the usual ports taken, upload, see, stop, start again, see again, stop."""
    try:
        with ExitStack() as taken:
            occupy(USUAL_PORTS, taken)
            await stack.start(MAKE_UP, SET_UP_SECONDS)
        say(f"up at {stack.address}")
        await see_client(stack)
        photos = await send_all(stack, folders)
        token = await stop(stack)
        await see_again(stack, token, photos)
        await stop(stack)
    except BaseException:
        say(stack.said())
        raise
    finally:
        await stack.abandon()


def make_photos(folder: Path) -> Path:
    """Make some of each kind, of all orientations, and one as large as cameras make them."""
    folder.mkdir()
    for orientation in range(1, 9):
        (folder / f"turned-{orientation}.jpg").write_bytes(
            images.jpeg(shot=images.Shot(orientation=orientation, make="photobus", model="smoke"))
        )
    (folder / "flat.png").write_bytes(images.png())
    (folder / "phone.heic").write_bytes(images.heic())
    (folder / "scan.tif").write_bytes(images.tiff())
    (folder / "web.webp").write_bytes(images.webp())
    (folder / "raw.dng").write_bytes(images.dng())
    (folder / "large.jpg").write_bytes(images.noise_jpeg(6000, 4000))
    return folder


def occupy(ports: tuple[int, ...], taken: ExitStack) -> None:
    """Listen on the usual ports of the parts, unless somebody does already."""
    for port in ports:
        listener = taken.enter_context(closing(socket.socket()))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen()
        except OSError:
            continue


async def send_all(stack: RunningStack, folders: list[Path]) -> int:
    """Upload each folder as a project; returns the number of photos."""
    async with stack.client() as photobus:
        photos = [await send_one(stack, photobus, folder, f"Smoke {n}") for n, folder in enumerate(folders)]
        for task in (await photobus.tasks(limit=500)).items:
            check(task.status == "completed", f"the task {task.type} ended as {task.status}: {task.error}")
    return sum(photos)


async def send_one(stack: RunningStack, photobus: PhotobusClient, folder: Path, name: str) -> int:
    """Upload ``folder``; see that all its photos can be looked at, and that it was told live and in order."""
    live = Live()
    following = asyncio.create_task(live.follow(photobus))
    await live.reached(lambda: live.listening)
    await upload(stack, folder, name)
    await live.reached(lambda: not live.open_tasks)
    following.cancel()
    [project] = [found async for found in photobus.projects() if found.name == name]
    await see_photos(photobus, project)
    say(f"{project.photos} photos of {folder.name}: derivatives made, {live.count} events came live and in order")
    return project.photos


class Live:
    """What the live updates tell while a folder is sent: how many, whether in order, and which tasks are not ended."""

    def __init__(self) -> None:
        self.listening = False
        self.count = 0
        self.open_tasks: set[str] = set()
        self._last = (0, 0)
        self._news = asyncio.Condition()

    async def reached(self, state: Callable[[], bool]) -> None:
        """Return once ``state`` holds."""
        async with asyncio.timeout(LONGEST_SECONDS), self._news:
            await self._news.wait_for(state)

    async def follow(self, photobus: PhotobusClient) -> None:
        """Listen until cancelled; each id must be behind the one before."""
        async for event in photobus.follow():
            async with self._news:
                self.listening = True
                if event.id is not None:
                    self._count(event.id)
                if event.name == "task_requested":
                    self.open_tasks.add(event.data["id"])
                elif event.name in ENDS_OF_TASKS:
                    self.open_tasks.discard(event.data["id"])
                self._news.notify_all()

    def _count(self, event_id: str) -> None:
        seq, _, n = event_id.partition("-")
        check((int(seq), int(n)) > self._last, f"the event {event_id} came behind {self._last}")
        self._last, self.count = (int(seq), int(n)), self.count + 1


async def upload(stack: RunningStack, folder: Path, project: str) -> None:
    """Upload as a person would."""
    process = await asyncio.create_subprocess_exec(
        *PHOTOBUS, "upload", str(folder), "--project", project, env=stack.environment
    )
    check(await process.wait() == 0, f"photobus upload ended with {process.returncode}")


async def see_photos(photobus: PhotobusClient, project: Project) -> None:
    """Look at every photo: both derivatives are recorded, and the thumbnail is a JPEG."""
    async for photo in photobus.photos(project.folder):
        states = (photo.thumbnail_status, photo.preview_status)
        check(states == ("generated", "generated"), f"{photo.filename}: {states}, {photo.derivative_reason}")
        thumbnail = await photobus.thumbnail(photo.id)
        check(thumbnail.startswith(JPEG), f"{photo.filename} has no thumbnail")


async def see_client(stack: RunningStack) -> None:
    """Look for the web client where a person would, and for the script that its page names."""
    async with aiohttp.ClientSession(stack.address) as session:
        async with session.get("/") as answer:
            page = await answer.text()
        scripts = re.findall(r'<script type="module"[^>]* src="([^"]+)"', page)
        check(len(scripts) == 1, f"the page at / names {len(scripts)} scripts: {page}")
        async with session.get(scripts[0]) as answer:
            check(answer.status == HTTPStatus.OK, f"{scripts[0]} was answered with {answer.status}")
    say("the web client is there")


async def stop(stack: RunningStack) -> str:
    """Press Ctrl-C, see that nothing is left, and return the token that was in use."""
    token = stack.token
    await stack.interrupt()
    check("Stopped." in stack.said(), "make up did not stop in order")
    check(not list((stack.data / "run").iterdir()), "run/ is not empty")
    say("stopped; no process is left")
    return token


async def see_again(stack: RunningStack, token: str, photos: int) -> None:
    """Start again and find everything as it was."""
    await stack.start(MAKE_UP)
    check(stack.token == token, "the token is another one")
    async with stack.client() as photobus:
        found = [photo async for photo in photobus.photos()]
    check(len(found) == photos, f"{len(found)} photos of {photos} are there")
    say(f"started again; all {photos} photos are there")


def check(holds: bool, otherwise: str) -> None:
    """End the run with ``otherwise`` unless it ``holds``."""
    if not holds:
        raise SystemExit(f"smoke: {otherwise}")


def say(line: str) -> None:
    """Tell how far the run is."""
    sys.stdout.write(f"smoke: {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main([Path(folder) for folder in sys.argv[1:]])
