"""Live updates over server-sent events."""

from typing import Final, cast

from aiohttp import web
from pydantic import Field

from photobus_common.errors import BrokerUnavailableError
from photobus_gateway.callers import caller_of
from photobus_gateway.inputs import HeaderInput, Input
from photobus_gateway.keys import HUB
from photobus_gateway.registry import Media, route
from photobus_gateway.sse import TooManyClientsError
from photobus_gateway.sse_messages import CHANNELS, Channel
from photobus_gateway.sse_ring import ID_PATTERN, FrameId

_ONE_CHANNEL: Final = f"({'|'.join(CHANNELS)})"


class StreamQuery(Input):
    """What to be told, and from where on."""

    channels: str = Field(
        default=",".join(CHANNELS),
        pattern=f"^{_ONE_CHANNEL}(,{_ONE_CHANNEL})*$",
        description="The channels wanted, separated by commas.",
    )
    last_event_id: str | None = Field(
        default=None,
        pattern=f"^{ID_PATTERN}$",
        description="As the header Last-Event-ID, for tools that cannot set one; the header wins.",
    )


class StreamHeaders(HeaderInput):
    """What a browser sends by itself when it connects again."""

    last_event_id: str | None = Field(
        default=None,
        alias="Last-Event-ID",
        pattern=f"^({ID_PATTERN})?$",
        description="The id of the last message received: everything after it follows, or `reset`.",
    )


@route(
    "GET",
    "/api/sse/stream",
    role="viewer",
    summary="Follow what happens, live",
    response=Media(("text/event-stream",)),
    errors=(TooManyClientsError, BrokerUnavailableError),
)
async def stream(request: web.Request, query: StreamQuery, headers: StreamHeaders) -> web.StreamResponse:
    """First `connected {seq}`, then, on channel pending-changes, `pending_changes_state`, both without an id.

    Then each event of the tenant, once and in order, with the id `<seq>-<n>`. With `Last-Event-ID` those since that id
    come first. Where they cannot be given any more, `reset {seq}` says so: fetch everything anew; what comes after it
    follows.
    """
    channels = frozenset(cast("list[Channel]", query.channels.split(",")))
    wanted = headers.last_event_id or query.last_event_id
    after = FrameId.parse(wanted) if wanted else None
    return await request.app[HUB].serve(request, caller_of(request), channels, after)


ROUTES: Final = [stream]
