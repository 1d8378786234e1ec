"""Opening an original of any family: its size from the header first, its pixels only when asked for."""

import os
from typing import Final

from photobus_common.photos.content import HEAD_BYTES, Format, sniff
from photobus_derivatives.formats.opened import Opened
from photobus_derivatives.refusal import RefusalError

__all__ = ["Opened", "open_original"]

_RAW_ONLY: Final[frozenset[Format]] = frozenset({"cr3", "crw", "raf", "orf", "rw2", "x3f"})


def open_original(fd: int, kind: str) -> Opened:
    """Read the header of the file behind ``fd``; its content decides the family, ``kind`` only where that is open.

    A RAW file may be a TIFF by its first bytes, or carry none that are known. Raises ``RefusalError``.
    """
    size = os.fstat(fd).st_size
    if size == 0:
        raise RefusalError("empty_file")
    found = sniff(os.pread(fd, HEAD_BYTES, 0))
    if found in _RAW_ONLY or (kind == "raw" and found in {"tiff", None}):
        # Imported when the first such file comes: each family costs a decoder tens of megabytes.
        from photobus_derivatives.formats import raw  # noqa: PLC0415 - see above

        return raw.open_raw(fd, known=found is not None)
    if found == "heif":
        from photobus_derivatives.formats import heif  # noqa: PLC0415 - see above

        return heif.open_heif(fd)
    if found is None or found == "xmp":
        raise RefusalError("not_an_image")
    from photobus_derivatives.formats import vips  # noqa: PLC0415 - see above

    return vips.open_source(fd, found)
