"""Names of derivatives: they lie in ``.thumb`` and ``.preview`` of the project, called after the photo."""

from typing import Final, Literal

DerivativeFormat = Literal["jpeg", "webp"]

EXTENSIONS: Final[dict[DerivativeFormat, str]] = {"jpeg": "jpg", "webp": "webp"}


def derivative_name(basename: str, file_format: DerivativeFormat) -> str:
    """Return the file name of either derivative of the photo ``basename``."""
    return f"{basename}.{EXTENSIONS[file_format]}"
