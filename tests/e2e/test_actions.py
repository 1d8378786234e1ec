"""Things done with photos in the browser: foretold, done, told of in a notice, and taken back from there."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

import images
from albums import album, many_rows
from browsing import PATIENCE, Browsing, barriers
from playwright.async_api import Locator, Page, expect

from photobus_client import Keep, PhotobusClient, Selection


def two(first: str, second: str) -> dict[str, bytes]:
    """A landscape and a portrait. Names are a test's own: one that another project has would be a conflict."""
    return {f"{first}.jpg": images.jpeg(), f"{second}.jpg": images.jpeg(400, 600)}


def bar(page: Page) -> Locator:
    return page.get_by_role("region", name="Selected photos")


def pending(page: Page) -> Locator:
    return page.get_by_role("region", name="Marked for removal")


def notice(page: Page, text: str) -> Locator:
    return page.get_by_role("region", name="Notices").locator("p", has_text=text)


def cell(page: Page, name: str) -> Locator:
    return page.get_by_role("gridcell", name=re.compile(rf"^{re.escape(name)}(,|$)"))


async def select(page: Page, names: Sequence[str]) -> None:
    """Select these photos of the list, by the keyboard."""
    grid = page.get_by_role("grid", name="Photos")
    for name in names:
        await expect(cell(page, name)).to_be_visible()
        await grid.focus()
        await page.keyboard.press("Home")
        while await cell(page, name).get_attribute("id") != await grid.get_attribute("aria-activedescendant"):
            await page.keyboard.press("ArrowRight")
        await page.keyboard.press("Space")
        await expect(cell(page, name)).to_have_attribute("aria-selected", "true")


async def undo(page: Page) -> None:
    await page.get_by_role("region", name="Notices").get_by_role("button", name="Undo").last.click()


async def test_what_is_marked_is_removed_brought_back_and_kept_again(
    page: Page, photobus: PhotobusClient, tmp_path: Path
) -> None:
    await album(photobus, tmp_path, "Culled", two("bad", "worse"))
    await page.goto("/projects/Culled?sort=filename")
    await select(page, ["bad", "worse"])
    await bar(page).get_by_role("button", name="Keep or remove").click()
    dialog = page.get_by_role("dialog", name="What to keep of 2 photos")
    await dialog.get_by_role("group", name="JPEG files").get_by_label("Remove").check()
    await expect(dialog.get_by_text("2 photos will change.")).to_be_visible()
    assert await barriers(page) == []
    await dialog.get_by_role("button", name="Mark", exact=True).click()
    await expect(notice(page, "Marked 2 photos.")).to_be_visible()
    await expect(pending(page)).to_contain_text("2 files marked for removal")

    await pending(page).get_by_role("button", name="Remove").click()
    dialog = page.get_by_role("dialog", name="Remove 2 files")
    await expect(dialog.get_by_text("bad.jpg goes to the trash, and the photo leaves the project")).to_be_visible()
    assert await barriers(page) == []
    await dialog.get_by_role("button", name="Remove", exact=True).click()
    await expect(notice(page, "Removed 2 files.")).to_be_visible()
    await expect(pending(page)).to_have_count(0)

    await undo(page)
    await expect(notice(page, "Undone.")).to_be_visible()
    await expect(pending(page)).to_contain_text("2 files marked for removal")
    await pending(page).get_by_role("button", name="Keep all").click()
    await (
        page.get_by_role("dialog", name="Keep 2 files after all").get_by_role("button", name="Keep", exact=True).click()
    )
    await expect(notice(page, "Kept 2 files.")).to_be_visible()
    await expect(pending(page)).to_have_count(0)
    assert await names(photobus, "Culled") == ["bad", "worse"]


async def test_photos_of_two_projects_move_into_a_new_one_and_back(
    page: Page, photobus: PhotobusClient, tmp_path: Path
) -> None:
    await album(photobus, tmp_path, "Gathered A", {"IMG_7.jpg": images.jpeg()})
    await album(photobus, tmp_path, "Gathered B", {"DSC_7.jpg": images.jpeg()})
    await page.goto("/?text=_7&project_folders=Gathered A&project_folders=Gathered B&sort=filename")
    await select(page, ["DSC_7", "IMG_7"])
    await bar(page).get_by_role("button", name="Move", exact=True).click()
    field = page.get_by_role("dialog", name="Move 2 photos").get_by_label("Project", exact=True)
    await expect(field).to_be_focused()
    await page.keyboard.type("Gathered at last")
    await page.keyboard.press("Enter")

    dialog = page.get_by_role("dialog", name="Move 2 photos to “Gathered at last”")
    await expect(dialog.get_by_text("2 photos will change.")).to_be_visible()
    assert await barriers(page) == []
    await dialog.get_by_role("button", name="Move", exact=True).click()
    await expect(notice(page, "Moved 2 photos to “Gathered at last”.")).to_be_visible()
    assert await names(photobus, "Gathered at last") == ["DSC_7", "IMG_7"]

    await undo(page)
    await expect(notice(page, "Undone.")).to_be_visible()
    assert [await names(photobus, f"Gathered {which}") for which in ("A", "B")] == [["IMG_7"], ["DSC_7"]]


async def test_a_move_says_which_names_are_taken_and_an_undo_what_it_cannot_take_back(
    page: Page, photobus: PhotobusClient, tmp_path: Path
) -> None:
    photos = await album(photobus, tmp_path, "Left", two("left one", "left two"))
    await album(photobus, tmp_path, "Taken", {"three.jpg": images.jpeg()})
    await photobus.create_project("Farther")
    await page.goto("/projects/Left?sort=filename")
    await select(page, ["left one", "left two"])
    await bar(page).get_by_role("button", name="Move", exact=True).click()
    await page.get_by_role("dialog").get_by_label("Project", exact=True).fill("Taken")
    await page.get_by_role("list", name="Projects to move to").get_by_role("button", name="Taken").click()
    await page.get_by_role("dialog").get_by_role("button", name="Move", exact=True).click()
    await expect(notice(page, "Moved 2 photos to “Taken”.")).to_be_visible()

    task = await photobus.photo_sets.move(Selection([photos["left two"]]), "Farther")
    await ended(photobus, str(task.id))
    await undo(page)
    dialog = page.get_by_role("dialog", name="Not all of it can be undone")
    await expect(dialog.get_by_role("listitem").first).to_contain_text("left two")
    await expect(dialog).to_contain_text("1 cannot be changed")
    await dialog.get_by_role("button", name="Undo the rest").click()
    await expect(notice(page, "Undone.")).to_be_visible()
    assert [await names(photobus, folder) for folder in ("Left", "Farther")] == [["left one"], ["left two"]]


async def test_tags_of_photos_that_are_named_change_at_once(
    page: Page, photobus: PhotobusClient, tmp_path: Path
) -> None:
    photos = await album(photobus, tmp_path, "Tagged", two("oak", "boat"))
    await page.goto("/projects/Tagged?sort=filename")
    await select(page, ["oak"])
    await tag(page, "at once")
    await expect(notice(page, "Added “at once” to 1 photo.")).to_be_visible()
    assert (await photobus.photo(photos["oak"])).tags == ["at once"]
    await undo(page)
    await expect(notice(page, "Undone for 1 photo.")).to_be_visible()
    assert (await photobus.photo(photos["oak"])).tags == []
    await bar(page).get_by_role("button", name="Clear the selection").press("Enter")
    await expect(bar(page)).to_have_count(0)
    await expect(page.get_by_role("grid", name="Photos")).to_be_focused()


async def test_tags_of_all_that_match_change_by_a_task(
    page: Page, browsing: Browsing, photobus: PhotobusClient
) -> None:
    await photobus.create_project("Many")
    await many_rows(browsing.stack, "Many", "row ", 2002)
    await page.goto("/projects/Many?text=row")
    await expect(page.get_by_role("gridcell").first).to_be_visible()
    await page.get_by_role("grid", name="Photos").focus()
    await page.keyboard.press("Control+a")
    await expect(bar(page)).to_contain_text("All 2,002 that match")
    await tag(page, "by filter")
    await expect(notice(page, "Added “by filter” to 2,002 photos.")).to_be_visible()
    assert await photobus.count_photos("Many", {"tags": "by filter"}) == 2002

    await undo(page)
    await expect(notice(page, "Undone.")).to_be_visible()
    assert await photobus.count_photos("Many", {"tags": "by filter"}) == 0


async def test_a_project_is_deleted_and_brought_back(page: Page, photobus: PhotobusClient, tmp_path: Path) -> None:
    photos = await album(photobus, tmp_path, "Gone", two("gone one", "gone two"))
    await page.goto("/projects/Gone")
    await page.get_by_role("button", name="Gone: more").click()
    await page.get_by_role("menuitem", name="Delete").click()
    dialog = page.get_by_role("dialog", name="Delete “Gone”")
    await expect(dialog).to_contain_text("2 photos go to the trash: 2 files")
    assert await barriers(page) == []
    await dialog.get_by_role("button", name="Delete").click()
    await expect(page).to_have_url(re.compile(r"[^/]/$"))
    await expect(page.get_by_role("link", name="Gone")).to_have_count(0)
    await expect(notice(page, "Deleted “Gone”.")).to_be_visible()

    await undo(page)
    await expect(notice(page, "Undone.")).to_be_visible()
    await expect(page.get_by_role("link", name="Gone")).to_be_visible()
    assert await names(photobus, "Gone") == sorted(photos)


async def test_who_may_only_look_is_offered_none_of_it(
    browsing: Browsing, photobus: PhotobusClient, tmp_path: Path
) -> None:
    photos = await album(photobus, tmp_path, "Only seen", two("seen one", "seen two"))
    await photobus.photo_sets.keep({photo: Keep(jpg=False) for photo in photos.values()})
    editor, _ = await browsing.signed_in("editor")
    await editor.goto("/projects/Only seen")
    await expect(pending(editor)).to_be_visible()
    page, _ = await browsing.signed_in("viewer")
    await page.goto("/projects/Only seen?sort=filename")
    await select(page, ["seen one"])

    await expect(bar(page)).to_have_count(0)
    await expect(pending(page)).to_have_count(0)


async def tag(page: Page, text: str) -> None:
    """Give what is selected a tag."""
    await bar(page).get_by_role("button", name="Tags").click()
    field = page.get_by_role("dialog").get_by_label("Add", exact=True)
    await expect(field).to_be_focused()
    await page.keyboard.type(text)
    await page.keyboard.press("Enter")
    await page.get_by_role("dialog").get_by_role("button", name="Change tags").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def names(photobus: PhotobusClient, folder: str) -> list[str]:
    return [photo.filename async for photo in photobus.photos(folder, {"sort": "filename"})]


async def ended(photobus: PhotobusClient, task_id: str) -> None:
    """Wait until a task has ended well."""
    async with asyncio.timeout(PATIENCE / 1000):
        while (await photobus.task(task_id)).status != "completed":  # the server alone knows when
            await asyncio.sleep(0.1)
