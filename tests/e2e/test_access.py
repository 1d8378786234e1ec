"""Who has access, in the browser: a token made, used and taken back, and the audit that tells of it."""

import re

from browsing import Browsing, barriers
from playwright.async_api import Page, expect


async def test_a_token_is_made_used_and_taken_back(page: Page, browsing: Browsing) -> None:
    await page.goto("/access")
    await page.get_by_role("button", name="New token").click()
    dialog = page.get_by_role("dialog", name="New token")
    await expect(dialog.get_by_label("Name")).to_be_focused()
    await dialog.get_by_label("Name").fill("Anna")
    await dialog.get_by_label("Role").select_option("viewer")
    await dialog.get_by_role("button", name="Create").click()
    secret = await page.get_by_role("dialog", name="The token “Anna”").get_by_role("code").inner_text()
    await page.get_by_role("button", name="Done").click()
    await expect(page.get_by_text(secret)).to_have_count(0)
    token = page.get_by_role("listitem", name="Anna")
    await expect(token).to_contain_text("Viewer")
    assert await barriers(page) == []

    anna, troubles = await browsing.stranger()
    troubles.foreseen += [r"401 \(Unauthorized\)", "net::ERR_.*/api/sse/stream"]
    await anna.goto("/access")
    await anna.get_by_label("Token").fill(secret)
    await anna.keyboard.press("Enter")
    await expect(anna.get_by_role("heading", name="This page is for admins")).to_be_visible()

    await token.get_by_role("button", name="Revoke").click()
    await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    await expect(token).to_have_count(0)
    await expect(anna.get_by_label("Token")).to_be_visible()  # signed out by itself


async def test_the_audit_tells_what_was_done(page: Page, browsing: Browsing) -> None:
    await browsing.token("editor")
    await page.goto("/audit")
    await page.get_by_label("What").select_option(label="Token created")
    await expect(page).to_have_url(re.compile(r"/audit\?type=TokenCreated$"))
    events = page.get_by_role("list", name="Events").get_by_role("listitem")
    await expect(events.first).to_contain_text("Token “editor in a browser” made, with the role editor")
    for told in await events.all_inner_texts():
        assert "Token" in told
    await events.first.locator("summary").click()
    await expect(events.first).to_contain_text('"role": "editor"')
    assert await barriers(page) == []
