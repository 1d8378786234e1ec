"""The most memory that each process of a stack ever held, as the kernel remembers it."""

from contextlib import suppress
from pathlib import Path

import psutil
from running_stack import RunningStack

from bench.report import Figure


def peaks(stack: RunningStack) -> list[Figure]:
    """Return one figure a process; decoders are added to their service, and of Postgres' backends the largest counts.

    A backend's share of the memory that all of them share is in its figure as far as it has touched it.
    """
    figures = [Figure(f"peak memory, {name}", _with_decoders(name, pid), "MB") for name, pid in stack.pids.items()]
    backends = [_peak(backend) for backend in psutil.Process(stack.pids["postgres"]).children(recursive=True)]
    return [*figures, Figure("peak memory, postgres' largest backend", max(backends), "MB")]


def peak_of(stack: RunningStack, name: str) -> float:
    """Return the most megabytes that one process of the stack ever held."""
    return _with_decoders(name, stack.pids[name])


def _with_decoders(name: str, pid: int) -> float:
    process = psutil.Process(pid)
    decoders = process.children() if name.startswith("derivatives") else []
    return sum(_peak(one) for one in (process, *decoders))


def held_at_most(pid: int) -> float:
    """Return the most megabytes that the process ever held, without its children."""
    status = Path(f"/proc/{pid}/status").read_text()
    return float(status.partition("VmHWM:")[2].split()[0]) / 1024


def _peak(process: psutil.Process) -> float:
    with suppress(OSError):  # ended meanwhile
        return held_at_most(process.pid)
    return 0.0
