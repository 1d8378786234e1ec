"""Storage that can be full or away."""

from pathlib import Path


class Disk:
    """The file system on which the library and the servers' data lie."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def real(self) -> bool:
        """Whether this is a file system of our own that can be filled."""
        raise NotImplementedError

    async def fill(self) -> None:
        """Leave no byte free."""
        raise NotImplementedError

    async def free(self) -> None:
        """Give the room back."""
        raise NotImplementedError


class Mount:
    """The library's place, from which its tree can go away and come back."""

    def __init__(self, place: Path) -> None:
        self.place = place

    async def away(self) -> None:
        """Leave an empty folder in its place. What is open stays open, on the tree that went."""
        raise NotImplementedError

    async def back(self) -> None:
        """Put the tree back."""
        raise NotImplementedError
