"""Free ports on the loopback interface."""

import errno
import random
import socket
from pathlib import Path
from typing import Final

from photobus_common.errors import ConfigurationError

LOOPBACK: Final = "127.0.0.1"
_LOWEST: Final = 10_000
_TRIES: Final = 200
_EPHEMERAL: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")


def is_free(port: int) -> bool:
    """Whether nobody has ``port`` now; raises ``ConfigurationError`` when we may not have it either way."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return bind(probe, port)


def bind(to_bind: socket.socket, port: int) -> bool:
    """Bind ``to_bind`` to ``port``, or return False when somebody has it; raises ``ConfigurationError`` otherwise."""
    try:
        to_bind.bind((LOOPBACK, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        raise ConfigurationError(
            f"Port {port} may not be used ({error.strerror}); choose another with PHOTOBUS_PORT.",
        ) from error
    return True


def free_port() -> int:
    """Choose a port that nobody listens on, below those that the kernel gives to outgoing connections.

    A client that keeps trying to reach a stopped server on a port of that range connects to itself sooner or later,
    and then the server cannot come back.
    """
    highest = _first_ephemeral_port() - 1
    for _ in range(_TRIES):
        port = random.randint(_LOWEST, highest)  # noqa: S311  # spreads parallel starts; no secret
        if is_free(port):
            return port
    raise ConfigurationError(f"No free port was found on {LOOPBACK} between {_LOWEST} and {highest}.")


def free_ports(count: int) -> list[int]:
    """Choose ``count`` different free ports."""
    found: set[int] = set()
    while len(found) < count:
        found.add(free_port())
    return list(found)


def _first_ephemeral_port() -> int:
    try:
        first = int(_EPHEMERAL.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        first = 32_768
    return first if first > _LOWEST + _TRIES else 32_768
