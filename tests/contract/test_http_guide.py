"""The guide to the HTTP API asks only for what is served, in words that are understood."""

import re
from pathlib import Path

import pytest

from photobus_gateway.app import ROUTES

GUIDE = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8").replace("\\\n", "")
ADDRESSES = re.findall(r"\$A(/[^\s\"?]+)", GUIDE)
BODIES = re.findall(r"(?:-X (PATCH|PUT) )?\"?\$A(/[^\s\"?]+).*?--json '([^']+)'", GUIDE)

WITH_STARS = {(route.method, re.sub(r"{\w+}", "*", route.path)): route for route in ROUTES}


def starred(path: str) -> str:
    """Put a star in the place of what stands for some project, photo, task, job or upload."""
    return re.sub(r"(?<=/)(\$\w+|\d+|Trip|…)(?=/|$)", "*", path)


def test_every_address_is_served() -> None:
    served = {path for _method, path in WITH_STARS}

    assert len(ADDRESSES) > 20
    assert {starred(path) for path in ADDRESSES} <= served


@pytest.mark.parametrize(("method", "path", "body"), BODIES)
def test_every_body_is_understood(method: str, path: str, body: str) -> None:
    model = WITH_STARS[method or "POST", starred(path)].body_model

    assert model is not None
    assert model.model_validate_json(body, strict=True).model_fields_set


def test_there_are_bodies() -> None:
    assert len(BODIES) >= 6
