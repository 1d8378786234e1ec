"""The web client's grid over a library of 1,000,000 photos, measured in Debian's Chromium against the whole system.

Until the first photos are on the screen; a jump by the bar of dates to somewhere about the middle; and scrolling on
from there, of which each frame is looked at: how long any part of the view had no rows, how long thumbnails took, how
long frames took, and what the page's memory came to. Rows are seeded; the 40,000 photos at the top and the 80,000
around the middle have thumbnails on disk, 2,000 different ones shared by hard links. Nothing is cached when a
measurement begins.

``PHOTOBUS_BENCH_MINUTES`` says how long it scrolls, 10 where it says nothing.
"""

import asyncio
import os
from itertools import chain
from pathlib import Path
from typing import Any, Final

import images
from browsing import DESKTOP, chromium
from playwright.async_api import Browser, CDPSession, Page, async_playwright
from running_stack import RunningStack

from bench.memory import peaks
from bench.report import Figure, percentile, show
from bench.stack import catalogue, running_stack
from photobus_client import PhotobusClient
from photobus_common.store.database import Connection

PHOTOS: Final = 1_000_000
PROJECTS: Final = 40
THUMBNAILS: Final = 2_000
WITH_THUMBNAILS: Final = 40_000
"""So many photos have one at the top, and on either side of the middle."""

LOADS: Final = 7
JUMPS: Final = 15
SPEED: Final = 2_500
"""How fast it scrolls, in CSS pixels a second: three screens."""

TENANT: Final = "user_0"

# Of 4 photos one is upright. Photo i is of project i modulo 40, and later ones were taken later.
SEED_PHOTOS: Final = """
INSERT INTO photos (tenant, project_id, filename, jpg_available, raw_available, keep_jpg, keep_raw, derivative_key,
    thumbnail_status, preview_status, taken_at, size, width, height)
SELECT $1, ($2::bigint[])[1 + i % cardinality($2)], 'IMG_' || lpad(i::text, 8, '0'), true, i % 20 <= 10, true,
    i % 20 <= 10, md5(i::text), s.status, s.status,
    timestamptz '2010-01-01' + i * interval '7 minutes', 1000000 + abs(hashint4(i) % 9000000),
    CASE WHEN i % 4 = 0 THEN 4000 ELSE 6000 END, CASE WHEN i % 4 = 0 THEN 6000 ELSE 4000 END
FROM generate_series(1, $3::int) i,
    LATERAL (SELECT CASE WHEN i > $3 - $4 OR i BETWEEN $3 / 2 - $4 AND $3 / 2 + $4 THEN 'generated' ELSE 'pending' END)
        s (status)
"""

# What each frame looks at. `window.grid` holds what was seen since `begin`, in milliseconds.
WATCH: Final = """
(() => {
  const seen = new Map();
  const grid = { first: null, all: null, blank: 0, blankNow: 0, late: [], frames: [], begun: 0, last: 0 };
  window.grid = grid;
  grid.begin = () => {
    seen.clear();
    const now = performance.now();
    Object.assign(grid, { first: null, rows: null, all: null, blank: 0, blankNow: 0, late: [], frames: [] });
    Object.assign(grid, { begun: now, last: now });
  };
  const isIn = (view) => (element) => {
    const box = element.getBoundingClientRect();
    return box.bottom > view.top && box.top < view.bottom;
  };
  const look = (now) => {
    requestAnimationFrame(look);
    if (now > grid.last) grid.frames.push(now - grid.last);
    const element = document.querySelector("[role=grid]");
    if (element === null) { grid.last = now; return; }
    const view = element.getBoundingClientRect();
    const tiles = [...element.querySelectorAll("[data-photo]")].filter(isIn(view));
    const blank = tiles.length === 0 || [...element.querySelectorAll("[data-blank]")].some(isIn(view));
    grid.blankNow = blank ? grid.blankNow + now - grid.last : 0;
    grid.blank = Math.max(grid.blank, grid.blankNow);
    let shown = 0;
    for (const tile of tiles) {
      const about = seen.get(tile.dataset.photo) ?? { since: now, done: false };
      seen.set(tile.dataset.photo, about);
      if (tile.querySelector("img[data-shown]") === null) continue;
      shown += 1;
      if (!about.done) { about.done = true; grid.late.push(now - about.since); }
    }
    if (!blank) grid.rows ??= now - grid.begun;
    if (!blank && shown > 0) grid.first ??= now - grid.begun;
    if (!blank && shown === tiles.length) grid.all ??= now - grid.begun;
    grid.last = now;
  };
  requestAnimationFrame(look);
})();
"""

UNTIL_ALL: Final = """
() => new Promise((resolve) => {
  const look = () => (grid.all === null ? requestAnimationFrame(look) : resolve());
  look();
})
"""

SCROLL: Final = """
([speed, seconds]) => new Promise((resolve) => {
  const element = document.querySelector("[role=grid]");
  grid.begin();
  const began = performance.now();
  let before = began;
  let rest = 0;
  const step = (now) => {
    rest += speed * (now - before) / 1000;
    const whole = Math.trunc(rest);
    rest -= whole;
    element.scrollTop += whole;
    before = now;
    if (now - began < seconds * 1000) requestAnimationFrame(step);
    else resolve({ blank: grid.blank, late: grid.late, frames: grid.frames });
  };
  requestAnimationFrame(step);
})
"""


async def main() -> None:
    """Measure and show."""
    minutes = float(os.environ.get("PHOTOBUS_BENCH_MINUTES", "10"))
    async with running_stack() as stack, stack.client() as client, catalogue(stack) as connection:
        await _seed(stack, client, connection)
        async with async_playwright() as playwright, chromium(playwright) as browser:
            figures = await _loads(stack, browser)
            page = await _opened(stack, browser)
            figures += await _jumps(page)
            figures += await _scrolling(page, minutes)
        figures += peaks(stack)
    show("web_grid", figures)


async def _seed(stack: RunningStack, client: PhotobusClient, connection: Connection) -> None:
    projects = [await client.create_project(f"Seed {number}") for number in range(PROJECTS)]
    ids = [project.id for project in projects]
    await connection.execute(SEED_PHOTOS, TENANT, ids, PHOTOS, WITH_THUMBNAILS)
    # What Postgres does by itself within a minute.
    await connection.execute("VACUUM ANALYZE projects, photos")
    folders = [stack.data / "library" / TENANT / project.folder for project in projects]
    await asyncio.to_thread(_link, folders)


def _link(folders: list[Path]) -> None:
    """Give each of the photos a thumbnail as wide for its height as it is."""
    made = folders[0].parent.parent / "thumbnails"
    made.mkdir()
    for number in range(THUMBNAILS):
        width, height = (267, 400) if number % 4 == 0 else (400, 267)
        (made / str(number)).write_bytes(images.noise_jpeg(width, height, quality=80, seed=number))
    for folder in folders:
        (folder / ".thumb").mkdir()
    middle = PHOTOS // 2
    numbers = (
        range(PHOTOS - WITH_THUMBNAILS + 1, PHOTOS + 1),
        range(middle - WITH_THUMBNAILS, middle + WITH_THUMBNAILS + 1),
    )
    for number in chain(*numbers):
        thumbnails = folders[number % PROJECTS] / ".thumb"
        (thumbnails / f"IMG_{number:08}.jpg").hardlink_to(made / str(number % THUMBNAILS))


async def _opened(stack: RunningStack, browser: Browser) -> Page:
    """Open the client as somebody who has never been there, and return when all thumbnails in the view are shown."""
    context = await browser.new_context(base_url=stack.address, viewport=DESKTOP, reduced_motion="reduce")
    answer = await context.request.post("/api/session", data={"token": stack.token})
    if not answer.ok:
        raise RuntimeError(await answer.text())
    await context.add_init_script(WATCH)
    page = await context.new_page()
    async with page.expect_response("**/api/photos/portions*"):
        await page.goto("/")
        await page.evaluate(UNTIL_ALL)
    return page


async def _loads(stack: RunningStack, browser: Browser) -> list[Figure]:
    first, every = [], []
    for _ in range(LOADS):
        page = await _opened(stack, browser)
        seen = await page.evaluate("({ first: grid.first, all: grid.all })")
        first.append(seen["first"])
        every.append(seen["all"])
        await page.context.close()
    return [
        Figure("first photos on the screen after load, p50", percentile(first, 50), "ms", "≤ 1000"),
        Figure("first photos on the screen after load, longest", max(first), "ms"),
        Figure("all photos of the first view, p50", percentile(every, 50), "ms"),
    ]


async def _jumps(page: Page) -> list[Figure]:
    """Press on the bar of dates, each time somewhere else about the middle."""
    bar = page.get_by_role("slider", name="Dates")
    box = await bar.bounding_box()
    if box is None:
        raise RuntimeError("There is no bar of dates.")
    await bar.evaluate("bar => bar.addEventListener('pointerdown', () => grid.begin(), { capture: true })")
    rows, first, every = [], [], []
    for number in range(JUMPS):
        part = 0.5 + (number % 5 - 2) * 0.006 + number * 0.0005
        await page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * part)
        await page.evaluate(UNTIL_ALL)
        seen = await page.evaluate("({ rows: grid.rows, first: grid.first, all: grid.all })")
        rows.append(seen["rows"])
        first.append(seen["first"])
        every.append(seen["all"])
    return [
        Figure("jump to about the middle: rows, p50", percentile(rows, 50), "ms"),
        Figure("jump to about the middle: first thumbnails, p50", percentile(first, 50), "ms", "≤ 300"),
        Figure("jump to about the middle: first thumbnails, longest", max(first), "ms"),
        Figure("jump to about the middle: all thumbnails, p50", percentile(every, 50), "ms"),
    ]


async def _scrolling(page: Page, minutes: float) -> list[Figure]:
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable")
    stretch = min(60.0, minutes * 60)
    stretches = max(1, round(minutes * 60 / stretch))
    blank, late, frames = 0.0, list[float](), list[float]()
    memory = [await _memory(session)]
    for _ in range(stretches):
        seen: dict[str, Any] = await page.evaluate(SCROLL, [SPEED, stretch])
        blank = max(blank, seen["blank"])
        late += seen["late"]
        frames += seen["frames"]
        memory.append(await _memory(session))
    heaps = [heap for heap, _nodes in memory]
    return [
        Figure(f"scrolling {SPEED} px/s: longest without rows", blank, "ms", "≤ 200"),
        Figure("scrolling: thumbnail after its place is in the view, p50", percentile(late, 50), "ms"),
        Figure("scrolling: thumbnail after its place is in the view, p99", percentile(late, 99), "ms"),
        Figure("scrolling: frame, p50", percentile(frames, 50), "ms"),
        Figure("scrolling: frame, p99", percentile(frames, 99), "ms"),
        Figure("page's heap before scrolling", heaps[0], "MB"),
        Figure("page's heap after the first stretch", heaps[1], "MB"),
        Figure(f"page's heap after {minutes:g} minutes", heaps[-1], "MB"),
        Figure("page's heap, largest after a stretch", max(heaps), "MB"),
        Figure("elements of the page at the end", memory[-1][1], ""),
    ]


async def _memory(session: CDPSession) -> tuple[float, float]:
    """Return the megabytes that the page's objects take once what is not needed is gone, and how many nodes it has."""
    await session.send("HeapProfiler.collectGarbage")
    answer = await session.send("Performance.getMetrics")
    metrics = {metric["name"]: float(metric["value"]) for metric in answer["metrics"]}
    return metrics["JSHeapUsedSize"] / 1e6, metrics["Nodes"]
