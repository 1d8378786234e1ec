"""The system under test: every service, each with its own line to the broker, on storage of its own."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Final, Self

from chaos.disks import Disk, Mount
from chaos.links import Link
from chaos.parts import KeptPart

NO_SETTINGS: Final[Mapping[str, str]] = MappingProxyType({})


class System:
    """The whole of photobus in ``home``, started on entering, ended on leaving.

    ``nodes`` is the number of servers of the broker (1 or 3); ``planted`` the name of a bug that the services are
    started with; ``settings`` environment variables on top of the campaign's own.
    """

    address: str
    """Of the gateways, which share one port."""
    token: str
    """Of an administrator."""
    dsn: str
    """Of the database, straight."""
    nats_url: str
    """Of the broker, user and password included, past all links; several are separated by commas."""
    library: Path
    """Folder of the tenant ``user_0``, with the projects in it."""
    parts: dict[str, KeptPart]
    """Every process by name: gateway, gateway-2, …, postgres, nats (nats-1, nats-2, nats-3)."""
    broker_links: dict[str, Link]
    """Each service's line to the broker, by the name of its process."""
    disk: Disk
    mount: Mount

    def __init__(
        self,
        home: Path,
        *,
        nodes: int = 1,
        planted: str | None = None,
        settings: Mapping[str, str] = NO_SETTINGS,
    ) -> None:
        self.home = home
        self.nodes = nodes
        self.planted = planted
        self.settings = dict(settings)

    async def __aenter__(self) -> Self:
        raise NotImplementedError

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        raise NotImplementedError

    async def stop(self) -> None:
        """End every process in order, leaving the data for a look at it; leaving the block does it too."""
        raise NotImplementedError
