"""``photobus audit replay``: checks that what callers see follows from the log."""

import sys
from typing import Annotated

import typer

from photobus_cli.connection import run_file
from photobus_cli.errors import EXIT_FAILED, run

app = typer.Typer(help="Check the system against its log.", no_args_is_help=True)


@app.callback()
def _audit() -> None:
    """Check the system against its log."""


@app.command()
def replay(
    dsn: Annotated[
        str | None,
        typer.Option(envvar="PHOTOBUS_POSTGRES__DSN", help="The database; by default that of the running local stack."),
    ] = None,
) -> None:
    """Rebuild all tasks and jobs from the log, beside the running system, and report every difference."""
    run(_replay(dsn))


async def _replay(dsn: str | None) -> None:
    from photobus_orchestrator import audit  # noqa: PLC0415  # takes a second, which other commands need not wait for

    differences = await audit.replay(dsn or run_file("dsn"))
    for difference in differences:
        typer.echo(difference)
    typer.echo(f"{len(differences)} differences.", err=bool(differences))
    if differences:
        sys.exit(EXIT_FAILED)
