"""The grid of photos: it fills and changes while it is looked at, moves no view, and is led by keys and addresses."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import images
from browsing import PHONE, Browsing, barriers
from playwright.async_api import FloatRect, Locator, Page, expect
from shoot import upload

from photobus_client import PhotobusClient
from photobus_client.photo_sets import Keep
from photobus_client.selection import Selection

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
MARKED = "window.markedByTheTest"


def picture(number: int, colour: int = 0) -> bytes:
    """A small photo that was taken ``number`` days after the others; each has a width of its own."""
    shot = images.Shot(taken_at=START + timedelta(days=number))
    colours = images.QUARTERS[colour:] + images.QUARTERS[:colour]
    return images.jpeg(shot=shot, picture=images.quarters(96 + 8 * (number % 5), 72, colours))


def pictures(prefix: str, numbers: range) -> dict[str, bytes]:
    """Photos by their names, later numbers later."""
    return {f"{prefix}{number:03}.jpg": picture(number) for number in numbers}


async def project(photobus: PhotobusClient, name: str, files: dict[str, bytes]) -> str:
    """Make a project with photos; return its folder."""
    made = await photobus.create_project(name)
    if files:
        await upload(photobus, made.folder, files)
    return made.folder


async def ids(photobus: PhotobusClient, folder: str) -> dict[str, int]:
    """The ids of a project's photos by their names."""
    path = f"/api/projects/{quote(folder)}/photos?limit=500"
    answer = await photobus.transport.json("GET", path)
    return {item["filename"]: item["id"] for item in answer["items"]}


def tile(page: Page, name: str) -> Locator:
    """The tile of the photo of that name."""
    return page.get_by_role("gridcell", name=re.compile(rf"^{re.escape(name)}(,|$)"))


def line_of(page: Page) -> Locator:
    """What the grid says of how many photos there are."""
    return page.get_by_role("region", name="Photos").locator("header").get_by_role("status")


async def names(page: Page) -> list[str]:
    """The names of the photos on the page, as they stand."""
    return await names_of(page.get_by_role("gridcell"))


async def names_of(cells: Locator) -> list[str]:
    """The names of the photos of tiles."""
    labels: list[str] = await cells.evaluate_all("cells => cells.map((cell) => cell.firstChild.textContent)")
    return [label.split(",", maxsplit=1)[0] for label in labels]


async def is_shown(cell: Locator) -> None:
    """Wait until the thumbnail has come and is on the screen."""
    image = cell.locator("img[data-shown]")
    await expect(image).to_be_visible()
    assert await image.evaluate("image => image.naturalWidth") > 0


async def selected(page: Page) -> list[str]:
    """The names of the photos on the page that are selected."""
    return await names_of(page.locator("[role=gridcell][aria-selected=true]"))


async def test_thumbnails_appear_as_they_are_made(page: Page, photobus: PhotobusClient) -> None:
    folder = await project(photobus, "Arriving", {})
    await page.goto(f"/projects/{folder}")
    await expect(page.get_by_role("heading", name="No photos yet")).to_be_visible()
    await page.evaluate(f"{MARKED} = true")

    await upload(photobus, folder, pictures("first", range(3)))
    for number in range(3):
        await is_shown(tile(page, f"first{number:03}"))
    await upload(photobus, folder, pictures("second", range(3, 6)))
    for number in range(3, 6):
        await is_shown(tile(page, f"second{number:03}"))

    assert await names(page) == [
        *(f"second{number:03}" for number in (5, 4, 3)),
        *(f"first{number:03}" for number in (2, 1, 0)),
    ]
    await expect(line_of(page)).to_have_text("6 photos")
    assert await page.evaluate(MARKED)  # without a reload
    assert await barriers(page) == []


async def test_filters_and_the_order_are_in_the_address(page: Page, photobus: PhotobusClient) -> None:
    files = {"b.jpg": picture(0), "a.jpg": picture(2), "c.jpg": picture(1)}
    folder = await project(photobus, "Filtered", files)
    known = await ids(photobus, folder)
    await photobus.photo_sets.add_tags({known["a"]: ["sea"], known["c"]: ["sea", "hill"]})
    await page.goto(f"/projects/{folder}")
    await expect(tile(page, "b")).to_be_visible()
    assert await names(page) == ["a", "c", "b"]

    await page.get_by_role("button", name="Sorted by").click()
    await page.get_by_role("menuitemradio", name="Name").click()
    await expect(page).to_have_url(re.compile("sort=filename"))
    await expect(page.get_by_role("gridcell").first).to_have_accessible_name(re.compile("^a,"))
    assert await names(page) == ["a", "b", "c"]

    await page.get_by_role("button", name="Filters", exact=True).click()
    await page.get_by_label("Tags", exact=True).fill("sea")
    await page.get_by_label("Tags", exact=True).press("Enter")
    await expect(line_of(page)).to_have_text("2 photos")
    await page.get_by_label("Tags", exact=True).fill("hill")
    await page.get_by_label("Tags", exact=True).press("Enter")
    await page.get_by_role("button", name="Done").click()
    await expect(line_of(page)).to_have_text("1 photo")
    await expect(page).to_have_url(re.compile("tags=sea&tags=hill"))
    assert await names(page) == ["c"]

    await page.reload()
    await expect(tile(page, "c")).to_be_visible()
    assert await names(page) == ["c"]
    await page.get_by_role("button", name="Without the filter #hill").click()
    await expect(tile(page, "a")).to_be_visible()
    await page.go_back()
    await expect(tile(page, "a")).to_have_count(0)
    await page.go_forward()
    await expect(tile(page, "a")).to_be_visible()
    assert await names(page) == ["a", "c"]


async def test_photos_of_two_projects_are_selected_by_keys_and_stay_selected(
    page: Page, photobus: PhotobusClient
) -> None:
    one = await project(photobus, "Picked", pictures("picked", range(0, 8, 2)))
    await project(photobus, "Picked too", pictures("picked", range(1, 8, 2)))
    await page.goto("/?text=picked")
    await expect(tile(page, "picked007")).to_be_visible()
    grid = page.get_by_role("grid", name="Photos")

    await grid.focus()
    await page.keyboard.press("Home")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press(" ")
    await page.keyboard.press("Shift+ArrowRight")
    await page.keyboard.press("Shift+ArrowRight")
    await page.keyboard.press("Shift+ArrowLeft")
    await expect(tile(page, "picked004")).to_have_attribute("aria-selected", "false")
    assert await selected(page) == ["picked006", "picked005"]

    await tile(page, "picked000").click(modifiers=["Control"])
    await tile(page, "picked002").click(modifiers=["Shift"])
    await expect(tile(page, "picked001")).to_have_attribute("aria-selected", "true")
    assert await selected(page) == ["picked006", "picked005", "picked002", "picked001", "picked000"]

    await page.get_by_role("link", name="Picked 4 photos", exact=True).click()
    await expect(line_of(page)).to_have_text("4 photos")
    assert await selected(page) == ["picked006", "picked002", "picked000"]
    known = await ids(photobus, one)
    await photobus.photo_sets.move(Selection([known["picked002"]]), "Picked too")
    await expect(tile(page, "picked002")).to_contain_text("Moved to Picked too")
    await page.go_back()
    await expect(tile(page, "picked005")).to_be_visible()
    assert await selected(page) == ["picked006", "picked005", "picked002", "picked001", "picked000"]

    await grid.focus()
    await page.keyboard.press("Control+a")
    await expect(tile(page, "picked007")).to_have_attribute("aria-selected", "true")
    assert len(await selected(page)) == 8
    await page.keyboard.press("Escape")
    await expect(tile(page, "picked007")).to_have_attribute("aria-selected", "false")
    assert await selected(page) == []


async def test_a_drag_selects_what_it_spans(page: Page, photobus: PhotobusClient) -> None:
    folder = await project(photobus, "Dragged", pictures("drag", range(12)))
    await page.goto(f"/projects/{folder}")
    first = await box(tile(page, "drag011"))
    last = await box(tile(page, "drag009"))
    await page.mouse.move(first["x"] + 20, first["y"] + 20)
    await page.mouse.down()
    await page.mouse.move(last["x"] + 20, last["y"] + 40, steps=4)
    await expect(tile(page, "drag009")).to_have_attribute("aria-selected", "true")
    await page.mouse.up()
    assert await selected(page) == ["drag011", "drag010", "drag009"]
    assert "photo=" not in page.url


async def test_what_is_new_or_gone_moves_nothing_that_is_looked_at(
    browsing: Browsing, page: Page, photobus: PhotobusClient
) -> None:
    folder = await project(photobus, "Watched grid", pictures("many", range(0, 120, 2)))
    known = await ids(photobus, folder)
    other = await page.context.new_page()
    for tab in (page, other):
        await tab.goto(f"/projects/{folder}")
        await expect(tile(tab, "many118")).to_be_visible()
    slider = page.get_by_role("slider", name="Dates")
    await slider.focus()
    await page.keyboard.press("End")
    await expect(tile(page, "many000")).to_be_in_viewport()
    await page.keyboard.press("ArrowUp")
    looked_at = await in_the_middle(page)
    before = await box(tile(page, looked_at))

    # What changes shows in both tabs where it stands; what is gone stays as a ghost.
    await photobus.photo_sets.keep({known["many118"]: Keep(jpg=False), known[looked_at]: Keep(jpg=False)})
    await expect(tile(page, looked_at)).to_have_accessible_name(re.compile("to be removed"))
    await expect(tile(other, "many118")).to_have_accessible_name(re.compile("to be removed"))
    await photobus.photo_sets.commit_changes(Selection(projects=[folder]))
    await expect(tile(page, looked_at)).to_contain_text("Removed")
    await expect(tile(other, "many118")).to_contain_text("Removed")
    await upload(photobus, folder, pictures("new", range(121, 123)))
    for tab in (page, other):
        await expect(line_of(tab)).to_have_text("60 photos")
    assert await box(tile(page, looked_at)) == before

    # At the top what is new comes in by itself; elsewhere it is told of, and comes at a click.
    await is_shown(tile(other, "new122"))
    chip = page.get_by_role("button", name=re.compile("2 new photos, 1 gone"))
    await expect(chip).to_be_visible()
    assert await barriers(page) == []
    await chip.click()
    await is_shown(tile(page, "new122"))
    await expect(chip).to_have_count(0)
    await expect(tile(page, "many118")).to_have_count(0)


async def test_a_failed_file_says_why_and_is_tried_again(
    browsing: Browsing, page: Page, photobus: PhotobusClient
) -> None:
    whole = images.noise_jpeg(320, 240)
    folder = await project(photobus, "Failing", {"torn.jpg": images.truncated(whole, 0.5), "whole.jpg": whole})
    await page.goto(f"/projects/{folder}?sort=filename")
    torn = tile(page, "torn")
    await expect(torn).to_contain_text("The file is cut off")
    await is_shown(tile(page, "whole"))
    assert await barriers(page) == []

    async with page.expect_request("**/api/photos/process") as asked:
        await torn.get_by_role("button", name="Try again").click()
    assert '"force":true' in ((await asked.value).post_data or "")
    await expect(torn.get_by_role("button", name="Try again: torn")).to_be_enabled()
    await upload(photobus, folder, {"torn.jpg": whole[:-2] + b"\xff\xd9"}, on_conflict="overwrite")
    await is_shown(torn)

    viewer, _ = await browsing.signed_in("viewer")
    await upload(photobus, folder, {"torn_too.jpg": images.truncated(whole, 0.6)})
    await viewer.goto(f"/projects/{folder}")
    await expect(tile(viewer, "torn_too")).to_contain_text("The file is cut off")
    await expect(viewer.get_by_role("button", name="Try again")).to_have_count(0)


async def test_a_project_that_is_not_there_says_so(page: Page, photobus: PhotobusClient) -> None:
    folder = await project(photobus, "Going", pictures("going", range(2)))
    await page.goto(f"/projects/{folder}")
    await is_shown(tile(page, "going001"))
    await photobus.delete_project(folder)
    await expect(page.get_by_role("heading", name="This project is not there")).to_be_visible()
    await page.get_by_role("region", name="Photos").get_by_role("link", name="All photos").click()
    await expect(page.get_by_role("heading", name="All photos")).to_be_visible()
    await page.goto("/projects/Nowhere")
    await expect(page.get_by_role("heading", name="This project is not there")).to_be_visible()


async def test_on_a_phone_a_long_touch_selects(browsing: Browsing, photobus: PhotobusClient) -> None:
    folder = await project(photobus, "Touched", pictures("touch", range(12)))
    page, _ = await browsing.signed_in(viewport=PHONE, has_touch=True, is_mobile=True)
    await page.goto(f"/projects/{folder}")
    await is_shown(tile(page, "touch011"))
    assert await barriers(page) == []
    await press_long(page, tile(page, "touch011"))
    await expect(tile(page, "touch011")).to_have_attribute("aria-selected", "true")
    await expect(page).to_have_url(re.compile("select=true"))
    await tile(page, "touch008").tap()
    await expect(tile(page, "touch008")).to_have_attribute("aria-selected", "true")
    assert "photo=" not in page.url


async def box(cell: Locator) -> FloatRect:
    """Where a tile is on the screen."""
    found = await cell.bounding_box()
    assert found is not None
    return found


async def in_the_middle(page: Page) -> str:
    """The name of a photo in the middle of the screen."""
    cells = page.get_by_role("gridcell")
    label: str = await cells.evaluate_all(
        """cells => cells.find((cell) => {
            const { left, right, top, bottom } = cell.getBoundingClientRect();
            return left < 600 && right > 350 && top < 550 && bottom > 400;
        }).firstChild.textContent"""
    )
    return label.split(",", maxsplit=1)[0]


async def press_long(page: Page, cell: Locator) -> None:
    """Rest a finger on a tile until the page takes it for a long touch, and lift it."""
    where = await box(cell)
    point = {"x": where["x"] + where["width"] / 2, "y": where["y"] + where["height"] / 2}
    session: Any = await page.context.new_cdp_session(page)
    await session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    await expect(cell).to_have_attribute("aria-selected", "true")
    await session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
