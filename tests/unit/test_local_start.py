"""What the stack does on its way up and down: its folder, its port, who is told first, what signals mean."""

import asyncio
import errno
import os
import signal
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from photobus_cli.up import _say
from photobus_common.errors import ConfigurationError
from photobus_local import port_reservation, stack
from photobus_local.data_folder import DataFolder
from photobus_local.port_reservation import PortReservation
from photobus_local.ports import LOOPBACK, free_port, is_free
from photobus_local.supervisor import Supervisor


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """Make files as somebody with this umask does."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ports that the kernel gives to root alone."""

    def bind(_socket: socket.socket, _address: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", bind)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_the_data_folder_lets_others_pass_only_where_root_made_it(tmp_path: Path, mask: int) -> None:
    data = DataFolder(tmp_path / "new" / "data")
    with umask(mask), data.locked():
        made = [stat.S_IMODE(folder.stat().st_mode) for folder in (data.root, data.logs, data.run)]
        above = stat.S_IMODE((tmp_path / "new").stat().st_mode)
    assert made == [0o711 if os.geteuid() == 0 else 0o700, 0o700, 0o700]
    assert above & 0o111 == 0o111 or os.geteuid() != 0


def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    with DataFolder(tmp_path).locked():
        pass
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750


@pytest.mark.usefixtures("refused")
def test_a_port_that_may_not_be_used_is_not_called_taken() -> None:
    with pytest.raises(ConfigurationError, match=r"^Port 80 may not be used \(Permission denied\); .*PHOTOBUS_PORT\.$"):
        PortReservation(80)


def test_a_taken_port_is_given_up_for_another() -> None:
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        taken = other.getsockname()[1]
        with PortReservation(taken) as reservation:
            assert reservation.port != taken
            assert not is_free(reservation.port)


def test_a_port_that_is_lost_at_the_last_moment_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port_reservation, "is_free", lambda _port: True)
    with socket.socket() as other:
        other.bind((LOOPBACK, free_port()))
        other.listen()
        with pytest.raises(ConfigurationError, match="was taken just now"), PortReservation(other.getsockname()[1]):
            pass


def test_a_script_that_finds_the_address_finds_the_words_said(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    address = folder.run / "address"
    heard: list[bool] = []
    with folder.locked():
        stack._announce(
            folder, stack.Running("http://here", "token", tmp_path), lambda _running: heard.append(address.exists())
        )
        assert address.read_text() == "http://here\n"
    assert heard == [False]


async def test_only_the_second_press_of_ctrl_c_is_impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that is closed hangs up twice; that must not end Postgres without a checkpoint."""
    killed, handled = asyncio.Event(), asyncio.Event()

    async def kill(_supervisor: Supervisor) -> None:
        killed.set()

    monkeypatch.setattr(Supervisor, "kill", kill)
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may have it ignored
    stop = stack._stopped_by_signals(Supervisor(print, print))
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, handled.set)
    try:
        os.kill(os.getpid(), signal.SIGHUP)
        await stop.wait()
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGUSR1)
        await handled.wait()
        assert not killed.is_set()
        os.kill(os.getpid(), signal.SIGINT)
        await killed.wait()
    finally:
        for number in (*stack._SIGNALS, signal.SIGUSR1):
            loop.remove_signal_handler(number)
        signal.signal(signal.SIGHUP, before)


async def test_nohup_is_respected() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        stop = stack._stopped_by_signals(Supervisor(print, print))
        os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert not stop.is_set()
    finally:
        for number in stack._SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)
        signal.signal(signal.SIGHUP, before)


def test_a_reader_that_is_gone_does_not_end_photobus(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as output:
        monkeypatch.setattr("sys.stdout", output)
        _say("Starting …")
        _say("Stopped.")
