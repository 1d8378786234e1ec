"""Programs of tests that are to die, forked from a server that has imported all of them.

A start of Python that imports photobus takes a second of computing; a fork takes some milliseconds, and a test that
kills a program between any two effects starts it dozens of times. Run as a program with the descriptor of a socket,
this is the server. It has one thread, or its forks could wait for locks for ever.
"""

import asyncio
import ctypes
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

PROGRAMS: Final = (
    "crashing_gateway",
    "crashing_guard",
    "crashing_mover",
    "crashing_renamer",
    "crashing_upkeep",
    "crashing_worker",
    "scheduling",
)
"""Modules of tests whose function ``main`` takes words."""

_DIE_WITH_PARENT: Final = 1
_MOST_BYTES: Final = 1 << 16


class Fork:
    """A running program, seen as ``asyncio.subprocess.Process`` shows one."""

    def __init__(self, pid: int, report: int) -> None:
        self.pid = pid
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self._loop.add_reader(report, self._end)

    @property
    def returncode(self) -> int | None:
        """The exit status, negative for a signal; None while the program runs."""
        return self._ended.result() if self._ended.done() else None

    async def wait(self) -> int:
        """Wait for the end; return the exit status."""
        return await asyncio.shield(self._ended)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to a program that runs."""
        if not self._ended.done():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End the program where it stands."""
        self.send_signal(signal.SIGKILL)

    def _end(self) -> None:
        self._loop.remove_reader(self._report)
        code = os.read(self._report, 16)
        os.close(self._report)
        self._ended.set_result(int(code))


class ForkServer:
    """The process that programs are forked from, as tests see it; it starts with the first of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: tuple[subprocess.Popen[bytes], socket.socket] | None = None

    async def start(self, program: str, *words: str, stdin: int | None = None, stdout: int = 1) -> Fork:
        """Start one of ``PROGRAMS``, by default with nothing to read and with the output of this process."""
        assert program in PROGRAMS
        nothing = os.open(os.devnull, os.O_RDONLY)
        try:
            streams = (nothing if stdin is None else stdin, stdout, 2)
            return Fork(*await asyncio.to_thread(self._fork, [program, *words], streams))
        finally:
            os.close(nothing)

    def stop(self) -> None:
        """End the server, and with it every program that still runs."""
        if self._server is not None:
            process, link = self._server
            link.close()
            process.wait()
            self._server = None

    def _fork(self, words: list[str], streams: tuple[int, int, int]) -> tuple[int, int]:
        with self._lock:
            if self._server is None:
                self._server = _start_server()
            _, link = self._server
            reading, writing = os.pipe()
            socket.send_fds(link, [json.dumps(words).encode()], [*streams, writing])
            os.close(writing)
            answer = link.recv(16)
            assert answer, "the fork server died"
            return int(answer), reading


FORK_SERVER: Final = ForkServer()
"""The one of this run of tests, whose end stops it."""


def _start_server() -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    one_thread = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    command = (sys.executable, __file__, str(its.fileno()))
    process = subprocess.Popen(command, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL, env=one_thread)
    its.close()
    return process, ours


def _serve(link: socket.socket) -> None:
    """Fork what is asked for and report the ends, until nobody asks any more."""
    for program in PROGRAMS:
        importlib.import_module(program)
    assert len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208 - names are enough
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    reports: dict[int, int] = {}
    asked = True
    while asked:
        ready, _, _ = select.select([link.fileno(), woken], [], [])
        if woken in ready:
            os.read(woken, _MOST_BYTES)
            _report_ends(reports)
        if link.fileno() in ready:
            asked = _answer(link, reports, (woken, wake))
    for pid in reports:
        os.kill(pid, signal.SIGKILL)


def _answer(link: socket.socket, reports: dict[int, int], own: tuple[int, ...]) -> bool:
    """Take one request; say whether there was any."""
    request, descriptors, _, _ = socket.recv_fds(link, _MOST_BYTES, 4)
    if not request:
        return False
    *streams, report = descriptors
    pid = os.fork()
    if pid == 0:
        for descriptor in (*own, report, link.detach(), *reports.values()):
            os.close(descriptor)
        _run(json.loads(request), streams)
    for descriptor in streams:
        os.close(descriptor)
    reports[pid] = report
    link.send(str(pid).encode())
    return True


def _report_ends(reports: dict[int, int]) -> None:
    while reports:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            break
        report = reports.pop(pid)
        os.write(report, str(os.waitstatus_to_exitcode(status)).encode())
        os.close(report)


def _run(words: list[str], streams: list[int]) -> NoReturn:
    """Be the program."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        for number, descriptor in enumerate(streams):
            os.dup2(descriptor, number)
            os.close(descriptor)
        program, *arguments = words
        importlib.import_module(program).main(*arguments)
        code = 0
    except BaseException:  # noqa: BLE001 - nothing may come back into the server's loop
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    _serve(socket.socket(fileno=int(sys.argv[1])))
