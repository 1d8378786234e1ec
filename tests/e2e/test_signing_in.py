"""Signing in and out, what a role hides, and projects that come and change in every tab by themselves."""

import re
from urllib.parse import quote

import pytest
from browsing import DESKTOP, PHONE, Browsing, barriers
from playwright.async_api import Page, ViewportSize, expect

from photobus_client import PhotobusClient
from photobus_gateway.routes.web import BUILT

FIRST_VIEW = 200 * 1024
"""Most bytes of scripts and styles, as gzip packs them, before the first view is there."""


async def test_a_token_opens_the_address_that_was_asked_for(browsing: Browsing, photobus: PhotobusClient) -> None:
    project = await photobus.create_project("Signing in")
    page, troubles = await browsing.stranger()
    troubles.foreseen.append(r"401 \(Unauthorized\)")
    address = f"/projects/{quote(project.folder)}?text=sea"

    await page.goto(address)
    await expect(page).to_have_title("Sign in · photobus")
    # By the keyboard alone, from where the browser puts the focus.
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Token")).to_be_focused()
    await page.keyboard.type("not a token")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_have_text("This token is not known, or was revoked.")
    await page.get_by_label("Token").fill(browsing.stack.token)
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("link", name=project.name)).to_have_attribute("aria-current", "page")
    await expect(page.get_by_role("searchbox", name="Search photos")).to_have_value("sea")
    assert page.url.endswith(address)
    cookie = (await page.context.cookies())[0]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")


async def test_signing_out_signs_out_every_tab(browsing: Browsing) -> None:
    page, troubles = await browsing.signed_in()
    troubles.foreseen.append(r"401 \(Unauthorized\)")
    await page.goto("/")
    other = await page.context.new_page()
    await other.goto("/tasks")
    await expect(other.get_by_role("link", name="Tasks")).to_have_attribute("aria-current", "page")

    await page.get_by_role("button", name="Account").click()
    await page.get_by_role("menuitem", name="Sign out").click()

    await expect(page.get_by_label("Token")).to_be_visible()
    await expect(other.get_by_label("Token")).to_be_visible()
    assert other.url.endswith("/tasks")
    await page.reload()
    await expect(page.get_by_label("Token")).to_be_visible()


async def test_what_a_role_may_not_do_is_not_shown(browsing: Browsing, photobus: PhotobusClient) -> None:
    await photobus.create_project("Roles")
    shown = {}
    for role in ("viewer", "editor", "admin"):
        page, _ = await browsing.signed_in(role)
        await page.goto("/")
        await expect(page.get_by_role("link", name="Roles")).to_be_visible()
        actions = {"new": await page.get_by_role("button", name="New project").count()}
        more = page.get_by_role("button", name="Roles: more")
        if await more.count():
            await more.click()
            await expect(page.get_by_role("menuitem", name="Rename")).to_be_visible()
            actions |= {"rename": 1, "delete": await page.get_by_role("menuitem", name="Delete").count()}
        await page.get_by_role("button", name="Account").click()
        await expect(page.get_by_role("menuitem", name="Sign out")).to_be_visible()
        shown[role] = actions | {"audit": await page.get_by_role("menuitem", name="What was done").count()}

    assert shown == {
        "viewer": {"new": 0, "audit": 0},
        "editor": {"new": 1, "rename": 1, "delete": 0, "audit": 0},
        "admin": {"new": 1, "rename": 1, "delete": 1, "audit": 1},
    }


async def test_a_project_is_made_and_renamed_in_every_tab_without_a_reload(page: Page) -> None:
    await page.goto("/")
    other = await page.context.new_page()
    await other.goto("/")

    await page.get_by_role("button", name="New project").click()
    name = page.get_by_role("dialog", name="New project").get_by_label("Name")
    await expect(name).to_be_focused()
    await name.fill("Été 2026")
    await page.keyboard.press("Enter")

    await expect(page).to_have_url(re.compile(r"/projects/%C3%89t%C3%A9%202026$"))
    await expect(other.get_by_role("link", name="Été 2026")).to_be_visible()

    await other.get_by_role("button", name="Été 2026: more").click()
    await other.get_by_role("menuitem", name="Rename").click()
    await other.get_by_label("Name", exact=True).fill("Summer 2026")
    await other.get_by_role("button", name="Rename", exact=True).click()

    for tab in (other, page):
        await expect(tab.get_by_role("link", name="Summer 2026")).to_be_visible()
        await expect(tab.get_by_role("link", name="Été 2026")).to_have_count(0)


async def test_a_dialog_gives_the_focus_back(page: Page) -> None:
    await page.goto("/")
    button = page.get_by_role("button", name="New project")
    await button.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")

    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(button).to_be_focused()


async def test_back_and_forward_lead_through_what_was_looked_for(page: Page) -> None:
    await page.goto("/")
    await page.goto("/tasks")
    search = page.get_by_role("searchbox", name="Search photos")
    await expect(search).to_be_visible()
    await page.keyboard.press("/")
    await expect(search).to_be_focused()
    await page.keyboard.type("sea")
    await expect(page).to_have_url(re.compile(r"/\?text=sea$"))
    await page.go_back()
    await expect(page).to_have_url(re.compile(r"/tasks$"))
    await expect(search).to_have_value("")
    await page.go_forward()
    await expect(search).to_have_value("sea")


async def test_the_theme_that_was_chosen_is_kept(page: Page) -> None:
    await page.emulate_media(color_scheme="light")
    await page.goto("/")
    background = "() => getComputedStyle(document.documentElement).backgroundColor"
    light = await page.evaluate(background)
    await page.get_by_role("button", name="Account").click()
    await page.get_by_role("menuitemradio", name="Dark").click()
    dark = await page.evaluate(background)
    await page.reload()

    assert light != dark
    assert await page.evaluate(background) == dark


async def test_on_a_phone_the_projects_lie_behind_a_button(browsing: Browsing, photobus: PhotobusClient) -> None:
    await photobus.create_project("On the road")
    page, _ = await browsing.signed_in(viewport=PHONE, has_touch=True, is_mobile=True)
    await page.goto("/")
    link = page.get_by_role("link", name="On the road")
    await expect(link).to_be_hidden()
    await page.get_by_role("button", name="Projects", exact=True).tap()
    await link.tap()

    await expect(page).to_have_url(re.compile("/projects/On%20the%20road$"))
    await expect(link).to_be_hidden()
    width = await page.evaluate("() => document.documentElement.scrollWidth")
    assert width == PHONE["width"]


async def test_an_address_of_nothing_says_so(page: Page) -> None:
    await page.goto("/tasks/a/b")
    await expect(page.get_by_role("heading", name="There is nothing at this address")).to_be_visible()


async def test_the_first_view_is_small(page: Page) -> None:
    await page.goto("/")
    await expect(page.get_by_role("link", name="All photos", exact=True)).to_be_visible()
    loaded: list[str] = await page.evaluate(
        "() => performance.getEntriesByType('resource').map(entry => new URL(entry.name).pathname)"
    )
    files = [BUILT / path.lstrip("/") for path in loaded if path.startswith("/assets/")]
    packed = [file.with_name(f"{file.name}.gz") for file in files]
    size = sum((copy if copy.exists() else file).stat().st_size for file, copy in zip(files, packed, strict=True))

    assert {file.suffix for file in files} >= {".js", ".css"}
    assert size <= FIRST_VIEW


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_nobody_is_kept_out_by_the_shell(
    browsing: Browsing, photobus: PhotobusClient, viewport: ViewportSize, colours: str
) -> None:
    project = await photobus.create_project(f"For all, {colours} on {viewport['width']}")
    stranger, _ = await browsing.stranger(viewport=viewport, color_scheme=colours)
    await stranger.goto("/")
    await expect(stranger.get_by_label("Token")).to_be_visible()
    assert await barriers(stranger) == []

    page, _ = await browsing.signed_in(viewport=viewport, color_scheme=colours)
    await page.goto("/tasks/of/nothing")
    if viewport is PHONE:
        await page.get_by_role("button", name="Projects", exact=True).click()
    await expect(page.get_by_role("link", name=project.name)).to_be_visible()
    assert await barriers(page) == []
    await page.get_by_role("button", name=f"{project.name}: more").click()
    await expect(page.get_by_role("menuitem", name="Rename")).to_be_focused()
    assert await barriers(page) == []
    await page.get_by_role("menuitem", name="Rename").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    assert await barriers(page) == []
