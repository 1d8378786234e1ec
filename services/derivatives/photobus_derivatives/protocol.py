"""What service and decoder say to each other: one message each way a photo, over a socket that keeps message bounds.

The request travels with three descriptors: the original to read, and the files to write preview and thumbnail into.
Kept free of everything that costs a decoder memory or time to import.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

Reason = Literal[
    "empty_file",
    "not_an_image",
    "unsupported_format",
    "too_many_pixels",
    "truncated",
    "corrupt",
    "memory_limit",
    "time_limit",
    "decoder_died",
]
"""Why a photo has no derivatives. The last one is the service's word for a decoder that is gone."""

REASONS: Final[frozenset[str]] = frozenset(get_args(Reason))

MAX_MESSAGE_BYTES: Final = 8192
DESCRIPTORS: Final = 3
READY: Final = b"ready"
_DETAIL_LENGTH: Final = 400


@dataclass(frozen=True)
class Request:
    """One photo to decode; ``kind`` is jpg, raw or other, ``seconds`` the time that it may take."""

    kind: str
    thumbnail_px: int
    preview_px: int
    format: str
    quality: int
    progressive: bool
    pixel_limit: int
    seconds: float

    def encode(self) -> bytes:
        """JSON, in one message."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, message: bytes) -> "Request":
        """Read what ``encode`` wrote."""
        return cls(**json.loads(message))


@dataclass(frozen=True)
class Made:
    """Both derivatives are written; the size is that of the original when it stands upright."""

    width: int
    height: int


@dataclass(frozen=True)
class Refused:
    """The photo has no derivatives, for this reason; ``detail`` is for the log."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True)
class StorageFailed:
    """The storage failed while reading or writing: no word on the photo. ``errno`` as the system gave it."""

    errno: int


Reply: TypeAlias = Made | Refused | StorageFailed


class ProtocolError(Exception):
    """The decoder said something that no decoder says; it is not to be trusted any more."""


def encode_reply(reply: Reply) -> bytes:
    """JSON, in one message."""
    match reply:
        case Made(width, height):
            document: dict[str, Any] = {"made": [width, height]}
        case Refused(reason, detail):
            document = {"refused": [reason, detail[:_DETAIL_LENGTH]]}
        case StorageFailed(errno):
            document = {"storage": errno}
    return json.dumps(document).encode()


def decode_reply(message: bytes) -> Reply:
    """Read a reply, believing nothing: a decoder that a hostile image took over may say anything."""
    try:
        match json.loads(message):
            case {"made": [int(width), int(height)]} if min(width, height) > 0 and max(width, height) < 2**31:
                return Made(width, height)
            case {"refused": [str(reason), str(detail)]} if reason in REASONS:
                return Refused(reason, detail)  # type: ignore[arg-type] # it is one of the words just compared with
            case {"storage": int(errno)}:
                return StorageFailed(errno)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"not JSON: {message[:80]!r}") from error
    raise ProtocolError(f"no reply of ours: {message[:80]!r}")
