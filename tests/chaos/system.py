"""The system under test: every service, each with its own line to the broker, on storage of its own."""

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self

from chaos.broker import Node, Servers
from chaos.disks import Disk, Mount, separate_mounts
from chaos.links import Line, Link
from chaos.parts import KeptPart
from photobus_common import logging
from photobus_common.config import Logging
from photobus_common.errors import ConfigurationError
from photobus_local.child import Program, run_to_end
from photobus_local.data_folder import DataFolder
from photobus_local.port_reservation import PortReservation
from photobus_local.ports import LOOPBACK, free_port
from photobus_local.postgres import EmbeddedPostgres
from photobus_local.service_process import ServiceProcess, last_line
from photobus_local.stack import service_environment
from photobus_local.supervisor import Supervisor

NO_SETTINGS: Final[Mapping[str, str]] = MappingProxyType({})
PLANTED: Final = Path(__file__).with_name("planted")
SERVICES: Final = ("orchestrator", "derivatives", "maintenance", "filemover", "gateway")
PROCESSES: Final[Mapping[int, Mapping[str, int]]] = {
    1: dict.fromkeys(SERVICES, 2),
    3: {"orchestrator": 2, "derivatives": 2, "maintenance": 1, "filemover": 1, "gateway": 1},
}
"""How many of each service, by the number of the broker's servers, which take their share of two cores."""
RESTART_SECONDS: Final = 1.0
WHOLE_SECONDS: Final = 60.0
NEVER: Final = "604800"

SETTINGS: Final[Mapping[str, str]] = {
    "PHOTOBUS_EVENTS__DUPLICATE_WINDOW_SECONDS": "10",
    "PHOTOBUS_EVENTS__RELAY_AFTER_SECONDS": "0.5",
    "PHOTOBUS_FILEMOVER__FINISH_EVERY_SECONDS": "1",
    "PHOTOBUS_FILEMOVER__LOCK_WAIT_SECONDS": "0.5",
    "PHOTOBUS_JOBS__DEFAULT_SIZE": "20",
    "PHOTOBUS_JOBS__SIZE": '{"generate_derivatives": 10, "upload_postprocess": 10}',
    "PHOTOBUS_MAINTENANCE__LOCK_WAIT_SECONDS": "0.5",
    "PHOTOBUS_MAINTENANCE__SETTLE_SECONDS": "0.5",
    "PHOTOBUS_NATS__CONNECT_TIMEOUT_SECONDS": "2",
    "PHOTOBUS_PIPELINE__BULK_ITEMS": "20",
    "PHOTOBUS_PIPELINE__DRAIN_SECONDS": "2",
    "PHOTOBUS_PIPELINE__HEARTBEAT_MS": "500",
    "PHOTOBUS_PIPELINE__MAX_ATTEMPTS_DEFAULT": "10",
    "PHOTOBUS_PIPELINE__MAX_PARALLEL_JOBS": "4",
    "PHOTOBUS_PIPELINE__PRIORITY_LANE_SLOTS": "1",
    "PHOTOBUS_PIPELINE__RESCUE_AFTER_SECONDS": "4",
    "PHOTOBUS_PIPELINE__RESCUE_EVERY_SECONDS": "1",
    "PHOTOBUS_PIPELINE__RETRY_BASE_SECONDS": "0.2",
    "PHOTOBUS_PIPELINE__RETRY_CAP_SECONDS": "2",
    "PHOTOBUS_PIPELINE__STALE_SECONDS": "3",
    "PHOTOBUS_POSTGRES__COMMAND_TIMEOUT_SECONDS": "10",
    "PHOTOBUS_POSTGRES__POOL_SIZE": "5",
    "PHOTOBUS_PROCESSING__TIME_LIMIT_SECONDS": "20",
    "PHOTOBUS_PROCESSING__WORKER_COUNT": "1",
    "PHOTOBUS_RATE_LIMITS__REQUESTS": "1000",
    "PHOTOBUS_RATE_LIMITS__WINDOW_SECONDS": "1",
    "PHOTOBUS_SCHEDULES__FOLDER_DISCOVERY_SECONDS": NEVER,
    "PHOTOBUS_SCHEDULES__INTEGRITY_CHECK_SECONDS": NEVER,
    "PHOTOBUS_SCHEDULES__MAINTENANCE_GLOBAL_SECONDS": NEVER,
    "PHOTOBUS_SCHEDULES__PROJECT_SCAVENGE_GLOBAL_SECONDS": NEVER,
    "PHOTOBUS_SSE__KEEPALIVE_SECONDS": "2",
    "PHOTOBUS_UPLOADER__BATCH_SECONDS": "0.2",
}
"""Small jobs and short waits, so that much happens in little time; a lease that a pause of seconds outlives."""


class System:
    """The whole of photobus in ``home``, started on entering, ended on leaving.

    ``nodes`` is the number of servers of the broker (1 or 3); ``planted`` the name of a bug that the services are
    started with; ``settings`` environment variables on top of the campaign's own. ``home`` is for its owner to remove.
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
    data: Path
    """Folder of everything that the system keeps."""
    parts: dict[str, KeptPart]
    """Every process by name: gateway, gateway-2, …, postgres, nats (nats-1, nats-2, nats-3)."""
    broker_links: dict[str, Line]
    """Each service's line to the broker, by the name of its process."""
    servers: Servers
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
        self.home = home.absolute()
        self.nodes = nodes
        self.planted = planted
        self.settings = {**SETTINGS, **settings}
        self.parts = {}
        self.broker_links = {}
        self._ending = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._ending.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._ending.aclose()

    async def stop(self) -> None:
        """End every process in order, leaving the data mounted for a look at it; leaving the block does it too."""
        for part in self.parts.values():
            await part.resume()  # what is stopped does not hear that it is to end
        await self._supervisor.stop()

    async def save(self, folder: Path) -> None:
        """Copy what the system keeps to ``folder``, which stays when the disk of the system is gone."""
        await asyncio.to_thread(shutil.copytree, self.data, folder, symlinks=True, dirs_exist_ok=True)

    async def _start(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o711)  # the user that Postgres runs as passes through
        folder = self._make_storage()
        supervisor_log = self._ending.enter_context((self.home / "supervisor.log").open("a"))
        logging.configure(Logging(), "supervisor", supervisor_log)
        self._ending.enter_context(folder.locked())
        port = self._ending.enter_context(PortReservation(free_port())).port
        self._supervisor = Supervisor(_unheard, _unheard, RESTART_SECONDS)
        self._ending.push_async_callback(self.stop)
        overrides = await self._start_servers(folder, port)
        await self._bootstrap(folder, overrides)
        await self._start_services(folder, overrides, port)
        self.address = f"http://{LOOPBACK}:{port}"
        self.token = folder.token.read_text(encoding="ascii").strip()
        self.library = folder.library / "user_0"
        folder.publish_address(self.address, self.token)

    def _make_storage(self) -> DataFolder:
        may_mount = separate_mounts()
        self.disk = Disk(self.home / "disk")
        self.disk.make(may_mount=may_mount)
        self._ending.callback(self.disk.remove)
        folder = DataFolder(self.disk.folder / "data")
        self.data = folder.root
        self.mount = Mount(folder.library, self.disk.folder / "photos")
        self.mount.make(may_mount=may_mount)
        for made in (folder.root, folder.library):
            made.chmod(0o711)
        return folder

    async def _start_servers(self, folder: DataFolder, port: int) -> dict[str, dict[str, Any]]:
        postgres = EmbeddedPostgres(folder.postgres, log=folder.log("postgres"))
        self.servers = Servers(folder.nats, folder.log("nats"), self.nodes)
        self._ending.push_async_callback(self.servers.close)
        await self.servers.open()
        await self._supervisor.start((postgres,), tuple(node.server for node in self.servers.nodes))
        self.parts |= {"postgres": KeptPart(postgres), **{node.name: node for node in self.servers.nodes}}
        async with asyncio.timeout(WHOLE_SECONDS):
            while not await self.servers.whole():
                await asyncio.sleep(0.1)
        self.dsn = postgres.dsn
        self.nats_url = self.servers.private_url
        folder.publish_servers(self.dsn, self.nats_url)
        return {
            "postgres": {"dsn": postgres.dsn},
            "nats": {"url": self.servers.url, "user": self.servers.user, "password": self.servers.password},
            "library": {"root": folder.library},
            "gateway": {"host": LOOPBACK, "port": port, "reuse_port": True},
            "events": {"max_age_days": 0, "replicas": self.nodes},
        }

    async def _bootstrap(self, folder: DataFolder, overrides: dict[str, dict[str, Any]]) -> None:
        command = (sys.executable, "-m", "photobus_local.bootstrap", str(folder.root))
        log = folder.log("bootstrap")
        if await run_to_end(Program("bootstrap", command, self._environment(overrides)), log):
            raise ConfigurationError(last_line(log))

    async def _start_services(self, folder: DataFolder, overrides: dict[str, dict[str, Any]], port: int) -> None:
        layers: list[tuple[ServiceProcess, ...]] = []
        for service in SERVICES:
            layer = []
            for number in range(1, PROCESSES[self.nodes][service] + 1):
                name = service if number == 1 else f"{service}-{number}"
                layer.append(await self._service(service, name, folder, overrides, port))
            layers.append(tuple(layer))
        await self._supervisor.start(*layers)
        self.parts |= {part.name: KeptPart(part) for layer in layers for part in layer}

    async def _service(
        self, service: str, name: str, folder: DataFolder, overrides: dict[str, dict[str, Any]], port: int
    ) -> ServiceProcess:
        links = [await Link(f"{name} to {node.name}", node.server.port).open() for node in self.servers.nodes]
        line = self.broker_links[name] = Line(name, links)
        self._ending.push_async_callback(line.close)
        health_port = free_port()
        own = {
            **overrides,
            "nats": {**overrides["nats"], "url": line.url},
            "health": {"host": LOOPBACK, "port": health_port},
        }
        return ServiceProcess(
            name,
            f"photobus_{service}",
            self._environment(own) | self._bug(),
            lambda: folder.log(name),
            f"http://{LOOPBACK}:{port if service == 'gateway' else health_port}/readyz",
        )

    def _environment(self, overrides: dict[str, dict[str, Any]]) -> dict[str, str]:
        base = {name: value for name, value in os.environ.items() if not name.startswith("PHOTOBUS_")}
        return service_environment(overrides, base | self.settings)

    def _bug(self) -> dict[str, str]:
        return {} if self.planted is None else {"PHOTOBUS_PLANTED": self.planted, "PYTHONPATH": str(PLANTED)}

    @property
    def broker_nodes(self) -> list[Node]:
        """The servers of the broker."""
        return self.servers.nodes


def _unheard(_news: object) -> None:
    """Tell nobody: the supervisor's log has it."""
