"""The web client in a browser, against the whole system as its owner runs it: `make e2e`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from browsing import CHROMIUM, PATIENCE, Browsing, chromium
from playwright.async_api import Browser, Page, async_playwright, expect
from running_stack import RunningStack

from photobus_client import PhotobusClient
from photobus_gateway.routes.web import BUILT

SETTINGS = {
    "PHOTOBUS_PIPELINE__HEARTBEAT_MS": "500",
    "PHOTOBUS_PIPELINE__STALE_SECONDS": "3",
    "PHOTOBUS_PROCESSING__WORKER_COUNT": "1",
    "PHOTOBUS_RATE_LIMITS__REQUESTS": "1000",
    **{
        f"PHOTOBUS_SCHEDULES__{task.upper()}_SECONDS": "604800"
        for task in ("maintenance_global", "project_scavenge_global", "folder_discovery", "integrity_check")
    },
}
"""What a killed worker had is taken over soon, tests rename and commit as often as they like, and nothing but what they
ask for is done."""

expect.set_options(timeout=PATIENCE)


def pytest_sessionstart() -> None:
    """Say at once what is not there, instead of in each test."""
    if not (BUILT / "index.html").exists() or not Path(CHROMIUM).exists():
        pytest.exit("The web client is not built, or there is no Chromium: `make e2e` sees to both.", 2)


@pytest.fixture(scope="module")
async def stack(servers_folder: Path, request: pytest.FixtureRequest) -> AsyncIterator[RunningStack]:
    """A file's system, whose gateway serves the built client. Its tests share it, each with names of its own."""
    started = RunningStack(servers_folder / request.module.__name__, **SETTINGS)
    await started.start()
    yield started
    await started.interrupt()


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The session's browser."""
    async with async_playwright() as playwright, chromium(playwright) as started:
        yield started


@pytest.fixture
async def browsing(stack: RunningStack, browser: Browser) -> AsyncIterator[Browsing]:
    """Opens pages, and fails the test at its end if the client complained in one of them."""
    opened = Browsing(stack, browser)
    yield opened
    await opened.close()


@pytest.fixture
async def page(browsing: Browsing) -> Page:
    """A page of an admin who has signed in, not yet at any address."""
    return (await browsing.signed_in())[0]


@pytest.fixture
async def photobus(stack: RunningStack) -> AsyncIterator[PhotobusClient]:
    """An admin's client of the API, to bring about what the page is to show."""
    async with stack.client() as client:
        yield client
