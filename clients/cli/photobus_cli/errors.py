"""Errors of the command line: one line for a person, one exit status for a script."""

import asyncio
import sys
from collections.abc import Coroutine
from io import TextIOWrapper
from typing import Any, Final, NoReturn, TypeVar

from photobus_cli.output import printable
from photobus_client import ClientError
from photobus_common.errors import PhotobusError

EXIT_FAILED: Final = 1
EXIT_INTERRUPTED: Final = 130

ResultT = TypeVar("ResultT")


class CommandError(Exception):
    """What the caller of a command can put right."""


def run(command: Coroutine[Any, Any, ResultT], failed: int = EXIT_FAILED) -> ResultT:
    """Run ``command``; what goes wrong as foreseen ends the program with one line on standard error, and ``failed``."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name that the terminal cannot show ends nothing
    try:
        return asyncio.run(command)
    except (CommandError, ClientError, PhotobusError) as error:
        fail(str(error), failed)
    except BrokenPipeError:
        raise  # nobody reads on; typer ends the program without a word
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error), failed)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)


def fail(line: str, status: int = EXIT_FAILED) -> NoReturn:
    """Say ``line``, which may quote names that others chose, and end the program."""
    shown = "\n".join(map(printable, line.split("\n")))
    sys.stderr.write(f"photobus: {shown}\n")
    sys.exit(status)
