"""Network between two processes as something that can fail: a TCP proxy on loopback, cut and healed at will."""

from typing import Self


class Link:
    """Passes what connects to ``port`` on to ``target``, unless it is ``cut`` or swallows everything."""

    def __init__(self, name: str, target: int) -> None:
        self.name = name
        self.target = target
        self.port = 0

    async def open(self) -> Self:
        """Listen on a free port."""
        raise NotImplementedError

    async def close(self) -> None:
        """End every connection and listen no more."""
        raise NotImplementedError

    async def cut(self) -> None:
        """Reset all connections; refuse new ones until ``heal``."""
        raise NotImplementedError

    async def black_hole(self) -> None:
        """Keep all connections, accept new ones, and deliver nothing in either direction until ``heal``."""
        raise NotImplementedError

    async def heal(self) -> None:
        """Pass on what connects from now on; what was swallowed is lost with its connection."""
        raise NotImplementedError
