"""The process that decodes: takes one photo after the other from a socket, with descriptors, and knows no paths.

Whatever a hostile image makes of it, it holds no more than the files it was handed, dies with the service, and has a
limit on its memory. Started by ``child`` as ``python -m photobus_derivatives.decoder SOCKET MEMORY_MB SERVICE_PID``.
"""

import ctypes
import os
import resource
import signal
import socket
import sys
from typing import Final

from photobus_derivatives.protocol import DESCRIPTORS, MAX_MESSAGE_BYTES, READY, Request, encode_reply

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38


def serve(connection: socket.socket) -> None:
    """Answer requests until the service hangs up."""
    # Imported here, below the limits, so that the libraries' own start counts too.
    from photobus_derivatives.formats.vips import restrict  # noqa: PLC0415 - see above
    from photobus_derivatives.pipeline import reply_to  # noqa: PLC0415 - see above

    restrict()
    connection.send(READY)
    while True:
        message, descriptors, _flags, _address = socket.recv_fds(connection, MAX_MESSAGE_BYTES, DESCRIPTORS)
        if not message:
            return
        try:
            original, preview, thumbnail = descriptors
            reply = reply_to(Request.decode(message), original, preview, thumbnail)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        connection.send(encode_reply(reply))


def limit(memory_mb: int, service_pid: int) -> None:
    """Take the limits: memory of its own, no core dump with somebody's photo in it, no life after the service."""
    size = memory_mb * 1024**2
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != service_pid:  # the service died before it could take us along
        sys.exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is the service's to answer


def main() -> None:
    """Serve on the socket whose descriptor is the first argument."""
    limit(int(sys.argv[2]), int(sys.argv[3]))
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        serve(connection)


if __name__ == "__main__":
    main()
