"""The built web client as files to send: read whole, each with the compressed copies that the build put beside it.

It is a few hundred kilobytes, so it is held in memory; a build that takes the place of another is noticed.
"""

import asyncio
import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PAGE: Final = "index.html"

HASHED: Final = "assets/"
"""What lies here has a name that tells its content, so that it never changes."""

IDENTITY: Final = "identity"

_COPIES: Final[Mapping[str, str]] = {".br": "br", ".gz": "gzip"}
"""Content codings by the ending of their copies, the better one first."""

_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}

_QUALITY: Final = re.compile(r"q\s*=\s*([01](?:\.\d{0,3})?)", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Variant:
    """The bytes of a file in one content coding, and the strong entity tag that names them."""

    coding: str
    body: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class WebFile:
    """A file of the client; ``lasting`` says that what its address gives never changes."""

    content_type: str
    lasting: bool
    variants: Mapping[str, Variant]

    def variant(self, accept_encoding: str | None) -> Variant:
        """Return the smallest variant that the client takes."""
        return self.variants[preferred_coding(accept_encoding, self.variants)]


Stamp = tuple[int, int]
"""Inode and time of the page: another build has others."""


class WebClient:
    """The client in ``folder``, which need not be there, and may be built anew at any time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamp: Stamp | None = None
        self._files: Mapping[str, WebFile] = {}

    async def file(self, name: str) -> WebFile | None:
        """Return the file of that name below the folder, with slashes; None if there is none, or no build."""
        return (await asyncio.to_thread(self._current)).get(name)

    def _current(self) -> Mapping[str, WebFile]:
        """Look whether there is another build. While one takes the place of the last, that one is sent."""
        try:
            found = (self._folder / PAGE).stat()
            stamp = (found.st_ino, found.st_mtime_ns)
            if stamp != self._stamp:
                self._files, self._stamp = _read(self._folder), stamp
        except FileNotFoundError:
            pass
        return self._files


def preferred_coding(accept_encoding: str | None, offered: Collection[str]) -> str:
    """Return the coding to send, by ``Accept-Encoding`` (RFC 9110, section 12.5.3); without one, ``identity``."""
    wanted = dict(map(_coding, (accept_encoding or "").split(",")))
    best = max(
        (coding for coding in (*_COPIES.values(), IDENTITY) if coding in offered),
        # Of those that are wanted as much, the first; what is not named is not wanted, but for plain bytes.
        key=lambda coding: wanted.get(coding, wanted.get("*", 0.0)),
    )
    return best if wanted.get(best, wanted.get("*", 0.0)) > 0 else IDENTITY


def _coding(part: str) -> tuple[str, float]:
    name, _, parameter = part.partition(";")
    quality = _QUALITY.search(parameter)
    return name.strip().lower(), float(quality[1]) if quality else 1.0


def _read(folder: Path) -> dict[str, WebFile]:
    paths = [path for path in folder.rglob("*") if path.is_file() and path.suffix in _TYPES]
    return {path.relative_to(folder).as_posix(): _web_file(path, folder) for path in paths}


def _web_file(path: Path, folder: Path) -> WebFile:
    copies = {coding: path.with_name(path.name + ending) for ending, coding in _COPIES.items()}
    places = {IDENTITY: path, **{coding: copy for coding, copy in copies.items() if copy.exists()}}
    return WebFile(
        _TYPES[path.suffix],
        path.relative_to(folder).as_posix().startswith(HASHED),
        {coding: _variant(coding, place.read_bytes()) for coding, place in places.items()},
    )


def _variant(coding: str, body: bytes) -> Variant:
    return Variant(coding, body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
