"""What can be done to the system: each kind of fault with its victims, its length, and how it is undone.

A fault is drawn whole (kind, victim, seconds) before it begins, so that a seed gives the same faults again, whatever
the system makes of them. While it lasts it holds its ``places``, and a fault that needs one of them (``shares``) is not
done then: nothing is cut twice, and nothing is healed while another fault holds it.

Of three servers of the broker one may lose its disk, but not a second one before the first has everything again: no
quorum of disks would be left, which three servers do not promise to survive. So nothing else is done to them meanwhile.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Final

from chaos.parts import KeptPart
from chaos.system import System

WORKERS: Final = ("derivatives", "maintenance", "filemover")
BROKER_DISKS: Final = frozenset({"disks of the broker"})
WHOLE_SECONDS: Final = 60.0
STATELESS: Final = ("orchestrator", *WORKERS, "gateway")

Act = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Drawn:
    """A fault to be done: ``begin`` it, and after ``seconds`` ``end`` it, when it is one that lasts."""

    victim: str
    begin: Act
    seconds: float = 0.0
    end: Act | None = None
    places: frozenset[str] = frozenset()
    shares: frozenset[str] = frozenset()

    @property
    def needs(self) -> frozenset[str]:
        """What nobody else may hold when it begins."""
        return self.places | self.shares


class NotNowError(Exception):
    """A fault that was drawn cannot be done in the system's present state."""


@dataclass(frozen=True)
class Kind:
    """A kind of fault. ``weight`` says how often it is drawn beside the others; ``possible`` where it can be done."""

    name: str
    weight: int
    draw: Callable[[System, Random], Drawn]
    possible: Callable[[System], bool] = lambda _system: True


def services(system: System, *kinds: str) -> list[KeptPart]:
    """All processes of the services named ``kinds``, by default of all services."""
    wanted = kinds or STATELESS
    return [part for name, part in system.parts.items() if name.partition("-")[0] in wanted]


def kill_service(system: System, random: Random) -> Drawn:
    """Kill -9 of one service process."""
    part = random.choice(services(system))
    return Drawn(part.name, part.kill)


def kill_two(system: System, random: Random) -> Drawn:
    """Kill -9 of any two processes at once, servers included."""
    return _all_at_once(random.sample(list(system.parts.values()), 2), shares=BROKER_DISKS)


def kill_workers(system: System, _random: Random) -> Drawn:
    """Kill -9 of all workers at once."""
    return _all_at_once(services(system, *WORKERS), "all workers")


def kill_doubles(system: System, random: Random) -> Drawn:
    """Kill -9 of both processes of one service at once."""
    service = random.choice(STATELESS)
    return _all_at_once(services(system, service), f"all of {service}")


def kill_everything(system: System, _random: Random) -> Drawn:
    """Kill -9 of every process at once: a power cut."""
    return _all_at_once(list(system.parts.values()), "everything", BROKER_DISKS)


def kill_postgres(system: System, _random: Random) -> Drawn:
    """Kill -9 of the database's first process; its children notice."""
    return Drawn("postgres", system.parts["postgres"].kill)


def kill_broker(system: System, random: Random) -> Drawn:
    """Kill -9 of a server of the broker."""
    node = random.choice(system.servers.nodes)
    return Drawn(node.name, node.kill, shares=BROKER_DISKS)


def restart_service(system: System, random: Random) -> Drawn:
    """Ask a service to end in order, as an update does."""
    part = random.choice(services(system))
    return Drawn(part.name, part.restart)


def restart_postgres(system: System, random: Random) -> Drawn:
    """Shut the database down: fast (sessions ended) or immediate (recovery at the next start)."""
    number = random.choice((signal.SIGINT, signal.SIGQUIT))

    async def restart() -> None:
        await system.parts["postgres"].restart(number)

    return Drawn(f"postgres {number.name}", restart)


def restart_broker(system: System, random: Random) -> Drawn:
    """Ask a server of the broker to end in order."""
    node = random.choice(system.servers.nodes)
    return Drawn(node.name, node.restart, shares=BROKER_DISKS)


def pause_service(system: System, random: Random) -> Drawn:
    """Stop a service past its lease, and let it go on as if nothing had been."""
    return _pause([random.choice(services(system))], random.uniform(3.5, 6.5))


def pause_doubles(system: System, random: Random) -> Drawn:
    """Stop both processes of a service past their lease."""
    service = random.choice(STATELESS)
    return _pause(services(system, service), random.uniform(3.5, 5.0), f"all of {service}")


def pause_postgres(system: System, random: Random) -> Drawn:
    """Stop the database for seconds."""
    return _pause([system.parts["postgres"]], random.uniform(1.0, 4.0))


def pause_broker(system: System, random: Random) -> Drawn:
    """Stop a server of the broker for seconds."""
    return _pause([random.choice(system.servers.nodes)], random.uniform(1.0, 6.0), shares=BROKER_DISKS)


def cut_broker(system: System, random: Random) -> Drawn:
    """Cut a service off from the broker: connections end, new ones are refused."""
    line = random.choice(list(system.broker_links.values()))
    return Drawn(line.name, line.cut, random.uniform(1.0, 6.0), line.heal, frozenset({f"line {line.name}"}))


def black_hole_broker(system: System, random: Random) -> Drawn:
    """Let a service's words to the broker and back get lost on the way, and arrive late."""
    line = random.choice(list(system.broker_links.values()))
    return Drawn(line.name, line.black_hole, random.uniform(2.0, 8.0), line.heal, frozenset({f"line {line.name}"}))


def cut_broker_from_all(system: System, random: Random) -> Drawn:
    """Cut every service off from the broker."""
    lines = list(system.broker_links.values())
    silent = random.random() < 0.5

    async def begin() -> None:
        for line in lines:
            await (line.black_hole() if silent else line.cut())

    async def end() -> None:
        for line in lines:
            await line.heal()

    places = frozenset(f"line {line.name}" for line in lines)
    return Drawn("black hole" if silent else "cut", begin, random.uniform(1.0, 4.0), end, places)


def wipe_broker(system: System, random: Random) -> Drawn:
    """Kill a server of the broker, and take its disk away; of three, one that the others can fill again."""
    node = random.choice(system.servers.nodes)
    if len(system.servers.nodes) == 1:

        async def wipe() -> None:
            node.wipe()

        return Drawn(node.name, wipe)

    async def begin() -> None:
        if not await system.servers.whole():
            raise NotNowError
        node.wipe()

    async def end() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(WHOLE_SECONDS):
                while not await system.servers.whole():
                    await asyncio.sleep(0.2)

    return Drawn(node.name, begin, 2.0, end, BROKER_DISKS)


def fill_disk(system: System, random: Random) -> Drawn:
    """Leave no byte free where photos, database, broker and logs lie."""
    return Drawn("disk", system.disk.fill, random.uniform(1.0, 4.0), system.disk.free, frozenset({"disk"}))


def take_mount_away(system: System, random: Random) -> Drawn:
    """Leave an empty folder where the library was."""
    mount = system.mount
    victim = "library" if mount.real else "library (renamed)"
    return Drawn(victim, mount.away, random.uniform(1.0, 5.0), mount.back, frozenset({"mount"}))


def kill_stream_leader(system: System, random: Random) -> Drawn:
    """Kill -9 of the server that leads the log or a stream of commands, whichever that is."""
    stream = random.choice(("EVENTS", "COMMANDS_NORMAL", "COMMANDS_PRIORITY"))

    async def begin() -> None:
        name = await system.servers.leader(stream)
        if name is not None:
            await system.parts[name].kill()

    return Drawn(stream, begin, shares=BROKER_DISKS)


def cut_off_minority(system: System, random: Random) -> Drawn:
    """Cut one of three servers off from the others, but not from its clients."""
    node = random.choice(system.servers.nodes)
    routes = system.servers.routes_of(node.name)
    silent = random.random() < 0.5

    async def begin() -> None:
        for route in routes:
            await (route.black_hole() if silent else route.cut())

    async def end() -> None:
        for route in routes:
            await route.heal()

    victim = f"{node.name} {'black hole' if silent else 'cut'}"
    return Drawn(victim, begin, random.uniform(5.0, 20.0), end, frozenset({"routes"}), BROKER_DISKS)


def _clustered(system: System) -> bool:
    return len(system.servers.nodes) > 1


KINDS: Final = (
    Kind("kill service", 14, kill_service),
    Kind("kill two", 4, kill_two),
    Kind("kill doubles", 2, kill_doubles),
    Kind("kill workers", 2, kill_workers),
    Kind("kill everything", 1, kill_everything),
    Kind("kill postgres", 3, kill_postgres),
    Kind("kill broker", 3, kill_broker),
    Kind("restart service", 4, restart_service),
    Kind("restart postgres", 2, restart_postgres),
    Kind("restart broker", 1, restart_broker),
    Kind("pause service", 8, pause_service),
    Kind("pause doubles", 2, pause_doubles),
    Kind("pause postgres", 2, pause_postgres),
    Kind("pause broker", 2, pause_broker),
    Kind("cut broker", 4, cut_broker),
    Kind("black hole broker", 4, black_hole_broker),
    Kind("cut broker from all", 2, cut_broker_from_all),
    Kind("wipe broker", 2, wipe_broker),
    Kind("disk full", 3, fill_disk, lambda system: system.disk.real),
    Kind("mount away", 4, take_mount_away),
    Kind("kill stream leader", 4, kill_stream_leader, _clustered),
    Kind("cut off minority", 4, cut_off_minority, _clustered),
)
"""All of them. Which weigh most is what a process must survive at any moment."""


def _all_at_once(parts: Sequence[KeptPart], victim: str | None = None, shares: frozenset[str] = frozenset()) -> Drawn:
    async def kill() -> None:
        for part in parts:
            part.kill_now()

    return Drawn(victim or " and ".join(part.name for part in parts), kill, shares=shares)


def _pause(
    parts: Sequence[KeptPart], seconds: float, victim: str | None = None, shares: frozenset[str] = frozenset()
) -> Drawn:
    async def begin() -> None:
        for part in parts:
            await part.pause()

    async def end() -> None:
        for part in parts:
            await part.resume()

    places = frozenset(f"process {part.name}" for part in parts)
    return Drawn(victim or parts[0].name, begin, seconds, end, places, shares)
