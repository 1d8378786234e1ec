"""The web client comes from the gateway: its page at each of its addresses, its files for ever, and nothing else."""

import gzip
import re
import shutil
from pathlib import Path

import pytest
from aiohttp import ClientResponse
from gateway_server import Gateway

from photobus_common.config import Settings
from photobus_gateway.routes.web import VIEWS

ROUTER = Path(__file__).parents[2] / "services" / "gateway" / "web" / "src" / "app" / "router.tsx"
PAGE = b'<!doctype html><script type="module" src="/assets/index-a1.js"></script>'
SCRIPT = b"console.log('photobus');" * 100


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """A client as the build leaves it."""
    folder = tmp_path / "dist"
    build(folder, PAGE)
    return folder


@pytest.fixture
def settings(settings: Settings, dist: Path) -> Settings:
    """The gateway's settings say where it lies."""
    return settings.model_copy(update={"gateway": settings.gateway.model_copy(update={"web_client": dist})})


def build(folder: Path, page: bytes) -> None:
    (folder / "assets").mkdir(parents=True)
    (folder / "assets" / "index-a1.js").write_bytes(SCRIPT)
    (folder / "assets" / "index-a1.js.gz").write_bytes(gzip.compress(SCRIPT))
    (folder / "assets" / "index-a1.js.br").write_bytes(b"as brotli has it")
    (folder / "favicon.svg").write_bytes(b"<svg/>")
    (folder / "manifest.webmanifest").write_bytes(b"{}")
    (folder / "index.html").write_bytes(page)


async def fetch(gateway: Gateway, path: str, method: str = "GET", **headers: str) -> tuple[ClientResponse, bytes]:
    """Ask as a browser without a session does; the body as it came."""
    named = {"Accept-Encoding": "identity"} | {name.replace("_", "-"): value for name, value in headers.items()}
    async with gateway.client.request(
        method, path, headers=named, allow_redirects=False, auto_decompress=False
    ) as response:
        return response, await response.read()


@pytest.mark.parametrize(
    "path", ["/", "/projects/Trip%202%2F3.jpg", "/projects/Été?photo=17", "/tasks", "/audit", "/tasks/7"]
)
async def test_each_address_of_a_view_gives_the_page(gateway: Gateway, path: str) -> None:
    response, body = await fetch(gateway, path)

    assert (response.status, body) == (200, PAGE)
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-cache"


def test_every_view_of_the_client_has_an_address_here() -> None:
    paths = re.findall(r'path: "/(\w*)', ROUTER.read_text(encoding="utf-8"))

    assert set(paths) - {""} == set(VIEWS)


async def test_the_page_may_load_its_own_files_and_nothing_else(gateway: Gateway) -> None:
    response, _ = await fetch(gateway, "/")
    policy = response.headers["Content-Security-Policy"]

    rules = {name: values for name, *values in (rule.split() for rule in policy.split("; "))}
    assert rules["default-src"] == ["'none'"]
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == ["'self'"]
    assert rules["frame-ancestors"] == rules["base-uri"] == rules["form-action"] == ["'none'"]
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_files_named_after_their_content_are_kept_for_ever(gateway: Gateway) -> None:
    response, body = await fetch(gateway, "/assets/index-a1.js")

    assert (response.status, body) == (200, SCRIPT)
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
    icon, _ = await fetch(gateway, "/favicon.svg")
    assert (icon.headers["Cache-Control"], icon.headers["Content-Type"]) == ("no-cache", "image/svg+xml")


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("br;q=0.2, gzip;q=0.5", "gzip"),
        ("*", "br"),
        ("*;q=0", None),
        ("identity, br;q=0.5", None),
        ("zstd", None),
        ("", None),
    ],
)
async def test_the_copy_is_sent_that_the_browser_takes(gateway: Gateway, accepted: str, coding: str | None) -> None:
    response, body = await fetch(gateway, "/assets/index-a1.js", Accept_Encoding=accepted)

    assert response.headers.get("Content-Encoding") == coding
    assert response.headers["Vary"] == "Accept-Encoding"
    assert {"br": b"as brotli has it", None: SCRIPT}.get(coding, body) == body
    if coding == "gzip":
        assert gzip.decompress(body) == SCRIPT


async def test_what_the_browser_has_is_not_sent_again(gateway: Gateway) -> None:
    first, _ = await fetch(gateway, "/")
    again, body = await fetch(gateway, "/", If_None_Match=first.headers["ETag"])

    assert (again.status, body) == (304, b"")
    assert again.headers["Content-Security-Policy"] == first.headers["Content-Security-Policy"]
    script, _ = await fetch(gateway, "/assets/index-a1.js")
    packed, _ = await fetch(gateway, "/assets/index-a1.js", Accept_Encoding="gzip")
    assert script.headers["ETag"] != packed.headers["ETag"]


async def test_the_head_alone_can_be_asked_for(gateway: Gateway) -> None:
    response, body = await fetch(gateway, "/assets/index-a1.js", "HEAD")

    assert (response.status, body) == (200, b"")
    assert response.headers["Content-Length"] == str(len(SCRIPT))


@pytest.mark.parametrize(
    "path",
    [
        "/assets/index-b2.js",
        "/assets/index-a1.js.gz",
        "/assets/..%2F..%2Fsecret.json",
        "/assets/",
        "/secret.json",
        "/other.svg",
        "/index.html",
        "/project",
        "/api",
        "/api/projects/",
    ],
)
async def test_what_is_not_there_is_not_found(gateway: Gateway, dist: Path, path: str) -> None:
    (dist.parent / "secret.json").write_text("{}")
    response, body = await fetch(gateway, path)

    assert response.status == 404
    assert b'"code":"not_found"' in body


async def test_another_build_takes_its_place_without_a_restart(gateway: Gateway, dist: Path) -> None:
    before, _ = await fetch(gateway, "/")
    shutil.rmtree(dist)
    assert (await fetch(gateway, "/"))[1] == PAGE  # until the new one is there
    build(dist.with_name("dist.new"), PAGE + b"<!-- new -->")
    dist.with_name("dist.new").rename(dist)
    after, body = await fetch(gateway, "/", If_None_Match=before.headers["ETag"])

    assert (after.status, body) == (200, PAGE + b"<!-- new -->")


class TestNotBuilt:
    @pytest.fixture
    def dist(self, tmp_path: Path) -> Path:
        return tmp_path / "nowhere"

    async def test_the_page_says_how_to_build_it_and_the_api_works(self, gateway: Gateway) -> None:
        response, body = await fetch(gateway, "/projects/Trip")

        assert response.status == 503
        assert b"make up" in body
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert (await gateway.get("/api/projects")).status == 200

    async def test_it_is_there_as_soon_as_it_was_built(self, gateway: Gateway, dist: Path) -> None:
        assert (await fetch(gateway, "/"))[0].status == 503
        build(dist, PAGE)
        assert (await fetch(gateway, "/"))[1] == PAGE
