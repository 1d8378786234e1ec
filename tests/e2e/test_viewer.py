"""One photo over the whole screen: by keys alone, live, zoomed, without a preview, and for those who may only look."""

import re
from datetime import datetime
from pathlib import Path

import images
from albums import album, many_rows
from browsing import Browsing, barriers
from images import Shot
from playwright.async_api import Locator, Page, Request, expect

from photobus_client import PhotobusClient, Selection

SHOT = Shot(
    taken_at=datetime(2026, 5, 1, 12, 30),  # noqa: DTZ001  EXIF has the camera's clock
    offset="+02:00",
    make="Canon",
    model="Canon EOS R5",
    exposure_seconds=1 / 250,
    f_number=2.8,
    iso=400,
    focal_length_mm=35.0,
    gps=(48.85837, 2.29448, 35.0),
)


def viewer(page: Page, name: str) -> Locator:
    return page.get_by_role("dialog", name=name, exact=True)


async def open_photo(page: Page, project: str, name: str) -> Locator:
    """Open a photo of the project from its list, as keys do; returns the viewer."""
    await page.goto(f"/projects/{project}?sort=filename")
    cell = page.get_by_role("gridcell", name=re.compile(f"^{name},"))
    await expect(cell).to_be_visible()
    await page.get_by_role("grid", name="Photos").focus()
    await page.keyboard.press("Home")
    while await cell.get_attribute("id") != await page.get_by_role("grid").get_attribute("aria-activedescendant"):
        await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Enter")
    shown = viewer(page, name)
    await expect(shown).to_be_focused()
    return shown


async def test_a_photo_is_looked_at_and_judged_by_keys_alone(
    page: Page, photobus: PhotobusClient, tmp_path: Path
) -> None:
    files = {"a.jpg": images.jpeg(), "a.dng": images.dng(), "b.jpg": images.jpeg(600, 400, shot=SHOT)}
    photos = await album(photobus, tmp_path, "Judged", files)
    shown = await open_photo(page, "Judged", "a")
    await expect(shown.get_by_role("img", name="a")).to_be_visible()
    await expect(shown.get_by_text("1 of 2")).to_be_visible()
    assert await barriers(page) == []

    await page.keyboard.press("2")
    await expect(shown.get_by_role("checkbox", name="Keep RAW")).not_to_be_checked()
    await expect(shown.get_by_role("status").filter(has_text="RAW is marked for removal.")).to_have_count(1)
    await page.keyboard.press("x")
    await expect(shown.get_by_role("checkbox", name="Keep JPEG")).not_to_be_checked()
    await page.keyboard.press("k")
    await expect(shown.get_by_role("checkbox", name="Keep RAW")).to_be_checked()
    await page.keyboard.press("t")
    await expect(shown.get_by_label("Add a tag")).to_be_focused()
    await page.keyboard.type("sea, 2026")
    await page.keyboard.press("Enter")
    tags = shown.get_by_role("list", name="Tags of this photo").get_by_role("listitem")
    await expect(tags).to_have_text(["2026", "sea"])
    await page.keyboard.press("Escape")
    await page.keyboard.press("h")
    history = shown.get_by_role("region", name="History").get_by_role("listitem")
    await expect(history.first).to_contain_text("“2026” and “sea” added")
    await expect(history.last).to_contain_text("Added to project “Judged”")
    judged = await photobus.photo(photos["a"])
    assert (judged.keep_jpg, judged.keep_raw, set(judged.tags)) == (True, True, {"sea", "2026"})

    await page.keyboard.press("i")
    await page.keyboard.press("ArrowRight")
    shown = viewer(page, "b")
    await expect(page).to_have_url(re.compile(rf"photo={photos['b']}$"))
    for known in (
        "Friday, 1 May 2026",
        "(UTC+02:00)",
        "1/250 s · f/2.8 · ISO 400 · 35 mm",
        "Canon EOS R5",
        "48.85837° N",
    ):
        await expect(shown.get_by_label("About this photo").get_by_text(known)).to_be_visible()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog", name="Keys")).to_have_count(0)
    await page.keyboard.press("Escape")

    await expect(shown).to_have_count(0)
    grid = page.get_by_role("grid", name="Photos")
    await expect(grid).to_be_focused()
    await expect(grid).to_have_attribute("aria-activedescendant", f"photo-{photos['b']}")


async def test_what_becomes_of_a_photo_is_told_while_it_is_looked_at(
    page: Page, photobus: PhotobusClient, tmp_path: Path
) -> None:
    photos = await album(
        photobus, tmp_path, "Watched photo", {"first.jpg": images.jpeg(), "second.jpg": images.jpeg(400, 600)}
    )
    await photobus.create_project("Its new place")
    await page.goto(f"/projects/Watched photo?photo={photos['first']}")
    shown = viewer(page, "first")
    await expect(shown.get_by_role("checkbox", name="Keep JPEG")).to_be_checked()

    await photobus.photo_sets.add_tags({photos["first"]: ["from elsewhere"]})
    await expect(shown.get_by_text("from elsewhere")).to_be_visible()
    await photobus.photo_sets.move(Selection([photos["first"]]), "Its new place")
    await expect(shown.get_by_role("status").filter(has_text="This photo was moved to Its new place.")).to_be_visible()
    await expect(shown.get_by_label("About this photo").get_by_role("link", name="Its new place")).to_be_visible()


async def test_steps_lead_through_the_whole_list_and_not_only_what_was_read_of_it(
    page: Page, browsing: Browsing, photobus: PhotobusClient
) -> None:
    await photobus.create_project("Long")
    await many_rows(browsing.stack, "Long", "long ", 150)
    photos = [photo async for photo in photobus.photos("Long", {"sort": "filename", "order": "asc"})]
    for start, key, end in ((55, "ArrowRight", 67), (67, "ArrowLeft", 55)):
        await page.goto(f"/projects/Long?sort=filename&photo={photos[start].id}")
        for place in range(start, end, 1 if end > start else -1):
            await expect(viewer(page, photos[place].filename).get_by_text(f"{place + 1} of 150")).to_be_visible()
            await page.keyboard.press(key)
        await expect(viewer(page, photos[end].filename)).to_be_visible()


async def test_zooming_in_shows_the_photos_own_pixels(page: Page, photobus: PhotobusClient, tmp_path: Path) -> None:
    photos = await album(photobus, tmp_path, "Zoomed", {"large.jpg": images.jpeg(4000, 3000)})
    originals: list[str] = []

    def note(request: Request) -> None:
        if "/original" in request.url:
            originals.append(request.url)

    page.on("request", note)
    await page.goto(f"/projects/Zoomed?photo={photos['large']}")
    shown = viewer(page, "large")
    await expect(shown.get_by_role("img", name="large")).to_be_visible()
    await expect(shown.get_by_role("button", name="Fit")).to_be_visible()
    assert originals == []

    async with page.expect_response(re.compile("/original")) as original:
        await page.keyboard.press("z")
    assert (await original.value).ok
    await expect(shown.get_by_role("button", name="100 %")).to_be_visible()
    await page.keyboard.press("0")
    await expect(shown.get_by_role("button", name="Fit")).to_be_visible()


async def test_a_photo_without_a_preview_says_why_and_can_be_tried_again(
    page: Page, photobus: PhotobusClient, tmp_path: Path
) -> None:
    broken = images.truncated(images.noise_jpeg(640, 480), 0.02)
    photos = await album(photobus, tmp_path, "Broken", {"torn.jpg": broken})
    await page.goto(f"/projects/Broken?photo={photos['torn']}")
    shown = viewer(page, "torn")
    await expect(shown.get_by_text("No preview could be made.")).to_contain_text("The file is cut off.")

    async with page.expect_response(re.compile("/api/tasks$")) as answer:
        await shown.get_by_role("button", name="Try again").click()
    task = (await (await answer.value).json())["task"]
    assert task["type"] == "generate_derivatives"
    await expect(shown.get_by_role("button", name="Try again")).to_be_enabled()


async def test_who_may_only_look_changes_nothing(browsing: Browsing, photobus: PhotobusClient, tmp_path: Path) -> None:
    photos = await album(photobus, tmp_path, "Looked at", {"looked.jpg": images.jpeg()})
    page, _ = await browsing.signed_in("viewer")
    shown = await open_photo(page, "Looked at", "looked")
    await expect(shown.get_by_text("Kept")).to_be_visible()
    await expect(shown.get_by_role("checkbox")).to_have_count(0)
    await expect(shown.get_by_label("Add a tag")).to_have_count(0)

    await page.keyboard.press("x")
    await page.keyboard.press("h")
    await expect(shown.get_by_role("region", name="History").get_by_role("listitem").first).to_be_visible()
    assert (await photobus.photo(photos["looked"])).keep_jpg
