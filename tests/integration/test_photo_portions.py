"""Lists cut into portions, each of which its cursor leads to, and the photos among some that a list has."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from catalogue import Shot, add_project, add_shots, add_tenant
from gateway_server import Gateway

START = datetime(2026, 5, 1, tzinfo=UTC)
SORTS = [{"sort": sort, "order": order} for sort in ("taken_at", "filename", "size") for order in ("asc", "desc")]
SCOPES: list[dict[str, str]] = [
    {},
    {"project_folder": "Sea"},
    {"text": "1"},
    {"tags": "even", "date_from": "2026-05-02"},
    {"pending_deletion": "true"},
]


@pytest.fixture
async def photos(gateway: Gateway) -> None:
    """Photos of two projects, which have names, and by the dozen times and sizes, in common."""
    async with gateway.database.transaction() as connection:
        for name, count in (("Alps", 260), ("Sea", 140)):
            project = await add_project(connection, gateway.tenant, name)
            shots = [
                Shot(
                    f"IMG {number % 120}" if number < 120 else f"{name} {number}",
                    taken_at=START + timedelta(days=number // 12),
                    size=number % 5,
                    keep_jpg=number % 3 > 0,
                    tags=("even",) if number % 2 == 0 else (),
                )
                for number in range(count)
            ]
            await add_shots(connection, gateway.tenant, project, shots)


async def _list(gateway: Gateway, query: dict[str, Any], limit: int = 500) -> list[dict[str, Any]]:
    """Return the page, by the address of the project if the query names one, as a client would ask for it."""
    query = dict(query)
    folder = query.pop("project_folder", None)
    address = "/api/photos" if folder is None else f"/api/projects/{folder}/photos"
    answer = await gateway.get(f"{address}?{urlencode({**query, 'limit': limit})}")
    items: list[dict[str, Any]] = answer.body["items"]
    return items


@pytest.mark.parametrize("order", SORTS, ids=lambda order: f"{order['sort']} {order['order']}")
@pytest.mark.parametrize("scope", SCOPES, ids=str)
async def test_portions_are_the_list_cut_up(
    gateway: Gateway, photos: None, scope: dict[str, str], order: dict[str, str]
) -> None:
    query = {**scope, **order}
    whole = await _list(gateway, query)
    answer = await gateway.get(f"/api/photos/portions?{urlencode({**query, 'size': 100})}")

    assert answer.status == 200
    assert answer.body["total"] == len(whole) > 50
    assert [portion["photos"] for portion in answer.body["items"][:-1]] == [100] * ((len(whole) - 1) // 100)
    joined: list[dict[str, Any]] = []
    for portion in answer.body["items"]:
        place = {} if portion["cursor"] is None else {"cursor": portion["cursor"]}
        items = await _list(gateway, {**query, **place}, portion["photos"])
        assert portion["first_photo_id"] == items[0]["id"]
        assert [portion["first_value"], portion["last_value"]] == [items[end][order["sort"]] for end in (0, -1)]
        joined += items
    assert joined == whole


async def test_a_list_as_long_as_its_portions_has_no_empty_one(gateway: Gateway, photos: None) -> None:
    portions = (await gateway.get("/api/photos/portions?size=200")).body["items"]
    assert [(portion["photos"], portion["cursor"] is None) for portion in portions] == [(200, True), (200, False)]


async def test_nothing_makes_no_portions(gateway: Gateway, photos: None) -> None:
    for query in ("text=nothing", "project_folder=Nowhere"):
        assert (await gateway.get(f"/api/photos/portions?{query}")).body == {"items": [], "total": 0}


@pytest.mark.parametrize("size", [99, 1001])
async def test_portions_have_bounds(gateway: Gateway, size: int) -> None:
    answer = await gateway.get(f"/api/photos/portions?size={size}")
    assert (answer.status, answer.body["errors"][0]["field"]) == (400, "query.size")


async def test_neither_archived_projects_nor_other_tenants_have_portions(gateway: Gateway, photos: None) -> None:
    async with gateway.database.transaction() as connection:
        gone = await add_project(connection, gateway.tenant, "Gone", status="canceled")
        await add_shots(connection, gateway.tenant, gone, [Shot("A", taken_at=START + timedelta(days=30))])
        await add_tenant(connection, "user_9")
    assert (await gateway.get("/api/photos/portions")).body["total"] == 400
    other = await gateway.token("viewer", tenant="user_9")
    assert (await gateway.get("/api/photos/portions", token=other)).body == {"items": [], "total": 0}


async def test_those_among_some_that_match_come_in_the_order_of_the_list(gateway: Gateway, photos: None) -> None:
    listed = await _list(gateway, {"project_folder": "Sea", "tags": "even", "sort": "size"})
    everything = await _list(gateway, {})
    asked = [("photo_ids", item["id"]) for item in (*everything[::3], {"id": 999_999})]
    query = urlencode([("project_folder", "Sea"), ("tags", "even"), ("sort", "size"), *asked])

    answer = await gateway.get(f"/api/photos/among?{query}")

    ids = {photo_id for _name, photo_id in asked}
    assert answer.body["items"] == [item for item in listed if item["id"] in ids]
    assert 0 < len(answer.body["items"]) < len(asked)


async def test_some_photos_must_be_named_and_not_too_many(gateway: Gateway) -> None:
    for ids in (range(0), range(1, 502)):
        answer = await gateway.get(f"/api/photos/among?{urlencode([('photo_ids', one) for one in ids])}")
        assert (answer.status, answer.body["errors"][0]["field"]) == (400, "query.photo_ids")
