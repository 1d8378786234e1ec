"""Pages, filters, totals and months of photos, held against the same done by hand over a list."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from urllib.parse import urlencode

import pytest
from catalogue import Shot, add_project, add_shots, add_tenant
from gateway_server import Gateway

from photobus_common.store import photo_pages

START = datetime(2025, 11, 20, tzinfo=UTC)
STATUSES = ["pending", "generated", "failed", "missing", "not_supported"]

MOVE_SOME_TO_A = """
UPDATE photos p SET project_id = a.id, filename = 'm' || p.id FROM projects a WHERE a.name = 'A' AND p.id % 4 = 1
"""
MOVE_ALL_TO_C_AND_NOW = """
UPDATE photos p SET project_id = c.id, taken_at = now(), filename = 'n' || p.id FROM projects c WHERE c.name = 'C'
"""
KEPT_COUNTS = """
SELECT project_id, month, m.photos, t.photos AS total FROM project_months m JOIN project_totals t USING (project_id)
WHERE m.photos <> 0 ORDER BY 1, 2
"""
COUNTED_ANEW = """
SELECT project_id, date_trunc('month', taken_at, 'UTC'), count(*),
    (SELECT count(*) FROM photos o WHERE o.project_id = p.project_id)
FROM photos p GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Known:
    """A photo that the test wrote."""

    id: int
    project: str
    shot: Shot


@dataclass
class Shelf:
    """The gateway, and everything that lists should show."""

    gateway: Gateway
    photos: list[Known]

    async def pages(self, path: str, **query: Any) -> list[list[int]]:
        """Follow ``next_cursor`` to the end."""
        found: list[list[int]] = []
        cursor: dict[str, str] = {}
        while True:
            answer = await self.gateway.get(f"{path}?{urlencode({**query, **cursor}, doseq=True)}")
            assert answer.status == 200, answer
            found.append([photo["id"] for photo in answer.body["items"]])
            if answer.body["next_cursor"] is None:
                return found
            cursor = {"cursor": answer.body["next_cursor"]}

    async def ids(self, path: str = "/api/photos", **query: Any) -> list[int]:
        """Return the ids of the whole list."""
        return [photo for page in await self.pages(path, limit=17, **query) for photo in page]


def _shot(number: int, chance: random.Random) -> Shot:
    raw, jpg = chance.choice([(True, False), (False, True), (True, True)])
    return Shot(
        filename=f"{chance.choice(['DSC', 'IMG', '100%_', 'dsc'])}{number:04d}",
        taken_at=START + timedelta(days=chance.randrange(120), hours=chance.randrange(4) * 6),
        size=chance.randrange(20) * 1000,
        jpg_available=jpg,
        raw_available=raw,
        keep_jpg=jpg and chance.random() < 0.8,
        keep_raw=raw and chance.random() < 0.6,
        thumbnail_status=chance.choice(STATUSES),
        preview_status=chance.choice(STATUSES),
        width=chance.choice([3000, 2000, None]),
        height=chance.choice([3000, 2000]),
        tags=chance.sample(["sea", "hills", "100%", "Été"], chance.randrange(4)),
    )


@pytest.fixture
async def shelf(gateway: Gateway) -> Shelf:
    """Three projects with photos, beside an archived one and another tenant's that must never show."""
    chance = random.Random(20260101)
    known: list[Known] = []
    async with gateway.database.transaction() as connection:
        for name, count in (("Alps", 50), ("Sea", 30), ("Tür & Tor", 7)):
            project = await add_project(connection, gateway.tenant, name)
            shots = [_shot(number, chance) for number in range(count)]
            ids = await add_shots(connection, gateway.tenant, project, shots)
            known += [Known(photo, name, shot) for photo, shot in zip(ids, shots, strict=True)]
        archived = await add_project(connection, gateway.tenant, "Gone", "canceled")
        await add_shots(connection, gateway.tenant, archived, [Shot("DSC0001")])
        await add_tenant(connection, "user_9")
        other = await add_project(connection, "user_9", "Alps")
        await add_shots(connection, "user_9", other, [Shot("DSC0001")])
    return Shelf(gateway, known)


KEYS: dict[str, Callable[[Known], Any]] = {
    "taken_at": lambda known: (known.shot.taken_at, known.id),
    "size": lambda known: (known.shot.size, known.id),
}


async def test_pages_are_the_sorted_list_cut_up_and_lead_back(shelf: Shelf) -> None:
    for sort, order, project in product(["taken_at", "size"], ["asc", "desc"], [None, "Alps"]):
        path = "/api/photos" if project is None else f"/api/projects/{project}/photos"
        expected = [known for known in shelf.photos if project in (None, known.project)]
        expected.sort(key=KEYS[sort], reverse=order == "desc")
        ids = [known.id for known in expected]
        forward = await shelf.pages(path, limit=11, sort=sort, order=order)
        assert forward == [ids[start : start + 11] for start in range(0, len(ids), 11)]
        last = await _last_page(shelf, path, limit=11, sort=sort, order=order)
        backward = await _backward(shelf, path, last, limit=11, sort=sort, order=order)
        assert [photo for page in backward for photo in page] == ids


async def test_names_sort_as_the_database_compares_them(shelf: Shelf) -> None:
    names = {known.id: (known.shot.filename, known.id) for known in shelf.photos}
    async with shelf.gateway.database.connection() as connection:
        rows = await connection.fetch(
            "SELECT id FROM unnest($1::bigint[], $2::text[]) AS t (id, name) ORDER BY name, id",
            list(names),
            [name for name, _ in names.values()],
        )
    assert await shelf.ids(sort="filename") == [row["id"] for row in rows]
    assert await shelf.ids(sort="filename", order="desc") == [row["id"] for row in reversed(rows)]


FILTERS: list[tuple[dict[str, Any], Callable[[Known], bool]]] = [
    ({}, lambda _: True),
    ({"project_folder": "Tür & Tor"}, lambda known: known.project == "Tür & Tor"),
    ({"project_folder": "Gone"}, lambda _: False),
    ({"date_from": "2026-01-15"}, lambda known: known.shot.taken_at >= datetime(2026, 1, 15, tzinfo=UTC)),
    ({"date_to": "2026-01-15"}, lambda known: known.shot.taken_at < datetime(2026, 1, 16, tzinfo=UTC)),
    ({"date_from": "2026-01-15", "date_to": "2026-01-15"}, lambda known: f"{known.shot.taken_at:%F}" == "2026-01-15"),
    ({"date_to": "9999-12-31"}, lambda _: True),
    ({"file_type": "jpg_only"}, lambda known: known.shot.jpg_available and not known.shot.raw_available),
    ({"file_type": "raw_only"}, lambda known: known.shot.raw_available and not known.shot.jpg_available),
    ({"file_type": "both"}, lambda known: known.shot.jpg_available and known.shot.raw_available),
    ({"keep_type": "any_kept"}, lambda known: known.shot.keep_jpg or known.shot.keep_raw),
    ({"keep_type": "jpg_only"}, lambda known: known.shot.keep_jpg and not known.shot.keep_raw),
    ({"keep_type": "raw_jpg"}, lambda known: known.shot.keep_jpg and known.shot.keep_raw),
    ({"keep_type": "none"}, lambda known: not (known.shot.keep_jpg or known.shot.keep_raw)),
    ({"orientation": "portrait"}, lambda known: known.shot.shape == "portrait"),
    ({"orientation": "square"}, lambda known: known.shot.shape == "square"),
    ({"tags": ["sea"]}, lambda known: "sea" in known.shot.tags),
    ({"tags": ["sea", "Été"]}, lambda known: {"sea", "Été"} <= set(known.shot.tags)),
    ({"text": "dsc00"}, lambda known: "dsc00" in known.shot.filename.lower()),
    ({"text": "0%_"}, lambda known: "0%_" in known.shot.filename),
    ({"status": "generated"}, lambda known: _statuses(known) == {"generated"}),
    ({"status": "failed"}, lambda known: "failed" in _statuses(known)),
    ({"project_folder": "Alps", "file_type": "both", "tags": ["hills"], "orientation": "landscape"}, lambda known: (
        known.project == "Alps" and known.shot.jpg_available and known.shot.raw_available
        and "hills" in known.shot.tags and known.shot.shape == "landscape"
    )),
]  # fmt: skip


async def test_a_filter_shows_counts_and_dates_what_it_means(shelf: Shelf) -> None:
    for query, matches in FILTERS:
        expected = sorted((known for known in shelf.photos if matches(known)), key=KEYS["taken_at"], reverse=True)
        assert await shelf.ids(**query) == [known.id for known in expected], query
        first = (await shelf.gateway.get(f"/api/photos?{urlencode(query, doseq=True)}")).body
        assert (first["total"], first["total_exact"]) == (len(expected), True), query
        months = (await shelf.gateway.get(f"/api/photos/timeline?{urlencode(query, doseq=True)}")).body
        counted = Counter(f"{known.shot.taken_at:%Y-%m}" for known in expected)
        assert [(month["month"], month["photos"]) for month in months["items"]] == list(counted.items()), query
        assert months["total"] == len(expected), query


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_a_month_of_the_timeline_starts_the_list_at_it(shelf: Shelf, order: str) -> None:
    ordered = sorted(shelf.photos, key=KEYS["taken_at"], reverse=order == "desc")
    months = (await shelf.gateway.get(f"/api/photos/timeline?order={order}")).body["items"]
    assert len(months) > 2
    for number, month in enumerate(months):
        page = (await shelf.gateway.get(f"/api/photos?order={order}&limit=5&cursor={month['cursor']}")).body
        start = next(index for index, known in enumerate(ordered) if f"{known.shot.taken_at:%Y-%m}" == month["month"])
        assert [photo["id"] for photo in page["items"]] == [known.id for known in ordered[start : start + 5]]
        assert (page["prev_cursor"] is None) is (number == 0)


async def test_totals_and_months_follow_every_change_of_photos(gateway: Gateway) -> None:
    chance = random.Random(7)
    async with gateway.database.transaction() as connection:
        projects = [await add_project(connection, gateway.tenant, name) for name in ("A", "B", "C")]
        for project in projects:
            await add_shots(connection, gateway.tenant, project, [_shot(number, chance) for number in range(12)])
    changes = [
        "DELETE FROM photos WHERE id % 5 = 0",
        MOVE_SOME_TO_A,
        "UPDATE photos SET taken_at = taken_at + interval '40 days' WHERE id % 3 = 0",
        "UPDATE photos SET thumbnail_status = 'failed'",
        MOVE_ALL_TO_C_AND_NOW,
        "DELETE FROM photos WHERE id % 2 = 0",
    ]
    for change in changes:
        async with gateway.database.transaction() as connection:
            await connection.execute(change)
            kept, counted = [await connection.fetch(query) for query in (KEPT_COUNTS, COUNTED_ANEW)]
        assert [tuple(row) for row in kept] == [tuple(row) for row in counted], change


async def test_more_than_are_counted_are_told_as_more(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_pages, "COUNTED", 10)
    page = (await shelf.gateway.get("/api/photos?text=dsc")).body
    assert (page["total"], page["total_exact"]) == (10, False)
    unfiltered = (await shelf.gateway.get("/api/photos?limit=1")).body
    assert (unfiltered["total"], unfiltered["total_exact"]) == (len(shelf.photos), True)


async def test_a_page_that_emptied_meanwhile_shows_the_way_back(shelf: Shelf) -> None:
    first = (await shelf.gateway.get("/api/projects/Alps/photos?limit=40")).body
    rest = [known.id for known in shelf.photos if known.project == "Alps"]
    shown = [photo["id"] for photo in first["items"]]
    async with shelf.gateway.database.transaction() as connection:
        await connection.execute("DELETE FROM photos WHERE id = ANY ($1) AND id <> ALL ($2)", rest, shown)
    empty = (await shelf.gateway.get(f"/api/projects/Alps/photos?limit=40&cursor={first['next_cursor']}")).body
    assert (empty["items"], empty["next_cursor"], empty["total"]) == ([], None, 40)
    back = (await shelf.gateway.get(f"/api/projects/Alps/photos?limit=40&cursor={empty['prev_cursor']}")).body
    assert [photo["id"] for photo in back["items"]] == shown[:39]


async def test_a_photo_is_shown_whole_with_its_tags(shelf: Shelf) -> None:
    known = next(known for known in shelf.photos if len(known.shot.tags) > 1)
    shown = (await shelf.gateway.get(f"/api/photos/{known.id}")).body
    assert (shown["filename"], shown["project_folder"]) == (known.shot.filename, known.project)
    assert set(shown["tags"]) == set(known.shot.tags)
    assert shown["files"] == []
    assert (await shelf.gateway.get("/api/photos/999999999")).status == 404


WRONG_QUERIES = {
    "limit=0": "query.limit",
    "limit=2001": "query.limit",
    "limit=1&limit=2": "query.limit",
    "sort=colour": "query.sort",
    "cursor=nonsense": "query.cursor",
    "date_from=yesterday": "query.date_from",
    "projekt=Alps": "query.projekt",
    "text=a%00b": "query.text",
}


async def test_a_query_that_is_wrong_names_its_field(gateway: Gateway) -> None:
    for query, field in WRONG_QUERIES.items():
        refused = await gateway.get(f"/api/photos?{query}")
        assert refused.status == 400, query
        assert [error["field"] for error in refused.body["errors"]] == [field], query


async def test_a_cursor_of_another_sort_is_refused(shelf: Shelf) -> None:
    cursor = (await shelf.gateway.get("/api/photos?limit=1")).body["next_cursor"]
    assert (await shelf.gateway.get(f"/api/photos?sort=size&cursor={cursor}")).status == 400


async def test_no_page_is_longer_than_the_settings_allow(gateway: Gateway) -> None:
    async with gateway.database.transaction() as connection:
        project = await add_project(connection, gateway.tenant, "Many")
        await add_shots(connection, gateway.tenant, project, [Shot(f"P{number}") for number in range(501)])
    page = (await gateway.get("/api/photos?limit=2000")).body
    assert (len(page["items"]), page["total"]) == (gateway.settings.gateway.page_limit, 501)


async def test_photos_of_no_project_are_not_found(gateway: Gateway) -> None:
    assert (await gateway.get("/api/projects/Nowhere/photos")).status == 404


def _statuses(known: Known) -> set[str]:
    return {known.shot.thumbnail_status, known.shot.preview_status}


async def _last_page(shelf: Shelf, path: str, **query: Any) -> dict[str, Any]:
    page: dict[str, Any] = (await shelf.gateway.get(f"{path}?{urlencode(query)}")).body
    while page["next_cursor"] is not None:
        page = (await shelf.gateway.get(f"{path}?{urlencode({**query, 'cursor': page['next_cursor']})}")).body
    return page


async def _backward(shelf: Shelf, path: str, page: dict[str, Any], **query: Any) -> list[list[int]]:
    found = [[photo["id"] for photo in page["items"]]]
    while page["prev_cursor"] is not None:
        page = (await shelf.gateway.get(f"{path}?{urlencode({**query, 'cursor': page['prev_cursor']})}")).body
        found.insert(0, [photo["id"] for photo in page["items"]])
    return found
