"""Holding a port while the gateways that share it come and go."""

import socket
from typing import Self

from photobus_common.errors import ConfigurationError
from photobus_local.ports import bind, free_port, is_free


class PortReservation:
    """A socket that is bound and never listens: the kernel sends it no client, and nobody else can take the port.

    Gateways of the same user bind the port beside it with ``reuse_port``.
    """

    def __init__(self, wanted: int) -> None:
        self.port = wanted if is_free(wanted) else free_port()
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)

    def __enter__(self) -> Self:
        """Take the port."""
        if not bind(self._socket, self.port):
            self._socket.close()
            raise ConfigurationError(f"Port {self.port} was taken just now; start photobus again.")
        return self

    def __exit__(self, *_exception: object) -> None:
        """Give the port back."""
        self._socket.close()
