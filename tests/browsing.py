"""A browser at the web client: contexts that complain where the client does what it must not, and sign-ins by role."""

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    ViewportSize,
    WebError,
)
from running_stack import RunningStack

from photobus_client.models import Role

CHROMIUM: Final = "/usr/bin/chromium"

DESKTOP: Final[ViewportSize] = {"width": 1440, "height": 900}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}

PATIENCE: Final = 30_000
"""Milliseconds after which a wait gives up; never what a test shows."""

AXE: Final = Path(__file__).parents[1] / "services" / "gateway" / "web" / "node_modules" / "axe-core" / "axe.min.js"

RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
"""What axe-core is to hold a view against."""

OWN_SCHEMES: Final = frozenset({"blob", "data", "about"})


@dataclass
class Troubles:
    """What a context complained of: errors in the console, errors that nobody caught, and requests to other hosts.

    What a test brings about itself, such as the console's word of a 401, it puts into ``foreseen``, as patterns.
    """

    host: str
    foreseen: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        """Listen to every page of ``context``."""
        context.on("console", self._console)
        context.on("weberror", self._uncaught)
        context.on("request", self._request)

    def unforeseen(self) -> list[str]:
        """Return those that no pattern foresaw."""
        return [said for said in self.seen if not any(re.search(pattern, said) for pattern in self.foreseen)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.seen.append(f"console {message.type}: {message.text} ({message.location.get('url', '')})")

    def _uncaught(self, error: WebError) -> None:
        self.seen.append(f"uncaught: {error.error}")

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in OWN_SCHEMES and address.netloc != self.host:
            self.seen.append(f"request to another host: {request.url}")


class Browsing:
    """Opens pages at the stack's address. Each sign-in has a context of its own: its cookies, storage and tabs."""

    def __init__(self, stack: RunningStack, browser: Browser) -> None:
        self.stack = stack
        self._browser = browser
        self._contexts: list[tuple[BrowserContext, Troubles]] = []

    async def stranger(self, **options: Any) -> tuple[Page, Troubles]:
        """Open a page of somebody who has not signed in; that the client asks who that is, is foreseen."""
        context, troubles = await self._context(**options)
        troubles.foreseen.append(r"401 \(Unauthorized\) .*/api/session")
        return await context.new_page(), troubles

    async def signed_in(self, role: Role = "admin", **options: Any) -> tuple[Page, Troubles]:
        """Open a page of somebody of ``role``."""
        context, troubles = await self._context(**options)
        token = self.stack.token if role == "admin" else await self.token(role)
        answer = await context.request.post("/api/session", data={"token": token})
        assert answer.ok, await answer.text()
        return await context.new_page(), troubles

    async def token(self, role: Role) -> str:
        """Make a token of ``role`` and return its secret."""
        async with self.stack.client() as photobus:
            return (await photobus.create_token(f"{role} in a browser", role)).token

    async def close(self) -> None:
        """Close all that was opened; fails if anything was complained of that nobody foresaw."""
        complaints = [said for _, troubles in self._contexts for said in troubles.unforeseen()]
        for context, _ in self._contexts:
            await context.close()
        if complaints:
            raise AssertionError("The web client complained:\n" + "\n".join(complaints))

    async def _context(self, **options: Any) -> tuple[BrowserContext, Troubles]:
        usual: dict[str, Any] = {
            "viewport": DESKTOP,
            "locale": "en-GB",
            "timezone_id": "UTC",
            "reduced_motion": "reduce",
        }
        context = await self._browser.new_context(base_url=self.stack.address, **usual | options)
        context.set_default_timeout(PATIENCE)
        troubles = Troubles(urlsplit(self.stack.address).netloc)
        troubles.watch(context)
        self._contexts.append((context, troubles))
        return context, troubles


async def barriers(page: Page) -> list[str]:
    """Return what of the view, as it stands, keeps somebody out, as axe-core finds it: each rule with the elements."""
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await page.evaluate(
        "async (rules) => (await axe.run(document, {runOnly: rules, resultTypes: ['violations']})).violations", RULES
    )
    return [f"{rule['id']}: {rule['help']}: {node['html']}" for rule in found for node in rule["nodes"]]


@asynccontextmanager
async def chromium(playwright: Playwright) -> AsyncIterator[Browser]:
    """Run Debian's Chromium without a window."""
    arguments = ["--disable-dev-shm-usage", "--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
    try:
        yield browser
    finally:
        await browser.close()
