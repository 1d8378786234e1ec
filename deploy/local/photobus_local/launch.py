"""Becomes another program that cannot outlive its parent; run as ``python -I -S launch.py``.

``launch.py run PARENT SIGNAL OWNER PROGRAM …`` asks the kernel to send SIGNAL when the parent dies, even by kill -9,
and then executes PROGRAM. ``launch.py reach OWNER PATH …`` prints the first folder on the way to a PATH that OWNER may
not enter. OWNER is ``uid:gid``, or ``-`` for the caller. A program of its own, because this cannot be done between
fork and exec of a process with threads, and because changing the user forgets the signal asked for before.
"""

import ctypes
import os
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1


def become(owner: str) -> None:
    """Give up root for ``owner``, groups included."""
    if owner == "-":
        return
    uid, gid = map(int, owner.split(":"))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def run(parent: str, signal_number: str, owner: str, *command: str) -> None:
    """Execute ``command``; exits with 127 and a line on standard error when that is not possible."""
    become(owner)
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit("The parent died before the program began.")
    try:
        os.execv(command[0], command)  # noqa: S606  # becoming the program is what this file is for
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        sys.exit(127)


def reach(owner: str, *paths: str) -> None:
    """Print the first folder that ``owner`` may not enter, if any."""
    become(owner)
    for path in map(Path, paths):
        for folder in (*reversed(path.parents), path):
            if not os.access(folder, os.X_OK):
                sys.stdout.write(str(folder))
                return


if __name__ == "__main__":
    if sys.argv[1] == "run":
        run(*sys.argv[2:])
    else:
        reach(*sys.argv[2:])
