"""How often Python looks for garbage that refers to itself, while millions of objects are made that never do."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

THRESHOLDS: Final = (100_000, 50, 100)
"""By default it looks after every 700 objects, and again and again through all that a page of the log is made of, which
takes longer than to make it."""


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Look for such garbage rarely, and not at all among what is there already."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
