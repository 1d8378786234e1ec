"""The audit: everything that the log tells, by who did it, what it was, and when."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from aiohttp import web
from pydantic import AfterValidator, Field, WithJsonSchema

from photobus_common.events.catalogue import CATALOGUE
from photobus_common.storable import STORABLE
from photobus_common.store import history
from photobus_common.store.database import Connection
from photobus_common.store.history import Sought
from photobus_common.store.positions import last_until, position_at
from photobus_gateway.as_of import AsOf, AsOfInput
from photobus_gateway.callers import caller_of
from photobus_gateway.history_views import History, shown
from photobus_gateway.keys import DATABASE
from photobus_gateway.registry import route
from photobus_gateway.routes.history import HistoryQuery


def _known(word: str) -> str:
    if word not in CATALOGUE:
        raise ValueError(f"there is no event {word}")
    return word


EventType = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": sorted(CATALOGUE)})]
"""The stable word of an event."""


class AuditQuery(HistoryQuery):
    """Which events; a repeated type means any of them. Both bounds are included."""

    actor: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        pattern=STORABLE,
        description="Who did it, as events name them: `token:<id>`, `schedule:<name>`.",
    )
    type: tuple[EventType, ...] = Field(default=(), max_length=len(CATALOGUE), description="What happened.")
    first: AsOfInput | None = Field(default=None, alias="from", description="A time, or a sequence of the log.")
    last: AsOfInput | None = Field(default=None, alias="to", description="A time, or a sequence of the log.")


@route("GET", "/api/audit", role="admin", summary="What was done, by whom")
async def list_audit(request: web.Request, query: AuditQuery) -> History:
    """Show all events that match, newest first, those of access included: who made and revoked which tokens."""
    tenant, place = caller_of(request).tenant, query.place(request)
    async with request.app[DATABASE].connection() as connection:
        bounds = await _from(connection, tenant, query.first) | await _to(connection, tenant, query.last)
        sought = Sought(query.actor, query.type, **bounds)
        page = await history.audit(connection, tenant, sought, place)
        return History(**await shown(connection, tenant, page))


async def _from(connection: Connection, tenant: str, first: AsOf | None) -> dict[str, Any]:
    """Bound the sequences from below, so that pages are found by them; and the times, since the log has them almost."""
    if first is None:
        return {}
    if not isinstance(first.at, datetime):
        return {"after": first.at - 1}
    before = first.at - timedelta(microseconds=1)
    return {"after": await position_at(connection, tenant, before), "earliest": first.at}


async def _to(connection: Connection, tenant: str, last: AsOf | None) -> dict[str, Any]:
    """Bound them from above."""
    if last is None:
        return {}
    if not isinstance(last.at, datetime):
        return {"until": last.at}
    return {"until": await last_until(connection, tenant, last.at), "latest": last.at}


ROUTES = [list_audit]
