"""Logs: one JSON object a line on standard output, each with a stable ``action`` word.

``log.info("job_claimed", job_id=…)`` writes ``{"action": "job_claimed", …}``; sentences belong into other fields.
The ids of task, job and event are bound once, where a request, command or event comes in (``bound``), and stand on
every line written while it is handled, also on lines of libraries that use the standard ``logging``.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TextIO

import structlog
from structlog.contextvars import bound_contextvars
from structlog.typing import EventDict, Processor, WrappedLogger

from photobus_common.config import Logging

_QUIET: Final = ("aiohttp.access", "nats", "nats.aio.client", "asyncio", "alembic")
"""Libraries whose lines below a warning say nothing that an owner of the system could act on."""


def configure(settings: Logging, service: str, stream: TextIO | None = None) -> None:
    """Send the logs of this process, ours and those of libraries, to ``stream`` or standard output as ``service``."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    shared = _shared_processors(service)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _foreign_sentence],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(settings)],
        ),
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def get_logger(**fields: Any) -> structlog.typing.FilteringBoundLogger:
    """Return a logger whose lines carry ``fields``. Cheap; made once a module."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(**fields)
    return logger


@contextmanager
def bound(**ids: Any) -> Iterator[None]:
    """Put ``ids`` (``task_id``, ``job_id``, …) on every line written in this context; those that are None stay out."""
    with bound_contextvars(**{name: str(value) for name, value in ids.items() if value is not None}):
        yield


def _shared_processors(service: str) -> list[Processor]:
    def name_service(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        line["service"] = service
        return line

    return [
        structlog.contextvars.merge_contextvars,
        name_service,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _foreign_sentence(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Make the sentence of a library's line its ``message``; ``action`` says that a library spoke."""
    record: logging.LogRecord = line["_record"]
    line["message"] = line["event"]
    line["event"] = "library_message"
    line["logger"] = record.name
    return line


def _renderers(settings: Logging) -> list[Processor]:
    if settings.format == "console":
        return [
            structlog.dev.ConsoleRenderer(
                colors=sys.stdout.isatty(),
                exception_formatter=structlog.dev.plain_traceback,  # drawing frames and variables takes seconds
            )
        ]
    return [
        structlog.processors.format_exc_info,
        structlog.processors.EventRenamer("action"),
        structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
    ]
