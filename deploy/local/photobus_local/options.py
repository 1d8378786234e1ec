"""What the local stack is asked for, from the environment: folders, port, and how many processes of which service."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from photobus_common.errors import ConfigurationError

SERVICES: Final = ("orchestrator", "derivatives", "maintenance", "filemover", "gateway")
OWN_VARIABLES: Final = frozenset({"PHOTOBUS_DATA", "PHOTOBUS_LIBRARY", "PHOTOBUS_PORT", "PHOTOBUS_SCALE"})
_MOST_PROCESSES: Final = 32


@dataclass(frozen=True)
class Options:
    """``scale`` counts the processes of each service; ``library`` is one that was there before, where it lies."""

    data: Path
    port: int
    scale: Mapping[str, int]
    library: Path | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read them all, by the names of ``OWN_VARIABLES``; raises ``ConfigurationError``."""
        library = environment.get("PHOTOBUS_LIBRARY")
        return cls(
            data=_folder("PHOTOBUS_DATA", environment.get("PHOTOBUS_DATA") or "data"),
            port=_port(environment.get("PHOTOBUS_PORT") or "8080"),
            scale=_scale(environment.get("PHOTOBUS_SCALE") or ""),
            library=_folder("PHOTOBUS_LIBRARY", library) if library else None,
        )


def _folder(variable: str, text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ConfigurationError(f"{variable} is {text!r}, and nobody's home is known by that name.") from error


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:  # noqa: PLR2004  # the range of ports
        raise ConfigurationError(f"PHOTOBUS_PORT is {text!r}, which is not a port between 1 and 65535.")
    return int(text)


def _scale(text: str) -> dict[str, int]:
    scale = dict.fromkeys(SERVICES, 1)
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, count = part.partition("=")
        if name not in SERVICES or not count.isdecimal() or not 1 <= int(count) <= _MOST_PROCESSES:
            raise ConfigurationError(
                f"PHOTOBUS_SCALE has {part!r}; expected service=count, such as gateway=2,derivatives=2, "
                f"with counts of 1 to {_MOST_PROCESSES} and services {', '.join(SERVICES)}.",
            )
        scale[name] = int(count)
    return scale
