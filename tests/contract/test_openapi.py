"""The OpenAPI document says what is served: it is valid and whole, and generated requests are answered as it says."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import requests
import schemathesis
from asking import ask_about
from catalogue import Shot, add_project, add_shots
from gateway_server import Gateway, running_gateway
from hypothesis import HealthCheck, Phase, assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis.errors import Unsatisfiable
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)
from told import arrange

from photobus_common.bus.connection import Broker
from photobus_common.config import Settings
from photobus_common.storage.library import Library
from photobus_common.store.database import Database
from photobus_common.store.schedules import make_missing
from photobus_gateway.app import MAX_LINE, ROUTES
from photobus_gateway.docs_page import render
from photobus_gateway.openapi import Document
from photobus_gateway.problems import PROBLEM_MEDIA

CASES = 5
"""Generated requests for each operation and mode; enough to meet every parameter, few enough for every run."""

ENDLESS = {"/api/sse/stream"}
FORESEEN = {501, 503}
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document as it is served."""
    return Document(ROUTES, "0").build()


@pytest.fixture
async def gateway(
    settings: Settings, database: Database, broker: Broker, library: Library, tenant: str
) -> AsyncIterator[Gateway]:
    """A running gateway with one project and a photo in it."""
    async with running_gateway(settings, database, broker, library, tenant) as running:
        yield running


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_every_operation_has_a_name_of_its_own_and_tells_its_problems(document: dict[str, Any]) -> None:
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names)) == len(ROUTES)
    for operation in operations:
        assert operation["summary"]
        assert len(operation["description"]) > 20
        for status, answer in operation["responses"].items():
            assert (PROBLEM_MEDIA in answer.get("content", {})) is (int(status) >= 400)


def test_roles_stand_in_the_document(document: dict[str, Any]) -> None:
    for route in ROUTES:
        operation = document["paths"][route.path][route.method.lower()]
        assert bool(operation["security"]) is (route.role is not None)
        assert route.role is None or f"the role {route.role}" in operation["description"]


def test_the_page_needs_nothing_from_anywhere_and_explains_every_problem(document: dict[str, Any]) -> None:
    page = render(document)
    assert not re.findall(r"(?:src|href)=\"(?!#|/api/)", page)
    assert "<script" not in page
    links = set(re.findall(r'href="#([^"]+)"', page))
    anchors = set(re.findall(r'id="([^"]+)"', page))
    assert links <= anchors
    told = [
        answer["description"]
        for item in document["paths"].values()
        for operation in item.values()
        for answer in operation["responses"].values()
    ]
    codes = {code for text in told for code in re.findall(r"`(\w+)`: ", text)}
    assert codes
    assert codes <= anchors
    assert {route.name for route in ROUTES} <= anchors


async def test_the_document_and_the_page_are_served_to_anyone(gateway: Gateway, document: dict[str, Any]) -> None:
    served = await gateway.client.get("/api/openapi.json")
    assert document["paths"].items() <= (await served.json())["paths"].items()
    page = await gateway.client.get("/api/docs")
    assert (page.status, page.content_type) == (200, "text/html")
    assert "style-src 'sha256-" in page.headers["Content-Security-Policy"]


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisDeprecationWarning")  # of schemathesis's own making
async def test_generated_requests_are_answered_as_documented(gateway: Gateway, document: dict[str, Any]) -> None:
    known = await _catalogue(gateway)
    schema = schemathesis.openapi.from_dict(document)
    failures: list[str] = []
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        if operation.path in ENDLESS:
            continue
        for mode in GenerationMode:
            try:
                await asyncio.to_thread(_fuzz, operation, mode, known, gateway)
            except (FailureGroup, BaseExceptionGroup) as error:  # all operations are tried, then all failures told
                failures.append(f"{operation.label} ({mode.value}): {error} {getattr(error, 'exceptions', '')}")
    assert not failures, "\n\n".join(failures)


def _fuzz(operation: Any, mode: GenerationMode, known: dict[str, Any], gateway: Gateway) -> None:
    """Send generated requests to one operation; on ids that exist where its path names some."""
    names = re.findall(r"{(\w+)}", operation.path)
    given_path = {name: known[name] for name in names} if names and known.keys() >= set(names) else None
    strategy = operation.as_strategy(generation_mode=mode, path_parameters=given_path)
    headers = {"Authorization": f"Bearer {gateway.admin}"}

    @given(case=strategy)
    @hypothesis_settings(
        max_examples=CASES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def run(case: schemathesis.Case[Any]) -> None:
        assume("host" not in {name.lower() for name in case.headers or ()})  # a broken one breaks the client itself
        address = f"http://127.0.0.1:{gateway.port}"
        line = requests.Request(**case.as_transport_kwargs(base_url=address)).prepare().url
        assume(line is None or len(line) < MAX_LINE)  # a longer one is refused before any operation sees it
        response = case.call(base_url=address, headers=headers)
        checks = list(CHECKS)
        if response.status_code not in FORESEEN:
            checks.append(not_a_server_error)
            checks.append(negative_data_rejection)
        case.validate_response(response, checks=checks)

    try:
        run()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, operation.label  # nothing is asked for, so nothing can be wrong


async def _catalogue(gateway: Gateway) -> dict[str, Any]:
    made = await gateway.post("/api/projects", {"name": "Alps"})
    async with gateway.database.transaction() as connection:
        await add_project(connection, gateway.tenant, "Sea")
        (photo,) = await add_shots(connection, gateway.tenant, made.body["id"], [Shot("A0", tags=("sea",))])
        await arrange(connection)
        await make_missing(connection, gateway.settings.schedules.intervals, timedelta(hours=24), "settings")
    task = await gateway.post("/api/photos/process", {"items": [{"photo_id": photo}]})
    confirmation = await ask_about(gateway.database, gateway.tenant, (made.body["id"], "Alps"))
    known = {"folder": "Alps", "photo_id": photo, "task_id": task.body["task"]["id"]}
    known["event_id"] = known["task_id"]  # the event that asks for a task has its id
    return known | {"confirmation_id": str(confirmation), "name": "folder_discovery"}
