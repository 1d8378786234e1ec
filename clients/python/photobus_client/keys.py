"""The keys of a list of photos, however long, read as they come."""

import codecs
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Final

import aiohttp

from photobus_client.errors import ClientError, UnreachableError
from photobus_client.transport import Transport

_PATH: Final = "/api/photos/all-keys"
_BEGIN: Final = '{"keys":['
_KEY: Final = re.compile(r',?("[^"\\]*(?:\\.[^"\\]*)*")')
"""A whole JSON string, and the comma before it."""


class AllKeys:
    """Iterate over it for the keys, as `folder::filename`; then ``photo_ids`` holds their ids, in the same order.

    Raises ``ClientError`` when the answer breaks off: what came until then is not the whole list.
    """

    def __init__(self, transport: Transport, query: Mapping[str, object]) -> None:
        self._transport = transport
        self._query = query
        self.photo_ids: list[int] = []

    async def __aiter__(self) -> AsyncIterator[str]:
        """Ask, and yield each key."""
        parser, address = KeysParser(), self._transport.address
        try:
            async with self._transport.request("GET", _PATH, query=self._query) as answer:
                async for chunk in answer.content.iter_any():
                    for key in parser.feed(chunk):
                        yield key
            self.photo_ids = parser.photo_ids()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UnreachableError(f"The list of {address} broke off: {error}") from error
        except ValueError as error:
            raise ClientError(f"What answers at {address} is no photobus: it sent no keys.") from error


class KeysParser:
    """Reads ``{"keys":[…],"photo_ids":[…],"total":n}`` in pieces that may end anywhere.

    Of the keys it holds none; ``ValueError`` is raised for what is no such document.
    """

    def __init__(self) -> None:
        self._bytes = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._begun = False
        self._behind_keys: list[str] = []
        self._count = 0

    def feed(self, chunk: bytes) -> Iterator[str]:
        """Take what came and yield the keys that it completes."""
        text = self._bytes.decode(chunk)
        if self._behind_keys:
            self._behind_keys.append(text)
            return
        self._text += text
        if not self._begun and not self._begin():
            return
        place = 0
        while found := _KEY.match(self._text, place):
            place = found.end()
            self._count += 1
            yield json.loads(found[1])
        self._text = self._text[place:]
        if self._text.startswith("]"):
            self._behind_keys.append(self._text)

    def photo_ids(self) -> list[int]:
        """Return the ids, once everything was fed."""
        rest = json.loads(_BEGIN + "".join(self._behind_keys))
        photo_ids: list[int] = rest.get("photo_ids", [])
        if not self._count == len(photo_ids) == rest.get("total"):
            raise ValueError(f"{self._count} keys and {len(photo_ids)} ids are not {rest.get('total')}")
        return photo_ids

    def _begin(self) -> bool:
        """Take the beginning off the text; return whether it is there already."""
        if len(self._text) < len(_BEGIN):
            return False
        if not self._text.startswith(_BEGIN):
            raise ValueError("no list of keys")
        self._text = self._text.removeprefix(_BEGIN)
        self._begun = True
        return True
