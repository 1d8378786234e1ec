"""An original whose header was read."""

from collections.abc import Callable
from dataclasses import dataclass

import pyvips


@dataclass(frozen=True)
class Opened:
    """``width`` and ``height`` are of the upright picture, ``pixels`` what decoding it has to go through.

    ``load`` takes the longest side wanted and returns the picture at that size or larger. Its orientation tag, if any,
    is still to be applied, its colours are still its own.
    """

    width: int
    height: int
    pixels: int
    load: Callable[[int], pyvips.Image]
