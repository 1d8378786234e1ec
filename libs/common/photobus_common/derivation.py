"""What making derivatives comes to for a photo: which file they are made from, or why they are not. Pure.

The dry run of the API and the worker both plan with this; only the worker knows besides what lies on disk.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal, TypeAlias

from photobus_common.config import Processing
from photobus_common.photos.derivatives import DerivativeFormat, derivative_name

SourceKind = Literal["jpg", "raw", "other"]

_PREFERENCE: Final[dict[SourceKind, int]] = {"jpg": 0, "other": 1, "raw": 2}
"""What the camera or its owner rendered is shown before what we would have to develop."""

_PIPELINE_VERSION: Final = 1
"""Raised when the same original and the same parameters come to give another picture."""


@dataclass(frozen=True)
class Recipe:
    """The parameters that decide what the derivatives look like; lengths are of the longest side in pixels."""

    thumbnail_px: int
    preview_px: int
    format: DerivativeFormat
    quality: int
    progressive: bool

    @classmethod
    def of(cls, settings: Processing) -> "Recipe":
        """Return the recipe that the settings ask for."""
        return cls(
            thumbnail_px=settings.thumbnail_px,
            preview_px=settings.preview_px,
            format=settings.format,
            quality=settings.quality,
            progressive=settings.progressive,
        )

    def key(self, md5: str) -> str:
        """Name the derivatives that this recipe makes of an original: its MD5 and a digest of the parameters."""
        parameters = json.dumps([_PIPELINE_VERSION, asdict(self)], sort_keys=True)
        return f"{md5}.{hashlib.sha256(parameters.encode()).hexdigest()[:16]}"


@dataclass(frozen=True)
class SourceFile:
    """One original of a photo; ``md5`` in lower-case hex."""

    name: str
    kind: SourceKind
    md5: str


@dataclass(frozen=True)
class PhotoState:
    """What the catalogue knows of a photo and its derivatives. ``filename`` is its basename."""

    photo_id: int
    project_id: int
    filename: str
    files: tuple[SourceFile, ...]
    generated: bool
    derivative_key: str | None

    def name(self, recipe: Recipe) -> str:
        """File name of both derivatives."""
        return derivative_name(self.filename, recipe.format)


@dataclass(frozen=True)
class Make:
    """Make both derivatives from the first of ``sources`` that is there.

    ``present_suffices``: they are recorded as made from that first source, so they need making only where a file of
    theirs is gone from disk.
    """

    sources: tuple[SourceFile, ...]
    present_suffices: bool


@dataclass(frozen=True)
class Impossible:
    """There is nothing to make derivatives from."""

    reason: Literal["no_original"]


Plan: TypeAlias = Make | Impossible


def plan(photo: PhotoState, recipe: Recipe, *, force: bool) -> Plan:
    """Decide what to do for ``photo``; ``force`` makes its derivatives anew even if they are up to date."""
    sources = in_preference(photo.files)
    if not sources:
        return Impossible("no_original")
    up_to_date = photo.generated and photo.derivative_key == recipe.key(sources[0].md5)
    return Make(sources, present_suffices=up_to_date and not force)


def in_preference(files: Sequence[SourceFile]) -> tuple[SourceFile, ...]:
    """Order the originals by which is shown: JPEG, else another format, else RAW; of one kind the first by name."""
    return tuple(sorted(files, key=lambda file: (_PREFERENCE[file.kind], file.name)))


def still_holds(made_from: SourceFile, before: PhotoState, now: PhotoState) -> bool:
    """Whether derivatives made of ``made_from`` are right for the photo as it is ``now``.

    Not so if it moved to another project or was renamed, or if another original, or other bytes, came to be shown.
    """
    same_place = (before.project_id, before.filename) == (now.project_id, now.filename)
    return same_place and in_preference(before.files) == in_preference(now.files) and made_from in now.files
