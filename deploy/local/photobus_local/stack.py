"""The whole system on one machine: Postgres, NATS and every service as processes under one supervisor."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from photobus_common import logging
from photobus_common.config import Events, load_settings
from photobus_common.errors import ConfigurationError
from photobus_local import existing_library
from photobus_local.child import Program, run_to_end
from photobus_local.data_folder import DataFolder
from photobus_local.nats import EmbeddedNats
from photobus_local.options import OWN_VARIABLES, SERVICES, Options
from photobus_local.port_reservation import PortReservation
from photobus_local.ports import LOOPBACK, free_ports
from photobus_local.postgres import EmbeddedPostgres
from photobus_local.service_process import ServiceProcess, last_line
from photobus_local.supervisor import Supervisor

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Overrides = Mapping[str, Mapping[str, Any]]
"""Settings by section and key."""


@dataclass(frozen=True)
class Running:
    """What a person or a script needs to use the stack. ``library`` is the folder of its photos."""

    address: str
    token: str
    library: Path


async def run(options: Options, say: Callable[[str], None], started: Callable[[Running], None]) -> None:
    """Run the stack until SIGINT, SIGTERM or SIGHUP; a second SIGINT or SIGTERM ends all processes at once.

    ``say`` gets each line meant for a person; ``started`` is called once, when all services are ready. Raises
    ``ConfigurationError`` when the stack cannot start, after stopping what had started.
    """
    if sys.platform != "linux":
        raise ConfigurationError("The local stack runs on Linux only.")
    settings = load_settings()  # what an owner set wrongly is told before anything runs
    folder = DataFolder(options.data)
    with folder.locked(), folder.log("supervisor").open("a") as log, PortReservation(options.port) as reservation:
        logging.configure(settings.logging, "supervisor", log)
        supervisor = Supervisor(say, lambda pids: folder.publish_pids({"supervisor": os.getpid(), **pids}))
        stop = _stopped_by_signals(supervisor)
        starting = asyncio.create_task(_start(options, folder, reservation.port, supervisor))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not stop.is_set():
                _announce(folder, starting.result(), started)
                await stopping
            say("Stopping …")
        finally:
            await _canceled(starting, stopping)
            await supervisor.stop()


async def _start(options: Options, folder: DataFolder, port: int, supervisor: Supervisor) -> Running:
    library = await asyncio.to_thread(library_root, options, folder)
    postgres = EmbeddedPostgres(folder.postgres, log=folder.log("postgres"))
    nats = EmbeddedNats(folder.nats, log=folder.log("nats"))
    await supervisor.start((postgres,), (nats,))
    folder.publish_servers(postgres.dsn, nats.private_url)
    overrides = {**_overrides(postgres, nats, library, port), **_of_existing(existing=library != folder.library)}
    await _bootstrap(folder, overrides)
    await supervisor.start(*_services(options, overrides, folder, port))
    token = await asyncio.to_thread(folder.token.read_text, encoding="ascii")
    return Running(f"http://{LOOPBACK}:{port}", token.strip(), library)


def library_root(options: Options, folder: DataFolder) -> Path:
    """Return where the photos lie: where the caller says, else where they lay last, by default in the data folder.

    Raises ``ConfigurationError``, before anything runs, for a folder elsewhere that is no library.
    """
    record = folder.remembered()
    known = None if record is None or record.root is None else Path(record.root)
    root = (options.library or known or folder.library).absolute()
    if root != folder.library:
        existing_library.marks(root, known=root == known)
    return root


def _announce(folder: DataFolder, running: Running, started: Callable[[Running], None]) -> None:
    """Tell people, and then scripts: one that finds the address finds the words said, too."""
    started(running)
    folder.publish_address(running.address, running.token)


async def _bootstrap(folder: DataFolder, overrides: Overrides) -> None:
    command = (sys.executable, "-m", "photobus_local.bootstrap", str(folder.root))
    log = folder.log("bootstrap")
    if await run_to_end(Program("bootstrap", command, service_environment(overrides)), log):
        raise ConfigurationError(last_line(log))


def _overrides(postgres: EmbeddedPostgres, nats: EmbeddedNats, library: Path, port: int) -> Overrides:
    """Return what the stack decides itself; everything else is the owner's."""
    kept_for_ever = load_settings().events.max_age_days == Events().max_age_days
    return {
        "postgres": {"dsn": postgres.dsn},
        "nats": {"url": nats.url, "user": nats.user, "password": nats.password},
        "library": {"root": library},
        "gateway": {"host": LOOPBACK, "port": port, "reuse_port": True},
        **({"events": {"max_age_days": 0}} if kept_for_ever else {}),
    }


def _of_existing(*, existing: bool) -> Overrides:
    """Return what is otherwise where photos lay before: films beside them are not photobus's to throw away."""
    undecided = load_settings().maintenance.stray_files is None
    return {"maintenance": {"stray_files": "report"}} if existing and undecided else {}


def _services(
    options: Options, overrides: Overrides, folder: DataFolder, port: int
) -> list[tuple[ServiceProcess, ...]]:
    """Make the processes, a layer a service, in the order in which they start."""
    health_ports = iter(free_ports(sum(options.scale.values())))
    return [
        tuple(
            _service(service, number, overrides, folder, port, next(health_ports))
            for number in range(1, options.scale[service] + 1)
        )
        for service in SERVICES
    ]


def _service(
    service: str, number: int, overrides: Overrides, folder: DataFolder, port: int, health_port: int
) -> ServiceProcess:
    name = service if number == 1 else f"{service}-{number}"
    ready_port = port if service == "gateway" else health_port
    return ServiceProcess(
        name,
        f"photobus_{service}",
        service_environment({**overrides, "health": {"host": LOOPBACK, "port": health_port}}),
        lambda: folder.log(name),
        f"http://{LOOPBACK}:{ready_port}/readyz",
    )


def service_environment(overrides: Overrides, base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of a service: the owner's, less what only the stack reads, and ``overrides``."""
    environment = {name: value for name, value in base.items() if name not in OWN_VARIABLES}
    environment["PYTHONUNBUFFERED"] = "1"  # the last words of a service that dies are in its log
    for section, values in overrides.items():
        for key, value in values.items():
            environment[f"PHOTOBUS_{section}__{key}".upper()] = str(value)
    return environment


def _stopped_by_signals(supervisor: Supervisor) -> asyncio.Event:
    stop = asyncio.Event()
    kills: list[asyncio.Task[None]] = []

    def on_signal(number: signal.Signals) -> None:
        # A terminal that is closed hangs up several times: by the kernel and by the shell.
        if stop.is_set() and number is not signal.SIGHUP:
            kills.append(asyncio.create_task(supervisor.kill()))
        stop.set()

    for number in _SIGNALS:
        # ``nohup`` has it ignored, and means it.
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(number, on_signal, number)
    return stop


async def _canceled(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
