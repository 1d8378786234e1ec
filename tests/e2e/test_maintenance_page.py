"""Maintenance in the browser: schedules that are changed, questions that are answered, and what runs report."""

import re
from pathlib import Path

import images
from browsing import Browsing, barriers
from playwright.async_api import Page, expect

from photobus_client import PhotobusClient

MANY = 24
"""More than a check removes without being told to."""


async def test_a_schedule_is_changed_by_an_admin(browsing: Browsing) -> None:
    page, troubles = await browsing.signed_in()
    troubles.foreseen.append(r"4\d\d .*/api/schedules/")
    viewer, _ = await browsing.signed_in("viewer")
    await viewer.goto("/maintenance")
    await page.goto("/maintenance")
    name = "Check the integrity of originals"
    mine, theirs = (tab.get_by_role("listitem", name=name) for tab in (page, viewer))
    await expect(theirs).to_contain_text("Every 7 days")
    await expect(theirs.get_by_role("button")).to_have_count(0)
    await expect(mine).to_be_visible()
    assert await barriers(page) == []

    await mine.get_by_role("button", name="Change").click()
    dialog = page.get_by_role("dialog", name=name)
    await dialog.get_by_label("Every").fill("1")
    await dialog.get_by_label("Unit").select_option("seconds")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_role("alert")).to_be_visible()  # more often than the settings allow
    await dialog.get_by_label("It comes").select_option(label="at certain times")
    await dialog.get_by_label("Times").fill("0 30 3 * * 0")
    await expect(dialog).to_contain_text("Every Sunday at 03:30 UTC.")
    await dialog.get_by_role("button", name="Save").click()

    await expect(dialog).to_have_count(0)
    for shown in (mine, theirs):
        await expect(shown).to_contain_text("Every Sunday at 03:30 UTC")
    await mine.get_by_role("switch", name=name).click()
    await expect(mine.get_by_role("switch", name=name)).not_to_be_checked()
    await expect(theirs).to_contain_text("Off")
    await mine.get_by_role("switch", name=name).click()
    await expect(theirs).not_to_contain_text("Off")


async def test_a_schedule_s_task_is_run_now_and_reports(page: Page) -> None:
    await page.goto("/maintenance")
    name = "Discover folders"
    await page.get_by_role("listitem", name=name).first.get_by_role("button", name="Run now").click()
    run = page.get_by_role("list", name="Runs").get_by_role("listitem", name=name).first
    await expect(run).to_contain_text("Done")
    await run.get_by_role("button", name="What it did").click()
    await expect(run.get_by_role("row", name=re.compile("Look for new folders"))).to_be_visible()


async def test_what_is_gone_is_removed_once_somebody_said_so(
    page: Page, browsing: Browsing, photobus: PhotobusClient, tmp_path: Path
) -> None:
    project = await photobus.create_project("Unmounted")
    paths = [tmp_path / f"lost{number:02}.jpg" for number in range(MANY)]
    for number, path in enumerate(paths):
        path.write_bytes(images.noise_jpeg(64, 48, seed=1000 + number))
    async for sent in photobus.send(project.folder, paths):
        assert sent.result is not None
        assert sent.result.stored, sent
    for file in browsing.stack.data.glob(f"library/*/{project.folder}/*.jpg"):
        file.unlink()
    await page.goto("/maintenance")
    link = page.get_by_role("link", name=re.compile("^Maintenance"))
    await expect(link).to_have_accessible_name("Maintenance")

    task = await photobus.start_project_task(project.folder, "maintenance")
    await expect(link).to_have_accessible_name("Maintenance 1 to answer")
    question = page.get_by_role("listitem", name=project.folder)
    await question.get_by_role("button", name="They are gone").click()
    dialog = page.get_by_role("dialog", name=f"Remove {MANY} photos?")
    await expect(dialog).to_contain_text("known again")
    await expect(dialog.get_by_role("list", name="Photos").get_by_role("listitem")).to_have_count(MANY)
    assert await barriers(page) == []
    await dialog.get_by_role("button", name="They are gone: remove them").click()

    await expect(question).to_have_count(0)
    await expect(link).to_have_accessible_name("Maintenance")
    run = page.get_by_role("list", name="Runs").get_by_role("listitem", name="Maintain the project").first
    await expect(run).to_contain_text("Done")
    assert (await photobus.task(task.id)).status == "completed"
    assert await photobus.count_photos(project.folder, {}) == 0
    await run.get_by_role("button", name="What it did").click()
    line = run.get_by_role("list", name="Report").get_by_role("listitem").filter(has_text="Changed").first
    await line.get_by_text("Changed").click()
    await expect(line).to_contain_text(f'"project_folder": "{project.folder}"')
