"""Checksums that a client sends with a portion of a resumable upload (tus checksum extension)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from typing import Any, Final

from photobus_common.errors import InvalidInputError, PhotobusError
from photobus_gateway.uploads.receiving import Digest

_ALGORITHMS: Final[dict[str, Callable[[], Any]]] = {
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
}

ALGORITHMS: Final = ",".join(_ALGORITHMS)


class ChecksumMismatchError(PhotobusError):
    """A portion's bytes do not have the checksum that came with them; they were dropped."""

    code = "checksum_mismatch"
    status = 460
    retryable = True


class Checksum:
    """The checksum announced for one portion, and the running hash of what arrives."""

    def __init__(self, header: str) -> None:
        name, _, encoded = header.strip().partition(" ")
        if name not in _ALGORITHMS:
            raise InvalidInputError(f"Upload-Checksum: {name!r} is none of {ALGORITHMS}.")
        try:
            self._expected = base64.b64decode(encoded.strip(), validate=True)
        except binascii.Error as error:
            raise InvalidInputError("Upload-Checksum: the checksum is not Base64.") from error
        self._digest = _ALGORITHMS[name]()

    def update(self, data: bytes, /) -> None:
        """Add bytes."""
        self._digest.update(data)

    def hexdigest(self) -> str:
        """Return the hash so far, in lower-case hex."""
        return str(self._digest.hexdigest())

    def check(self) -> None:
        """Raise ``ChecksumMismatchError`` unless the bytes are those that were announced."""
        if not hmac.compare_digest(self._digest.digest(), self._expected):
            raise ChecksumMismatchError("The bytes do not have the checksum that was sent with them.")


class Both:
    """Two hashes over the same bytes."""

    def __init__(self, first: Digest | None, second: Digest) -> None:
        self._digests = [digest for digest in (first, second) if digest is not None]

    def update(self, data: bytes, /) -> None:
        """Add bytes to both."""
        for digest in self._digests:
            digest.update(data)

    def hexdigest(self) -> str:
        """Return the first hash so far."""
        return self._digests[0].hexdigest()
