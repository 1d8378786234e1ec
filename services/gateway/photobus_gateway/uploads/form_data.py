"""Reading multipart/form-data (RFC 7578) as a stream: no part is ever held whole, and most bytes are never copied.

File names are taken as they were sent. A general parser would mend them (drop backslashes and leading slashes, stumble
over semicolons), and a photo would lie under another name than its owner's; here the rules for names see the truth.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from email.message import Message
from typing import Final
from urllib.parse import unquote_to_bytes

from photobus_common.errors import InvalidInputError

MAX_HEADERS: Final = 16 * 1024
"""Most bytes that the headers of one part may have."""

_MAX_BOUNDARY: Final = 70

_END: Final = b"--"

_DISPOSITION: Final = re.compile(
    r"content-disposition[ \t]*:[ \t]*form-data[ \t]*((?:;.*)?)$", re.IGNORECASE | re.DOTALL
)
_PARAMETER: Final = re.compile(r';[ \t]*([^\s=;"]+)[ \t]*=[ \t]*(?:"((?:\\.|[^"\\])*)"|([^;]*))', re.DOTALL)
_ESCAPED: Final = re.compile(r'\\["\\]|%22|%0D|%0A', re.IGNORECASE)
_ESCAPED_BY_BROWSERS: Final = {"%22": '"', "%0D": "\r", "%0A": "\n"}
_EXTENDED: Final = re.compile(r"utf-8'[^']*'(.*)$", re.IGNORECASE | re.DOTALL)

Read = Callable[[], Awaitable[bytes]]
"""Returns the next bytes of the body, and none at its end."""


@dataclass(frozen=True)
class Disposition:
    """The names in a part's header; bytes that are not UTF-8 stand as surrogates. A part with a filename is a file."""

    name: str
    filename: str | None


class Part:
    """One part; ``chunks`` may be read once, and what is left of it is passed over by the next part."""

    def __init__(self, reader: "FormDataReader", disposition: Disposition) -> None:
        self._reader = reader
        self.name = disposition.name
        self.filename = disposition.filename

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the content as it comes."""
        while chunk := await self._reader.content():
            yield chunk

    async def release(self) -> None:
        """Pass over the rest of the content."""
        while await self._reader.content():
            pass


class FormDataReader:
    """Reads the parts of a body in order. Raises ``InvalidInputError`` where it is malformed or breaks off."""

    def __init__(self, content_type: str, read: Read) -> None:
        self._read = read
        self._delimiter = b"\r\n--" + _boundary(content_type)
        self._held = b"\r\n"  # As if it stood before the first delimiter too.
        self._in_part = True

    async def parts(self) -> AsyncIterator[Part]:
        """Yield each part."""
        while await self.content():  # What stands before the first delimiter is nobody's.
            pass
        while not await self._is_end():
            disposition = disposition_of(await self._headers())
            self._in_part = True
            part = Part(self, disposition)
            yield part
            await part.release()

    async def content(self) -> bytes:
        """Return the next bytes of the present part, none at its end."""
        while self._in_part:
            data = self._held or await self._more()
            end = data.find(self._delimiter)
            if end >= 0:
                self._in_part, self._held = False, data[end + len(self._delimiter) :]
                return data[:end]
            sure = len(data) - self._doubtful(data)
            if sure == len(data):
                self._held = b""
                return data
            self._held = data[sure:] if sure else data + await self._more()
            if sure:
                return data[:sure]
        return b""

    def _doubtful(self, data: bytes) -> int:
        """Return how many of the last bytes may be the beginning of the delimiter."""
        at = data.find(b"\r", max(0, len(data) - len(self._delimiter) + 1))
        while at >= 0 and not self._delimiter.startswith(data[at:]):
            at = data.find(b"\r", at + 1)
        return 0 if at < 0 else len(data) - at

    async def _is_end(self) -> bool:
        while len(self._held) < len(_END):
            self._held += await self._more()
        return self._held.startswith(_END)

    async def _headers(self) -> list[str]:
        while (end := self._held.find(b"\r\n\r\n")) < 0:
            if len(self._held) > MAX_HEADERS:
                raise InvalidInputError(f"The headers of a part are over {MAX_HEADERS} bytes.")
            self._held += await self._more()
        block, self._held = self._held[:end], self._held[end + 4 :]
        padding, *lines = block.decode(errors="surrogateescape").split("\r\n")
        if padding.strip(" \t"):
            raise _malformed("something stands behind a boundary")
        return lines

    async def _more(self) -> bytes:
        data = await self._read()
        if not data:
            raise _malformed("it ends within a part")
        return data


def disposition_of(headers: list[str]) -> Disposition:
    """Find the names in a part's headers.

    A file name is the extended one (RFC 5987, UTF-8) where there is one. Of a quoted one, a quote and a backslash that
    a backslash stands before, and the three escapes that browsers write, are what they stand for.
    """
    for line in headers:
        if (match := _DISPOSITION.match(line)) is not None:
            found = {name.lower(): _unquoted(quoted, bare) for name, quoted, bare in _PARAMETER.findall(match[1])}
            filename = found.get("filename")
            if (extended := _EXTENDED.match(found.get("filename*", ""))) is not None:
                filename = unquote_to_bytes(extended[1]).decode(errors="surrogateescape")
            return Disposition(found.get("name", ""), filename)
    raise _malformed("a part has no Content-Disposition: form-data")


def _unquoted(quoted: str, bare: str) -> str:
    if bare:
        return bare.strip(" \t")
    return _ESCAPED.sub(lambda match: _ESCAPED_BY_BROWSERS.get(match[0].upper()) or match[0][1], quoted)


def _boundary(content_type: str) -> bytes:
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_boundary("")
    if not 0 < len(boundary) <= _MAX_BOUNDARY or not boundary.isascii():
        raise InvalidInputError("The Content-Type names no boundary of at most 70 letters.")
    return boundary.encode()


def _malformed(how: str) -> InvalidInputError:
    return InvalidInputError(f"The multipart body is malformed: {how}.")
