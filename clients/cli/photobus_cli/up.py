"""``photobus up``: the whole system on this machine."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from photobus_cli.errors import run
from photobus_local.options import Options

if TYPE_CHECKING:
    from photobus_local.stack import Running


_LIBRARY: Final = "PHOTOBUS_LIBRARY"


def up(
    library: Annotated[
        str | None,
        typer.Option(
            envvar=_LIBRARY,
            metavar="DIR",
            help="Serve and index the photos in DIR, where they lie; `photobus library init DIR` comes first.",
        ),
    ] = None,
) -> None:
    """Run the whole system on this machine until Ctrl-C.

    The data folder is PHOTOBUS_DATA (./data), the port PHOTOBUS_PORT (8080, or a free one where that is taken).
    PHOTOBUS_SCALE=gateway=2,derivatives=2 runs several processes of a service. Photos lie in the data folder, or in the
    library that this data folder was last started with.
    """
    run(_up(library))


async def _up(library: str | None) -> None:
    from photobus_local import stack  # noqa: PLC0415  # takes a second, which the other commands need not wait for

    options = Options.from_environment({**os.environ, _LIBRARY: library or ""})
    os.environ.pop(_LIBRARY, None)  # to the settings that is the name of a whole section
    _say("Starting …")

    def started(running: "Running") -> None:
        if not running.address.endswith(f":{options.port}"):
            _say(f"Port {options.port} is taken; another was chosen.")
        _say("")
        _say(f"  photobus   {running.address}")
        _say(f"  token      {running.token}")
        _say(f"  data       {_shown(options.data)}   (logs in {_shown(options.data / 'logs')})")
        if not running.library.is_relative_to(options.data.absolute()):
            _say(f"  library    {_shown(running.library)}")
        _say("")
        _say("Ctrl-C stops it.")

    await stack.run(options, _say, started)
    _say("Stopped.")


def _shown(path: Path) -> str:
    return str(path.absolute())


def _say(line: str) -> None:
    """Say ``line`` to whoever reads; photobus runs on when nobody does any more, as after ``photobus up | head``."""
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except OSError:
        # What the failed line left in the buffer would fail again when the program ends.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
