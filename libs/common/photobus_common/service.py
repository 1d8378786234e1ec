"""How every service process starts and ends: settings, logs, signals, exit codes. ``main`` is its own."""

import asyncio
import gc
import resource
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, Final, TypeAlias

import uvloop

from photobus_common import logging
from photobus_common.config import Settings, load_settings
from photobus_common.errors import ConfigurationError

Stop: TypeAlias = asyncio.Event
"""Set by SIGTERM or SIGINT: finish or hand back what runs, then return."""

Main = Callable[[Settings, Stop], Awaitable[None]]

EXIT_FAILED: Final = 1
EXIT_CONFIGURATION: Final = 78
"""``EX_CONFIG`` of sysexits: starting it again with the same settings will not help."""

OPEN_FILES: Final = 65_536

_COLLECT_AT: Final = (50_000, 20, 20)
"""Net new objects before a collection of the youngest generation, and how many of each before the next older one."""

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

log = logging.get_logger()


def run_service(name: str, main: Main) -> None:
    """Run ``main`` as the service ``name`` until it returns or fails, then exit the process.

    The exit code is 0 after a clean end, 78 for settings the service refuses (with one clear line, no traceback), and
    1 for any other failure, which is logged. A second signal ends the process without waiting for ``main``.
    """
    sys.exit(_run(name, main))


def _run(name: str, main: Main) -> int:
    try:
        settings = load_settings()
        logging.configure(settings.logging, name)
        _collect_rarely()
        allow_open_files()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_done(main, settings))
    except BaseExceptionGroup as group:
        refused = next((error for error in _leaves(group) if isinstance(error, ConfigurationError)), None)
        return _failed(group) if refused is None else _refused(name, refused)
    except ConfigurationError as error:
        return _refused(name, error)
    except asyncio.CancelledError:
        log.warning("service_stopped_at_once")
        return EXIT_FAILED
    except Exception as error:  # noqa: BLE001 - the last place to say why a process ends
        return _failed(error)
    return 0


def allow_open_files(wanted: int = OPEN_FILES) -> None:
    """Let this process hold ``wanted`` descriptors, or as many as it may.

    What shells and service managers start with, 1,024 as a rule, is less than a thousand live-update clients need.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    may = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < may:
        resource.setrlimit(resource.RLIMIT_NOFILE, (may, hard))


def _collect_rarely() -> None:
    """Keep the garbage collector off what is loaded by now, and let it look at the rest less often.

    Events and rows are many, short-lived and hardly ever in cycles; at its defaults the collector takes a fifth of a
    busy service's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AT)


async def _until_done(main: Main, settings: Settings) -> None:
    stop = Stop()
    task = asyncio.current_task()
    if task is None:  # pragma: no cover - a coroutine run by a Runner always has one
        raise RuntimeError("not running in a task")

    def on_signal(number: signal.Signals) -> None:
        log.info("service_stopping", signal=number.name, at_once=stop.is_set())
        if stop.is_set():
            task.cancel()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, on_signal, number)
    log.info("service_started")
    await main(settings, stop)
    log.info("service_ended")


async def run_until(stop: Stop, **loops: Coroutine[Any, Any, None]) -> None:
    """Run ``loops`` side by side until ``stop`` is set, then cancel those still running and wait for them.

    A loop that raises ends all and is raised (in an ``ExceptionGroup``); one that returns early is a failure too, for a
    service with half of its parts is worse than one that is started anew.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_endless(name, loop), name=name) for name, loop in loops.items()]
        await stop.wait()
        for task in tasks:
            task.cancel()


async def _endless(name: str, loop: Coroutine[Any, Any, None]) -> None:
    await loop
    raise RuntimeError(f"{name} ended although the service was not stopping")


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _refused(name: str, error: ConfigurationError) -> int:
    sys.stderr.write(f"photobus {name}: {error.public_message}\n")
    return EXIT_CONFIGURATION


def _failed(error: BaseException) -> int:
    log.error("service_failed", exc_info=error)
    return EXIT_FAILED
