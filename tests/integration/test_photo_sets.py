"""Lists as a whole: all keys in the list's order, and the page on which a photo stands, held against the pages."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from catalogue import Shot, add_project, add_shots
from gateway_server import Gateway

from photobus_common.store import photo_places
from photobus_gateway.routes import photo_sets

START = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
async def photos(gateway: Gateway) -> list[int]:
    """Photos of two projects, of which several were taken at the same time; return their ids, newest first."""
    async with gateway.database.transaction() as connection:
        for name in ("Alps", "Sea"):
            project = await add_project(connection, gateway.tenant, name)
            shots = [
                Shot(f'{name} "{number}"', taken_at=START + timedelta(hours=number // 3), size=number % 5)
                for number in range(20)
            ]
            await add_shots(connection, gateway.tenant, project, shots)
    return await _listed(gateway)


async def _listed(gateway: Gateway, **query: str) -> list[int]:
    answer = await gateway.get(f"/api/photos?{urlencode({'limit': 2000, **query})}")
    return [photo["id"] for photo in answer.body["items"]]


@pytest.mark.parametrize(
    "query", [{}, {"sort": "filename"}, {"sort": "size", "order": "asc"}, {"project_folder": "Sea"}]
)
async def test_all_keys_are_those_of_the_list_in_its_order(
    gateway: Gateway, photos: list[int], query: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_places, "KEYS_AT_ONCE", 7)
    monkeypatch.setattr(photo_sets, "IDS_AT_ONCE", 7)
    answer = await gateway.get(f"/api/photos/all-keys?{urlencode(query)}")
    listed = await gateway.get(f"/api/photos?{urlencode({'limit': 2000, **query})}")

    assert answer.status == 200
    assert answer.body["photo_ids"] == [photo["id"] for photo in listed.body["items"]]
    assert answer.body["keys"] == [f"{photo['project_folder']}::{photo['filename']}" for photo in listed.body["items"]]
    assert answer.body["total"] == len(answer.body["photo_ids"])


async def test_no_photos_have_no_keys(gateway: Gateway, photos: list[int]) -> None:
    answer = await gateway.get("/api/photos/all-keys?text=nothing")
    assert answer.body == {"keys": [], "photo_ids": [], "total": 0}


@pytest.mark.parametrize(
    "query", [{}, {"sort": "size", "order": "asc"}, {"project_folder": "Alps", "sort": "filename"}]
)
async def test_each_photo_is_found_on_its_page(gateway: Gateway, photos: list[int], query: dict[str, str]) -> None:
    listed = await _listed(gateway, **query)
    for position, photo_id in enumerate(listed):
        asked = urlencode({**query, "photo_id": photo_id, "limit": 7})
        found = (await gateway.get(f"/api/photos/locate-page?{asked}")).body

        start = position - position % 7
        assert [item["id"] for item in found["items"]] == listed[start : start + 7]
        assert (found["position"], found["page_index"], found["idx_in_items"]) == (position, *divmod(position, 7))
        assert found["target"]["photo_id"] == photo_id
        assert (found["prev_cursor"] is None, found["next_cursor"] is None) == (start == 0, start + 7 >= len(listed))


async def test_the_cursors_of_a_found_page_lead_to_its_neighbours(gateway: Gateway, photos: list[int]) -> None:
    found = (await gateway.get(f"/api/photos/locate-page?photo_id={photos[15]}&limit=7")).body
    for cursor, expected in ((found["next_cursor"], photos[21:28]), (found["prev_cursor"], photos[7:14])):
        page = await gateway.get(f"/api/photos?{urlencode({'limit': 7, 'cursor': cursor})}")
        assert [photo["id"] for photo in page.body["items"]] == expected


async def test_a_photo_that_does_not_match_stands_nowhere(gateway: Gateway, photos: list[int]) -> None:
    assert (await gateway.get(f"/api/photos/locate-page?photo_id={photos[0]}&text=nothing")).status == 404
    assert (await gateway.get("/api/photos/locate-page?photo_id=999999")).status == 404
    assert (await gateway.get("/api/photos/locate-page")).status == 400
