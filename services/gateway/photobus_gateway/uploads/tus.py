"""The headers of tus 1.0 (https://tus.io/protocols/resumable-upload), read and written."""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from photobus_common.errors import FieldError, InvalidInputError, PhotobusError
from photobus_common.store.uploads import OnConflict
from photobus_gateway.problems import invalid
from photobus_gateway.uploads.answers import UploadResult
from photobus_gateway.uploads.files import Wish
from photobus_gateway.uploads.multipart import Md5
from photobus_gateway.uploads.requests import BATCH_PATTERN, MAX_BATCH_TOTAL, FileTime

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,creation-with-upload,checksum,expiration,termination"
PORTION_MEDIA: Final = "application/offset+octet-stream"
RESULT_HEADER: Final = "Photobus-Upload-Result"
"""Says as JSON how the file ended, once its last portion has come."""

MAX_METADATA: Final = 8190

_DIGITS: Final = 19


class VersionRefusedError(PhotobusError):
    """The client speaks another version of tus."""

    code = "tus_version"
    status = 412


class MediaRefusedError(PhotobusError):
    """A portion must be sent as its own media type."""

    code = "unsupported_media_type"
    status = 415


class Metadata(BaseModel):
    """What photobus reads of ``Upload-Metadata``; clients may send more."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    filename: str
    md5: Md5 | None = None
    modified_at: FileTime | None = None
    on_conflict: OnConflict | None = None
    batch: str | None = Field(default=None, pattern=BATCH_PATTERN)
    batch_total: int | None = Field(default=None, ge=1, le=MAX_BATCH_TOTAL)

    def wish(self, size: int) -> Wish:
        """Return what the client wants of a file of ``size`` bytes."""
        return Wish(
            size=size,
            md5=self.md5,
            modified_at=self.modified_at,
            on_conflict=self.on_conflict,
            batch=self.batch,
            batch_total=self.batch_total,
        )


def read_metadata(header: str) -> Metadata:
    """Read ``Upload-Metadata``: comma-separated pairs of a key and its value in Base64."""
    found: dict[str, str] = {}
    for pair in filter(None, (piece.strip() for piece in header.split(","))):
        key, _, encoded = pair.partition(" ")
        try:
            found[key] = base64.b64decode(encoded.strip(), validate=True).decode(errors="surrogateescape")
        except binascii.Error as error:
            raise _wrong("Upload-Metadata", f"the value of {key} is not Base64") from error
    try:
        return Metadata.model_validate_strings(found)
    except ValidationError as error:
        raise invalid(error, "Upload-Metadata") from error


def read_length(headers: Mapping[str, str], name: str) -> int:
    """Read a header that counts bytes."""
    text = headers.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < _DIGITS):
        raise _wrong(name, "must be a number of bytes")
    return int(text)


def check_version(request: web.Request) -> None:
    """Raise ``VersionRefusedError`` unless the client speaks tus 1.0."""
    if request.headers.get("Tus-Resumable") != VERSION:
        raise VersionRefusedError(f"Send Tus-Resumable: {VERSION}.")


def check_portion(request: web.Request) -> None:
    """Raise ``MediaRefusedError`` unless the body is a portion."""
    if request.content_type != PORTION_MEDIA:
        raise MediaRefusedError(f"A portion must be sent as {PORTION_MEDIA}.")


def expires(at: datetime) -> str:
    """``at``, in UTC, as HTTP writes dates."""
    return format_datetime(at, usegmt=True)


def result_header(result: UploadResult) -> dict[str, str]:
    """Return the header that says how the file ended."""
    fields: dict[str, Any] = result.model_dump(mode="json", exclude_none=True)
    return {RESULT_HEADER: json.dumps(fields)}


def _wrong(header: str, message: str) -> InvalidInputError:
    return InvalidInputError(f"{header}: {message}.", fields=(FieldError(f"header.{header}", message),))
