"""One connection for all tabs of a browser: one tab reads for the others, another takes over, and nothing is missed."""

import re
from urllib.parse import urlsplit

import psutil
from browsing import Browsing
from playwright.async_api import BrowserContext, Page, Request, expect

from photobus_client import PhotobusClient

LINE = "/api/sse/stream"


class Connections:
    """The requests for live updates that a browser made."""

    def __init__(self, context: BrowserContext) -> None:
        self.asked: list[Request] = []
        context.on("request", self._request)

    def _request(self, request: Request) -> None:
        if urlsplit(request.url).path == LINE:
            self.asked.append(request)

    async def last_event_id(self) -> str | None:
        """From where on the newest asked to be told."""
        return (await self.asked[-1].all_headers()).get("last-event-id")


async def test_tabs_share_one_connection(page: Page, photobus: PhotobusClient) -> None:
    connections = Connections(page.context)
    await page.goto("/")
    await photobus.create_project("Before the second tab")
    await expect(page.get_by_role("link", name="Before the second tab")).to_be_visible()
    other = await page.context.new_page()
    await other.goto("/tasks")
    await expect(other.get_by_role("link", name="Before the second tab")).to_be_visible()

    await photobus.create_project("Told to both")
    for tab in (page, other):
        await expect(tab.get_by_role("link", name="Told to both")).to_be_visible()
    assert len(connections.asked) == 1


async def test_when_the_tab_that_reads_is_closed_the_next_goes_on_where_it_was(
    page: Page, photobus: PhotobusClient
) -> None:
    connections = Connections(page.context)
    await page.goto("/")
    await photobus.create_project("Heard by the first alone")
    await expect(page.get_by_role("link", name="Heard by the first alone")).to_be_visible()
    other = await page.context.new_page()
    await other.goto("/tasks")
    await expect(other.get_by_role("link", name="Heard by the first alone")).to_be_visible()

    await page.close()
    await photobus.create_project("After the first tab")
    await expect(other.get_by_role("link", name="After the first tab")).to_be_visible()
    assert len(connections.asked) == 2
    assert re.fullmatch(r"\d+(-\d+)?", await connections.last_event_id() or "")


async def test_a_lost_connection_shows_and_is_resumed_without_loss(
    browsing: Browsing, photobus: PhotobusClient
) -> None:
    page, troubles = await browsing.signed_in()
    troubles.foreseen += ["net::ERR_", "Unable to preload"]  # what was under way when the gateway died
    connections = Connections(page.context)
    await page.goto("/")
    await expect(page.get_by_role("link", name="All photos", exact=True)).to_be_visible()
    await photobus.create_project("While it stood")
    await expect(page.get_by_role("link", name="While it stood")).to_be_visible()

    await page.route(f"**{LINE}*", lambda route: route.abort())
    before = browsing.stack.pids["gateway"]
    psutil.Process(before).kill()
    await browsing.stack.restarted("gateway", before)
    await expect(page.get_by_text("No connection since")).to_be_visible()
    await photobus.create_project("While it was lost")
    await page.unroute(f"**{LINE}*")

    await expect(page.get_by_role("link", name="While it was lost")).to_be_visible()
    await expect(page.get_by_text("No connection since")).to_have_count(0)
    assert re.fullmatch(r"\d+(-\d+)?", await connections.last_event_id() or "")
