"""Files that are dropped or chosen: what becomes of each, names that are taken, and uploads that are cut off."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import images
import psutil
from albums import album
from browsing import Browsing, barriers
from playwright.async_api import BrowserContext, CDPSession, Dialog, Locator, Page, Request, expect
from running_stack import RunningStack

from photobus_client import PhotobusClient

SLOW = 3_000_000
"""Bytes a second, so that an upload is under way long enough to be cut off."""

CUT = [r"net::ERR_", r"Failed to load resource"]
"""What the console says of requests that were cut off."""


def files(folder: Path, contents: Mapping[str, bytes]) -> list[Path]:
    """Write files, in folders of their own where their names say so."""
    paths = [folder / name for name in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return paths


def large(seed: int) -> bytes:
    """Make a photo that is sent resumably."""
    picture = images.noise(3600, 2400, seed)
    return images.tiff(picture, compression=None)


def on_disk(stack: RunningStack, folder: str) -> dict[str, str]:
    """Return what lies in a project's folder, without what photobus itself keeps there: digests by names of files."""
    (found,) = [path for path in (stack.data / "library").rglob(folder) if path.is_dir()]
    return digests({path.name: path.read_bytes() for path in found.iterdir() if path.suffix not in {"", ".yaml"}})


def digests(contents: Mapping[str, bytes]) -> dict[str, str]:
    return {Path(name).name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


def panel(page: Page) -> Locator:
    return page.get_by_role("region", name="Uploads")


async def finished(page: Page, words: str) -> None:
    """Wait until all is uploaded, and the thumbnails are made."""
    await expect(panel(page).get_by_role("heading")).to_have_text("Upload finished")
    await expect(panel(page).get_by_text(words, exact=True)).to_be_visible()


async def choose(page: Page, paths: list[Path]) -> None:
    await page.get_by_label("Files to upload").set_input_files(paths)


async def drop(page: Page, *paths: Path) -> None:
    """Drop files and folders upon the page, as the system does."""
    session = await page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    place = {"x": 700, "y": 400, "data": data}
    await session.send("Input.dispatchDragEvent", {"type": "dragEnter", **place})
    while not await page.get_by_text("Drop to upload to").is_visible():  # what takes it may come into view only now
        await session.send("Input.dispatchDragEvent", {"type": "dragOver", **place})
    await session.send("Input.dispatchDragEvent", {"type": "drop", **place})
    await session.detach()


async def slow(page: Page, bytes_a_second: int = SLOW) -> CDPSession:
    """Have the page send no faster; 0 is as fast as it can."""
    session = await page.context.new_cdp_session(page)
    await throttle(session, bytes_a_second)
    return session


async def throttle(session: CDPSession, bytes_a_second: int) -> None:
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_a_second or -1}
    await session.send("Network.enable")
    await session.send("Network.emulateNetworkConditions", conditions)


class Sent:
    """The resumable uploads of a browser: how many it began, and from where on it sent."""

    def __init__(self, context: BrowserContext) -> None:
        self.begun = 0
        self.offsets: list[int] = []
        context.on("request", self._request)

    def _request(self, request: Request) -> None:
        if "/uploads" not in urlsplit(request.url).path:
            return
        if request.method == "POST":
            self.begun += 1
        elif request.method == "PATCH":
            self.offsets.append(int(request.headers["upload-offset"]))


async def under_way(page: Page) -> None:
    """Wait until some megabytes of an upload have left."""
    await expect(panel(page).get_by_text(re.compile(r"^[2-9]\.\d MB of"))).to_be_visible()


async def test_a_dropped_folder_arrives_with_all_that_is_in_it(
    stack: RunningStack, page: Page, photobus: PhotobusClient, tmp_path: Path
) -> None:
    project = await photobus.create_project("Dropped")
    wanted = {
        "card/one.jpg": images.noise_jpeg(900, 600, seed=1),
        "card/sub/two.heic": images.heic(),
        "card/sub/deeper/three.jpg": images.noise_jpeg(900, 600, seed=3),
        "card/sub/three.dng": images.dng(),
        "card/sub/deeper/four.png": images.png(),
    }
    unwanted = {"card/.DS_Store": b"1", "card/sub/.hidden/five.jpg": images.jpeg(), "card/Thumbs.db": b"1"}
    files(tmp_path, {**wanted, **unwanted, "card/notes.txt": b"not a photo"})
    await page.goto(f"/projects/{project.folder}")

    await drop(page, tmp_path / "card")

    await finished(page, "5 uploaded, 1 not taken")
    await expect(panel(page).get_by_text("Thumbnails: 4 of 4")).to_be_visible()
    await expect(panel(page).get_by_text("card/notes.txt")).to_be_visible()
    await expect(page.get_by_role("link", name="Dropped").get_by_text("4")).to_be_visible()
    assert await barriers(page) == []
    assert on_disk(stack, project.folder) == digests(wanted)

    await panel(page).get_by_role("button", name="Close").click()
    await drop(page, tmp_path / "card")
    await finished(page, "5 skipped, 1 not taken")
    assert len([photo async for photo in photobus.photos(project.folder)]) == 4


async def test_a_project_is_asked_for_where_none_is_looked_at(
    page: Page, photobus: PhotobusClient, tmp_path: Path
) -> None:
    await page.goto("/")
    await choose(page, files(tmp_path, {"asked.jpg": images.noise_jpeg(300, 200, seed=5)}))
    await page.get_by_role("dialog", name="Upload 1 file").get_by_role("textbox", name="Project").fill("Asked for")
    await page.keyboard.press("Enter")
    await finished(page, "1 uploaded")
    (folder,) = [project.folder async for project in photobus.projects() if project.name == "Asked for"]
    assert [photo.filename async for photo in photobus.photos(folder)] == ["asked"]


async def test_taken_names_are_decided_on_one_by_one_and_for_all(
    stack: RunningStack, page: Page, photobus: PhotobusClient, tmp_path: Path
) -> None:
    old = {f"taken{n}.jpg": images.noise_jpeg(300, 200, seed=10 + n) for n in range(4)}
    new = {f"taken{n}.jpg": images.noise_jpeg(320, 240, seed=20 + n) for n in range(4)}
    new["taken3.jpg"] = old["taken3.jpg"]
    (tmp_path / "old").mkdir()
    await album(photobus, tmp_path / "old", "Taken", old)
    await page.goto("/projects/Taken")
    await choose(page, files(tmp_path / "new", new))

    await expect(panel(page).get_by_text("3 files with a name that is taken")).to_be_visible()
    await panel(page).get_by_role("button", name="Decide").click()
    dialog = page.get_by_role("dialog", name="Some names are taken")
    row = dialog.get_by_role("listitem").filter(has=page.get_by_role("group", name="taken0.jpg"))
    await expect(row.locator("img")).to_have_count(2)
    await expect(row.locator("img").first).to_have_js_property("complete", value=True)
    assert await barriers(page) == []
    await row.get_by_role("button", name="Keep both").click()
    await expect(row).to_have_count(0)
    await dialog.get_by_role("group", name="For all of them").get_by_role("button", name="Replace").click()

    await expect(dialog).to_have_count(0)
    await finished(page, "3 uploaded, 1 skipped")
    both = {"taken0.jpg": old["taken0.jpg"], "taken0 (2).jpg": new["taken0.jpg"]}
    assert on_disk(stack, "Taken") == digests(new | both)


async def test_a_photo_of_another_project_is_brought_here_instead(
    stack: RunningStack, page: Page, photobus: PhotobusClient, tmp_path: Path
) -> None:
    there = {"brought.jpg": images.noise_jpeg(300, 200, seed=31), "left.jpg": images.noise_jpeg(300, 200, seed=32)}
    here = {"brought.jpg": images.noise_jpeg(320, 240, seed=33), "left.jpg": images.noise_jpeg(320, 240, seed=34)}
    (tmp_path / "there").mkdir()
    await album(photobus, tmp_path / "there", "There", there)
    project = await photobus.create_project("Here")
    await page.goto(f"/projects/{project.folder}")
    await choose(page, files(tmp_path / "here", here))

    await panel(page).get_by_role("button", name="Decide").click()
    dialog = page.get_by_role("dialog", name="Some names are taken")
    await dialog.get_by_role("group", name="brought.jpg").get_by_role("button", name="Bring it here").click()
    await dialog.get_by_role("group", name="left.jpg").get_by_role("button", name="Keep both").click()

    await finished(page, "1 uploaded, 1 brought here")
    assert on_disk(stack, project.folder) == digests(
        {"brought.jpg": there["brought.jpg"], "left (2).jpg": here["left.jpg"]}
    )
    assert on_disk(stack, "There") == digests({"left.jpg": there["left.jpg"]})


async def test_a_killed_gateway_costs_an_upload_nothing(
    browsing: Browsing, stack: RunningStack, photobus: PhotobusClient, tmp_path: Path
) -> None:
    page, troubles = await browsing.signed_in()
    troubles.foreseen += CUT
    contents = {"killed.tif": large(41), "beside.jpg": images.noise_jpeg(300, 200, seed=42)}
    project = await photobus.create_project("Killed")
    sent = Sent(page.context)
    await page.goto(f"/projects/{project.folder}")
    session = await slow(page)
    await choose(page, files(tmp_path, contents))
    await under_way(page)
    other = await page.context.new_page()
    await other.goto("/tasks")
    await expect(other.get_by_text("Another tab uploads")).to_be_visible()
    await other.close()

    before = stack.pids["gateway"]
    psutil.Process(before).kill()
    await expect(panel(page).get_by_role("paragraph").filter(has_text="The server cannot be reached.")).to_be_visible()
    await stack.restarted("gateway", before)
    await throttle(session, 0)

    await finished(page, "2 uploaded")
    assert on_disk(stack, project.folder) == digests(contents)
    assert sent.begun == 1, sent.offsets
    assert sent.offsets[0] == 0
    assert sent.offsets[-1] > 0


async def test_an_upload_goes_on_after_a_reload_where_it_stood(
    browsing: Browsing, stack: RunningStack, photobus: PhotobusClient, tmp_path: Path
) -> None:
    page, troubles = await browsing.signed_in()
    troubles.foreseen += CUT
    asked: list[str] = []

    async def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        await dialog.accept()

    page.on("dialog", leave)
    contents = {"reloaded.tif": large(51), "small.jpg": images.noise_jpeg(300, 200, seed=52)}
    paths = files(tmp_path, contents)
    project = await photobus.create_project("Reloaded")
    sent = Sent(page.context)
    await page.goto(f"/projects/{project.folder}")
    session = await slow(page)
    await page.get_by_role("button", name="Upload").click()  # browsers ask only those who have done something
    await page.keyboard.press("Escape")
    await choose(page, paths)
    await under_way(page)

    await page.reload()
    await expect(panel(page).get_by_role("heading")).to_have_text("An upload was interrupted")
    assert asked == ["beforeunload"]
    await throttle(session, 0)
    await page.get_by_label("The same files again").set_input_files(paths)

    await finished(page, "2 uploaded")
    assert on_disk(stack, project.folder) == digests(contents)
    assert sent.begun == 1, sent.offsets
    assert sent.offsets[-1] > 0
    await page.reload()
    await expect(page.get_by_role("link", name="Reloaded").get_by_text("2")).to_be_visible()
    await expect(panel(page)).to_have_count(0)


async def test_dropped_files_are_found_again_after_a_reload(
    browsing: Browsing, stack: RunningStack, photobus: PhotobusClient, tmp_path: Path
) -> None:
    page, troubles = await browsing.signed_in()
    troubles.foreseen += CUT
    contents = {"kept/found.tif": large(56), "kept/sub/again.jpg": images.noise_jpeg(300, 200, seed=57)}
    files(tmp_path, contents)
    project = await photobus.create_project("Found again")
    sent = Sent(page.context)
    await page.goto(f"/projects/{project.folder}")
    session = await slow(page)
    await drop(page, tmp_path / "kept")
    await under_way(page)

    await page.reload()
    await throttle(session, 0)
    await panel(page).get_by_role("button", name="Go on").click()

    await finished(page, "2 uploaded")
    assert on_disk(stack, project.folder) == digests(contents)
    assert sent.begun == 1, sent.offsets
    assert sent.offsets[-1] > 0


async def test_uploads_wait_for_the_network_and_go_on_by_themselves(
    browsing: Browsing, stack: RunningStack, photobus: PhotobusClient, tmp_path: Path
) -> None:
    page, troubles = await browsing.signed_in()
    troubles.foreseen += CUT
    contents = {f"offline{n:02}.jpg": images.noise_jpeg(1200, 800, seed=60 + n) for n in range(30)}
    project = await photobus.create_project("Offline")
    await page.goto(f"/projects/{project.folder}")
    session = await slow(page)
    await choose(page, files(tmp_path, contents))
    await under_way(page)

    await page.context.set_offline(True)
    await expect(panel(page).get_by_role("paragraph").filter(has_text="There is no network.")).to_be_visible()
    await throttle(session, 0)
    await page.context.set_offline(False)

    await finished(page, "30 uploaded")
    assert on_disk(stack, project.folder) == digests(contents)


async def test_an_upload_is_paused_and_canceled(browsing: Browsing, photobus: PhotobusClient, tmp_path: Path) -> None:
    page, troubles = await browsing.signed_in()
    troubles.foreseen += CUT
    project = await photobus.create_project("Canceled")
    await page.goto(f"/projects/{project.folder}")
    session = await slow(page)
    await choose(page, files(tmp_path, {"canceled.tif": large(71)}))
    await under_way(page)

    await panel(page).get_by_role("button", name="Pause").click()
    await expect(panel(page).get_by_role("heading")).to_have_text("Upload paused")
    await page.get_by_role("link", name="Tasks", exact=True).click()  # the panel stays from view to view
    await panel(page).get_by_role("button", name="Go on").click()
    await expect(panel(page).get_by_role("heading")).to_have_text("Uploading to “Canceled”")
    async with page.expect_response(lambda answer: answer.request.method == "DELETE" and answer.ok):
        await panel(page).get_by_role("button", name="Cancel the rest").click()
    await expect(panel(page)).to_have_count(0)
    await throttle(session, 0)
    assert [photo async for photo in photobus.photos(project.folder)] == []
