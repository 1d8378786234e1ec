"""What Postgres cannot hold, in texts as in JSON: the character U+0000, and halves of surrogate pairs.

The former is kept out where texts come in. The latter, by which Python writes names that are no UTF-8, no encoder lets
through; a text that may quote anything is therefore made ``storable`` before it is written.
"""

import re
from typing import Any, Final

NUL: Final = "\x00"

STORABLE: Final = r"^[^\x00]*$"
"""Pattern of a text that can be stored."""

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """Return ``text`` with the mark of an unknown character in the place of each that cannot be stored."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def holds_nul(document: Any) -> bool:
    """Whether any text of a JSON document, its keys included, holds U+0000."""
    if isinstance(document, str):
        return NUL in document
    if isinstance(document, dict):
        return any(holds_nul(key) or holds_nul(value) for key, value in document.items())
    return isinstance(document, list) and any(holds_nul(value) for value in document)
