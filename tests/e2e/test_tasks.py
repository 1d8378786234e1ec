"""Tasks in the browser: watched to their end, stopped, tried again, and told as a timeline."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import images
import psutil
from browsing import Browsing, barriers
from paused import paused
from playwright.async_api import Locator, Page, expect

from photobus_client import PhotobusClient

LINE = "/api/sse/stream"


async def upload(photobus: PhotobusClient, folder: Path, name: str, contents: dict[str, bytes]) -> str:
    """Make a project of ``name`` with these photos; returns the label of the task that looks after them."""
    project = await photobus.create_project(name)
    paths = [folder / filename for filename in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        path.write_bytes(content)
    async for sent in photobus.send(project.folder, paths):
        assert sent.result is not None
        assert sent.result.stored, sent
    return f"Upload of {len(paths)} photos to {name}"


def photos(basename: str, count: int) -> dict[str, bytes]:
    return {f"{basename}{number}.jpg": images.noise_jpeg(320, 240, seed=number) for number in range(count)}


async def panel(page: Page) -> Locator:
    """Open the panel of tasks."""
    await page.get_by_role("button", name=re.compile("^Tasks")).click()
    shown = page.get_by_role("complementary", name="Tasks")
    await expect(shown).to_be_focused()
    return shown


def row(within: Page | Locator, label: str) -> Locator:
    """Find the task of that label; of several, all."""
    page = within if isinstance(within, Page) else within.page
    return within.get_by_role("listitem").filter(has=page.get_by_role("link", name=label, exact=True))


async def test_a_task_is_watched_to_its_end_in_every_tab(
    page: Page, browsing: Browsing, photobus: PhotobusClient, tmp_path: Path
) -> None:
    lines: list[str] = []
    page.context.on("request", lambda asked: lines.append(asked.url) if urlsplit(asked.url).path == LINE else None)
    await page.goto("/")
    other = await page.context.new_page()
    await other.goto("/tasks")
    shown = await panel(page)

    with paused(browsing.stack, "derivatives"):
        label = await upload(photobus, tmp_path, "Watched", photos("seen", 3))
        for tab in (row(shown, label), row(other, label)):
            await expect(tab.get_by_role("progressbar")).to_be_visible()
            await expect(tab).to_contain_text("Step 1 of 3: Make thumbnails and previews, 0 of 3 photos")
        await expect(page.get_by_role("button", name=re.compile("^Tasks: 1 under way"))).to_be_visible()
        assert await barriers(page) == []

    for tab in (row(shown, label), row(other, label)):
        await expect(tab).to_contain_text("Done")
        await expect(tab.get_by_role("progressbar")).to_have_count(0)
    button = page.get_by_role("button", name="Tasks", exact=True)
    await expect(button).to_be_visible()
    assert len(lines) == 1

    await shown.focus()
    await page.keyboard.press("Escape")
    await expect(shown).to_have_count(0)
    await expect(button).to_be_focused()


async def test_a_task_is_stopped_by_who_may(
    page: Page, browsing: Browsing, photobus: PhotobusClient, tmp_path: Path
) -> None:
    viewer, _ = await browsing.signed_in("viewer")
    await viewer.goto("/tasks")
    await page.goto("/")
    shown = await panel(page)

    with paused(browsing.stack, "derivatives"):
        label = await upload(photobus, tmp_path, "Stopped", photos("left", 2))
        await expect(row(viewer, label)).to_be_visible()
        await row(shown, label).get_by_role("button", name="Cancel").click()
        await expect(row(shown, label)).to_contain_text("Canceled")
        await expect(row(viewer, label)).to_contain_text("Canceled")

    await expect(row(shown, label).get_by_role("button", name="Try again")).to_be_visible()
    await expect(row(viewer, label).get_by_role("button")).to_have_count(0)


async def test_what_failed_is_told_by_its_reason_and_tried_again(
    page: Page, photobus: PhotobusClient, tmp_path: Path
) -> None:
    await page.goto("/")
    shown = await panel(page)
    whole = images.noise_jpeg(320, 240)
    torn = {f"torn{number}.jpg": images.truncated(whole, 0.3 + number / 10) for number in range(2)}
    label = await upload(photobus, tmp_path, "Torn", {"whole.jpg": whole, **torn})

    await row(shown, label).get_by_role("button", name="2 failures").click()
    reasons = row(shown, label).get_by_role("group")
    await expect(reasons.first).to_contain_text("2 photos")
    await expect(reasons.get_by_role("link", name="torn1")).to_have_attribute(
        "href", re.compile(r"/projects/Torn\?photo=")
    )
    await row(shown, label).get_by_role("button", name="Try again").click()
    again = row(shown, "Process uploaded photos")
    await expect(again.get_by_role("button", name="2 failures")).to_be_visible()
    await expect(row(shown, label).get_by_role("button", name="Try again")).to_have_count(0)

    await again.get_by_role("link", name="Process uploaded photos").click()
    await expect(page.get_by_role("region", name="What failed")).to_contain_text("torn0")
    await page.get_by_role("link", name="An earlier task").click()
    await expect(page.get_by_role("heading", name=label)).to_be_visible()


async def test_a_task_is_taken_back_from_the_panel(page: Page, photobus: PhotobusClient, tmp_path: Path) -> None:
    await page.goto("/")
    shown = await panel(page)
    await upload(photobus, tmp_path, "Tagged", photos("tagged", 2))
    targets = {"filter": {"project_folder": "Tagged"}}
    await photobus.start_task("tags_update", targets, {"add": ["by the panel"]})

    await row(shown, "Change tags").get_by_role("button", name="Undo").click()
    await expect(row(shown, "Undo")).to_contain_text("Done")
    assert [photo.tags async for photo in photobus.photos("Tagged")] == [[], []]


async def test_the_events_of_a_task_are_a_timeline(page: Page, photobus: PhotobusClient, tmp_path: Path) -> None:
    label = await upload(photobus, tmp_path, "Told", photos("told", 2))
    await page.goto("/tasks")
    await row(page, label).get_by_role("link", name=label).click()
    events = page.get_by_role("list", name="Events, in the order of the log")
    over = events.get_by_role("listitem").filter(has_text="Task completed")
    await expect(over).to_be_visible()

    told = await events.get_by_role("listitem").all_inner_texts()
    assert "requested" in told[0]
    assert [sum(word in line for line in told) > 0 for word in ("queued", "started", "Derivatives")] == [True] * 3
    await over.get_by_role("button").click()  # its cause: the last job
    cause = events.get_by_role("listitem").filter(has_text="folder check” completed").first
    await expect(cause.locator("summary")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(cause).to_contain_text('"job_type": "folder_check"')

    jobs = page.get_by_role("region", name="Jobs")
    await jobs.get_by_text("Make thumbnails and previews").click()
    await expect(jobs.get_by_role("link", name="told1")).to_be_visible()
    await expect(jobs).to_contain_text("Priority lane")
    assert await barriers(page) == []


async def test_a_gateway_that_is_gone_in_the_middle_of_a_task_hides_nothing_of_it(
    browsing: Browsing, photobus: PhotobusClient, tmp_path: Path
) -> None:
    page, troubles = await browsing.signed_in()
    troubles.foreseen.append("net::ERR_")  # while there is no gateway
    await page.goto("/tasks")

    with paused(browsing.stack, "derivatives"):
        label = await upload(photobus, tmp_path, "Meanwhile", photos("made", 2))
        await row(page, label).get_by_role("link", name=label).click()
        await expect(page.get_by_role("progressbar").first).to_be_visible()
        await page.evaluate("window.still = true")
        await page.route(f"**{LINE}*", lambda route: route.abort())
        before = browsing.stack.pids["gateway"]
        psutil.Process(before).kill()
        await browsing.stack.restarted("gateway", before)
        await expect(page.get_by_text("No connection since")).to_be_visible()

    tasks = [task async for task in photobus.all_tasks() if task.label == label]
    async for _ in photobus.history.task(tasks[0].id):
        pass
    await page.unroute(f"**{LINE}*")

    await expect(page.get_by_text("No connection since")).to_have_count(0)
    await expect(page.get_by_role("main")).to_contain_text("Done · 2 photos")
    events = page.get_by_role("list", name="Events, in the order of the log")
    await expect(events).to_contain_text("Task completed")
    told = [event.summary async for event in photobus.history.task(tasks[0].id)]
    await expect(events.locator("summary")).to_have_text(told)
    assert await page.evaluate("window.still")


async def test_tasks_are_shown_as_they_stood(page: Page, photobus: PhotobusClient, tmp_path: Path) -> None:
    label = await upload(photobus, tmp_path, "Back then", photos("then", 2))
    await page.goto("/tasks")
    await expect(row(page, label)).to_contain_text("Done")
    await page.get_by_label("Status").select_option(label="Failed")
    await expect(page).to_have_url(re.compile(r"/tasks\?status=failed$"))
    await expect(row(page, label)).to_have_count(0)

    tasks = [task async for task in photobus.all_tasks() if task.label == label]
    begun = [event async for event in photobus.history.task(tasks[0].id) if event.type == "TaskStarted"]
    await page.goto(f"/tasks?as_of={begun[0].seq}")
    await expect(row(page, label)).to_contain_text("Running")
