"""Who got or lost access, in words."""

from typing import Final

from photobus_common.events.access import TenantCreated, TokenCreated, TokenRevoked
from photobus_gateway.words.phrasing import quoted, sentence_of


def _begun(data: TenantCreated) -> str:
    return f"Tenant {quoted(data.name)} made, with the library {data.library_id}"


def _created(data: TokenCreated) -> str:
    return f"Token {quoted(data.name)} made, with the role {data.role}"


def _revoked(data: TokenRevoked) -> str:
    return f"Token {data.token_id} revoked"


SENTENCES: Final = (
    sentence_of(TenantCreated, _begun),
    sentence_of(TokenCreated, _created),
    sentence_of(TokenRevoked, _revoked),
)
