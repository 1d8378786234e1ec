"""Who calls: the tenant, the actor and the role that authentication found, and the origin of what the call causes."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from aiohttp import web

from photobus_common.events import Origin
from photobus_common.store.tokens import Role
from photobus_common.telemetry import traceparent

RANK: Final[dict[Role, int]] = {"viewer": 1, "editor": 2, "admin": 3}
"""Each role may do what those below it may."""

SOURCE: Final = "/gateway"


@dataclass(frozen=True)
class Caller:
    """An authenticated caller. ``actor`` goes into every event; the tenant's sentinel must say ``library_id``."""

    tenant: str
    actor: str
    role: Role
    library_id: UUID

    def may(self, role: Role) -> bool:
        """Whether this caller may call a route that asks for ``role``."""
        return RANK[self.role] >= RANK[role]


CALLER: Final = web.RequestKey("caller", Caller)


def caller_of(request: web.Request) -> Caller:
    """Return the caller of a route that asks for a role; a public route has none."""
    return request[CALLER]


def origin_of(request: web.Request) -> Origin:
    """Return the origin of the events that this request causes, in the caller's trace if it sent one."""
    caller = caller_of(request)
    trace = traceparent(request.headers.get("traceparent"))
    return Origin(SOURCE, caller.tenant, caller.actor, traceparent=trace)
