"""Who gets in: tokens, roles, the browser's session, and what the log says of them."""

import asyncio
from itertools import product

import pytest
from gateway_server import Gateway

from photobus_common.errors import UnauthorizedError
from photobus_common.events.access import TokenCreated, TokenRevoked
from photobus_common.store.database import Connection
from photobus_common.store.tokens import Bearer, Role, bearer_of_secret, digest
from photobus_gateway import auth

STORED_TOKENS = "SELECT name, secret_sha256 FROM api_tokens"
OTHER_TENANT = "INSERT INTO tenants (tenant, name, library_id) VALUES ('user_7', 'Other', gen_random_uuid())"


async def test_a_call_without_a_token_is_a_problem_that_says_how_to_bear_one(gateway: Gateway) -> None:
    response = await gateway.client.get("/api/projects")
    body = await response.json()
    assert response.status == 401
    assert response.content_type == "application/problem+json"
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert (body["code"], body["status"], body["type"]) == ("unauthorized", 401, "/api/docs#unauthorized")


async def test_other_authorizations_are_refused(gateway: Gateway) -> None:
    for header in ("", "Bearer", "Basic YTpi", "Bearer nobody", "Bearer " + "x" * 5000):
        response = await gateway.client.get("/api/projects", headers={"Authorization": header})
        assert response.status == 401, header


@pytest.mark.parametrize("header", [b"Authorization: Bearer \xff\xfe", b"Cookie: photobus_session=\xff\xfe"])
async def test_a_secret_that_is_no_text_is_unknown(gateway: Gateway, header: bytes) -> None:
    head = b"GET /api/projects HTTP/1.1\r\nHost: here\r\nConnection: close\r\n" + header + b"\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(head)
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"unknown or revoked" in answer


async def test_only_hashes_of_secrets_are_stored(gateway: Gateway) -> None:
    made = await gateway.post("/api/tokens", {"name": "camera", "role": "editor"})
    assert made.status == 201
    secret = made.body["token"]
    async with gateway.database.connection() as connection:
        stored = {row["name"]: row["secret_sha256"] for row in await connection.fetch(STORED_TOKENS)}
    assert stored["camera"] == digest(secret)
    listed = await gateway.get("/api/tokens")
    assert {"camera", "admin"} == {token["name"] for token in listed.body["items"]}
    assert secret not in str(listed.body)
    said = [event for event in await gateway.events("TokenCreated") if event.data.name == "camera"]  # type: ignore[attr-defined]
    assert len(said) == 1
    assert isinstance(said[0].data, TokenCreated)
    assert str(said[0].data.token_id) == made.body["id"]
    assert secret not in said[0].model_dump_json()


NEEDED: dict[tuple[str, str], Role] = {
    ("GET", "/api/photos"): "viewer",
    ("POST", "/api/projects"): "editor",
    ("POST", "/api/tasks"): "editor",
    ("GET", "/api/tokens"): "admin",
    ("POST", "/api/tokens"): "admin",
}


async def test_a_role_opens_what_it_may_and_nothing_more(gateway: Gateway) -> None:
    roles: list[Role] = ["viewer", "editor", "admin"]
    tokens = {role: await gateway.token(role) for role in roles}
    for ((method, path), needed), role in product(NEEDED.items(), roles):
        answer = await gateway.call(method, path, token=tokens[role], json={})
        may = roles.index(role) >= roles.index(needed)
        assert (answer.status == 403) is not may, (method, path, role, answer)


async def test_a_revoked_token_opens_nothing_at_once(gateway: Gateway) -> None:
    made = (await gateway.post("/api/tokens", {"name": "lost", "role": "admin"})).body
    assert (await gateway.get("/api/tokens", token=made["token"])).status == 200
    assert (await gateway.call("DELETE", f"/api/tokens/{made['id']}")).status == 204
    assert (await gateway.get("/api/tokens", token=made["token"])).status == 401
    assert (await gateway.call("DELETE", f"/api/tokens/{made['id']}")).status == 404
    (said,) = await gateway.events("TokenRevoked")
    assert isinstance(said.data, TokenRevoked)
    assert str(said.data.token_id) == made["id"]


async def test_a_token_that_another_gateway_revoked_is_forgotten_in_time(gateway: Gateway) -> None:
    now = 0.0
    secret = await gateway.token("viewer")
    here = auth.Authenticator(gateway.database, clock=lambda: now)
    caller = await here.identify(secret)
    token_id = caller.actor.removeprefix("token:")
    assert (await gateway.call("DELETE", f"/api/tokens/{token_id}")).status == 204
    assert await here.identify(secret) == caller
    now = auth.REMEMBER_SECONDS
    with pytest.raises(UnauthorizedError):
        await here.identify(secret)


async def test_a_token_revoked_while_the_database_was_asked_for_it_is_not_let_in(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = auth.Authenticator(gateway.database)

    async def revoked_meanwhile(connection: Connection, secret_sha256: bytes) -> Bearer | None:
        bearer = await bearer_of_secret(connection, secret_sha256)
        assert bearer is not None
        here.forget(bearer.token_id)
        return bearer

    monkeypatch.setattr(auth, "bearer_of_secret", revoked_meanwhile)
    for _ in range(2):
        with pytest.raises(UnauthorizedError):
            await here.identify(gateway.admin)


async def test_a_browser_gets_a_cookie_that_scripts_and_other_sites_cannot_use(gateway: Gateway) -> None:
    opened = await gateway.client.post("/api/session", json={"token": await gateway.token("admin")})
    assert opened.status == 200
    cookie = opened.cookies[auth.COOKIE]
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"]) == ("Strict", "/")
    assert (await (await gateway.client.get("/api/session")).json())["role"] == "admin"
    project = {"name": "By cookie"}
    foreign = await gateway.client.post("/api/projects", json=project, headers={"Sec-Fetch-Site": "cross-site"})
    own = await gateway.client.post("/api/projects", json=project, headers={"Sec-Fetch-Site": "same-origin"})
    assert (foreign.status, own.status) == (403, 201)
    assert (await gateway.client.delete("/api/session")).status == 204
    assert (await gateway.client.get("/api/session")).status == 401


async def test_a_session_needs_a_token_that_is_known_and_a_body_that_no_form_can_send(gateway: Gateway) -> None:
    unknown = await gateway.client.post("/api/session", json={"token": "pb_unknown"})
    form = await gateway.client.post("/api/session", data=b'{"token": "x"}', headers={"Content-Type": "text/plain"})
    assert (unknown.status, form.status) == (401, 415)
    assert auth.COOKIE not in unknown.cookies


async def test_tenants_do_not_see_each_other(gateway: Gateway) -> None:
    async with gateway.database.transaction() as connection:
        await connection.execute(OTHER_TENANT)
    other = await gateway.token("admin", tenant="user_7")
    made = await gateway.post("/api/projects", {"name": "Mine"})
    assert made.status == 201
    assert (await gateway.get("/api/projects/Mine", token=other)).status == 404
    assert (await gateway.get("/api/projects", token=other)).body["total"] == 0
    ids = [token["id"] for token in (await gateway.get("/api/tokens")).body["items"]]
    assert {token["name"] for token in (await gateway.get("/api/tokens", token=other)).body["items"]} == {"admin"}
    assert (await gateway.call("DELETE", f"/api/tokens/{ids[0]}", token=other)).status == 404


async def test_every_answer_keeps_browsers_careful(gateway: Gateway) -> None:
    for path in ("/api/docs", "/api/projects", "/healthz", "/nothing"):
        headers = (await gateway.get(path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "aiohttp" not in headers["Server"]


async def test_health(gateway: Gateway) -> None:
    assert (await gateway.get("/healthz")).status == 200
    assert (await gateway.get("/readyz")).body["checks"] == {"database": "ok"}
    assert "photobus_http_seconds" in (await gateway.get("/metrics")).body
