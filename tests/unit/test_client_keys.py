"""The keys of a long list, read in pieces that end anywhere."""

import json

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from photobus_client import ClientError, PhotobusClient
from photobus_client.keys import KeysParser


def document(keys: list[str], photo_ids: list[int] | None = None) -> str:
    """What ``all-keys`` answers."""
    ids = list(range(1, len(keys) + 1)) if photo_ids is None else photo_ids
    names = ",".join(json.dumps(key, ensure_ascii=False) for key in keys)
    return f'{{"keys":[{names}],"photo_ids":[{",".join(map(str, ids))}],"total":{len(keys)}}}'


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))), st.integers(1, 9))
def test_keys_are_the_same_wherever_the_pieces_end(keys: list[str], size: int) -> None:
    sent, parser = document(keys).encode(), KeysParser()
    pieces = [sent[first : first + size] for first in range(0, len(sent), size)]
    assert [key for piece in pieces for key in parser.feed(piece)] == keys
    assert parser.photo_ids() == list(range(1, len(keys) + 1))


@pytest.mark.parametrize(
    "sent",
    ["<html></html>", "[]       ", document(["a", "b"])[:-3], document(["a", "b"])[:9], document(["a"], [1, 2]), ""],
)
async def test_what_is_not_the_whole_list_is_an_error(sent: str) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=sent, content_type="application/json")

    app = web.Application()
    app.add_routes([web.get("/api/photos/all-keys", answer)])
    async with TestServer(app) as server, PhotobusClient(str(server.make_url("/")), "token") as client:
        with pytest.raises(ClientError):
            [key async for key in client.photo_sets.all_keys()]


async def test_an_answer_that_breaks_off_is_an_error() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"keys":["Trip::a",')
        assert request.transport is not None
        request.transport.abort()
        return response

    app = web.Application()
    app.add_routes([web.get("/api/photos/all-keys", answer)])
    async with TestServer(app) as server, PhotobusClient(str(server.make_url("/")), "token") as client:
        with pytest.raises(ClientError, match="broke off"):
            [key async for key in client.photo_sets.all_keys()]
