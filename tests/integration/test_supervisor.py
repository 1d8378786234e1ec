"""The supervisor with real processes: restarts, order, and nothing left behind, whatever ends it."""

import asyncio
import errno
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from photobus_common.errors import ConfigurationError
from photobus_local import supervisor as supervisor_module
from photobus_local.child import Child, Program
from photobus_local.ports import free_port, is_free
from photobus_local.service_process import ServiceProcess
from photobus_local.supervisor import Supervisor, ending, restart_delay

SERVICE = """
import http.server, os, pathlib, subprocess, sys
if os.environ.get("REFUSE"):
    sys.exit("this port is not to my liking")
child = subprocess.Popen(["/bin/sleep", "1000"])
pathlib.Path(os.environ["CHILD_FILE"]).write_text(str(child.pid))
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Ready).serve_forever()
"""

SUPERVISING = """
import asyncio, json, pathlib, sys
from photobus_local import supervisor as supervisor_module
from photobus_local.child import Child, Program
from photobus_local.postgres import EmbeddedPostgres
async def main(folder):
    sleeper = await Child.start(Program("sleep", ("/bin/sleep", "1000"), {}), folder / "log")
    postgres = EmbeddedPostgres(folder / "postgres")
    await postgres.start()
    print(json.dumps([sleeper.pid, postgres.pid]), flush=True)
    await asyncio.Event().wait()
asyncio.run(main(pathlib.Path(sys.argv[1])))
"""


class Sleeper:
    """A part that sleeps; ``ended`` collects the names in the order in which they were stopped."""

    def __init__(self, name: str, log: Path, ended: list[str]) -> None:
        self.name = name
        self._log = log
        self._ended = ended
        self.child: Child | None = None

    @property
    def running(self) -> Child:
        assert self.child is not None
        return self.child

    @property
    def pid(self) -> int:
        return self.running.pid

    async def start(self) -> None:
        self.child = await Child.start(Program(self.name, ("/bin/sleep", "1000"), {}), self._log)

    async def ready(self) -> None:
        pass

    async def stop(self) -> None:
        await self.running.stop()
        self._ended.append(self.name)

    async def kill(self) -> None:
        await self.running.kill()

    async def wait(self) -> int:
        return await self.running.wait()


class Published:
    """The process ids as scripts see them, and a way to wait for a new one."""

    def __init__(self) -> None:
        self.pids: dict[str, int] = {}
        self.all: list[int] = []
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, pids: Mapping[str, int]) -> None:
        self.pids = dict(pids)
        self.all += pids.values()
        self._tasks.add(asyncio.create_task(self._tell()))

    async def other_than(self, name: str, pid: int) -> int:
        async with asyncio.timeout(20), self._changed:
            await self._changed.wait_for(lambda: self.pids[name] != pid)
        return self.pids[name]

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


@pytest.fixture
def service_module(tmp_path: Path) -> str:
    """A module that runs as a service with a child of its own."""
    (tmp_path / "small_service.py").write_text(SERVICE)
    return "small_service"


def service(module: str, folder: Path, port: int, **environment: str) -> ServiceProcess:
    """The small service as the stack would run it."""
    surroundings = {"PYTHONPATH": str(folder), "PORT": str(port), "CHILD_FILE": str(folder / "child"), **environment}
    return ServiceProcess("small", module, surroundings, lambda: folder / "log", f"http://127.0.0.1:{port}/readyz")


async def gone(*pids: int) -> None:
    """Return when the processes have ended."""
    processes = [process for pid in pids if (process := _process(pid))]
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, 20)
    assert not alive


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


async def test_what_dies_is_started_again_and_stops_come_in_reverse_order(tmp_path: Path) -> None:
    said: list[str] = []
    ended: list[str] = []
    published = Published()
    supervisor = Supervisor(said.append, published)
    layers = [(Sleeper(name, tmp_path / name, ended),) for name in ("postgres", "nats", "gateway")]
    await supervisor.start(*layers)
    first = published.pids["nats"]
    os.kill(first, signal.SIGKILL)
    second = await published.other_than("nats", first)
    assert psutil.pid_exists(second)
    assert said == ["nats was ended by SIGKILL; starting it again in 0.2 s."]
    await supervisor.stop()
    assert ended == ["gateway", "nats", "postgres"]
    await gone(*published.pids.values(), first)


class Failing(Sleeper):
    """A part that cannot be started again at first: its log does not open, as on a full disk."""

    def __init__(self, name: str, log: Path, failures: int) -> None:
        super().__init__(name, log, [])
        self._failures = failures

    async def start(self) -> None:
        if self.child is not None and self._failures:
            self._failures -= 1
            raise OSError(errno.ENOSPC, "No space left on device")
        await super().start()


async def test_a_part_is_started_again_whatever_comes_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its start fails in a way nobody foresaw, the ids cannot be written, and the terminal is gone."""
    monkeypatch.setattr(supervisor_module, "_FIRST_DELAY_SECONDS", 0.01)
    published = Published()
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        raise BrokenPipeError

    def publish(pids: Mapping[str, int]) -> None:
        published(pids)
        if len(published.all) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    supervisor = Supervisor(say, publish)
    await supervisor.start((Failing("nats", tmp_path / "nats", failures=2),))
    for number in (1, 2):
        os.kill(published.all[-1], signal.SIGKILL)
        await published.other_than("nats", published.all[number - 1])
    assert len(set(published.all)) == 3
    assert [line for line in said if "did not start" in line] == [
        "nats did not start in order: [Errno 28] No space left on device"
    ] * 3
    await supervisor.stop()


async def test_a_service_takes_its_children_with_it(tmp_path: Path, service_module: str) -> None:
    part = service(service_module, tmp_path, free_port())
    await part.start()
    await part.ready()
    child = int((tmp_path / "child").read_text())
    os.kill(part.pid, signal.SIGKILL)
    assert await part.wait() == -signal.SIGKILL
    await gone(child)


async def test_a_service_that_refuses_to_start_is_quoted_and_the_rest_can_be_stopped(
    tmp_path: Path,
    service_module: str,
) -> None:
    ended: list[str] = []
    supervisor = Supervisor(print, print)
    refusing = service(service_module, tmp_path, free_port(), REFUSE="1")
    with pytest.raises(ConfigurationError, match=r"small ended while it started: this port is not to my liking"):
        await supervisor.start((Sleeper("postgres", tmp_path / "postgres", ended),), (refusing,))
    await supervisor.stop()
    assert ended == ["postgres"]


async def test_nothing_outlives_a_supervisor_that_is_killed(folder_of_servers: Path) -> None:
    supervising = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SUPERVISING, str(folder_of_servers), stdout=asyncio.subprocess.PIPE
    )
    assert supervising.stdout is not None
    pids = json.loads(await supervising.stdout.readline())
    server = [process.pid for process in psutil.Process(pids[1]).children()]
    assert server
    supervising.kill()
    await supervising.wait()
    await gone(*pids, *server)


def test_restarts_come_later_and_later_up_to_a_cap() -> None:
    assert [restart_delay(failures) for failures in (1, 2, 3, 6, 7, 10_000)] == [0.2, 0.4, 0.8, 6.4, 10.0, 10.0]


def test_an_end_is_told_in_words() -> None:
    assert ending(78) == "ended with status 78"
    assert ending(-9) == "was ended by SIGKILL"


def test_a_free_port_lies_below_those_of_outgoing_connections() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    port = free_port()
    assert is_free(port)
    assert port < (first if first > 11_000 else 32_768)  # a range that leaves no room below it is put up with
