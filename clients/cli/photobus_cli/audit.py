"""``photobus audit …``: check the system against its log, rebuild what follows from it, take it out and put it back."""

import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple
from uuid import UUID

import typer

from photobus_cli.audit_events import events
from photobus_cli.connection import run_file
from photobus_cli.errors import CommandError, run

if TYPE_CHECKING:
    from photobus_orchestrator.audit import Report

EX_CONFIG: Final = 78
"""Status of a check that could not be made."""

app = typer.Typer(help="Check the system against its log.", no_args_is_help=True)
app.command()(events)

Dsn = Annotated[
    str | None,
    typer.Option(envvar="PHOTOBUS_POSTGRES__DSN", help="The database; by default that of the running local stack."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON, for scripts.")]


@app.callback()
def _audit() -> None:
    """Check the system against its log."""


@app.command()
def verify(
    dsn: Dsn = None,
    nats: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="The broker, as nats://user:password@host:port; by default that of the running local stack.",
        ),
    ] = None,
    without_stream: Annotated[bool, typer.Option("--without-stream", help="Leave the broker out of it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check, beside the running system, that the log is whole and that everything else follows from it.

    The archive's hash chain and columns, the archive against the broker's stream, tasks and jobs against the log, the
    catalogue's rows against it, and the outbox. Exit status: 0 clean, 1 differences, 78 not all could be checked.
    """
    _check(_verify(dsn, nats, without_stream=without_stream), as_json=as_json)


async def _verify(dsn: str | None, nats: str | None, *, without_stream: bool) -> "Report":
    from photobus_orchestrator import audit  # noqa: PLC0415  # takes a second, which other commands need not wait for

    audit.keep_answers_alone()
    server = None if without_stream else audit.server_at(nats or run_file("nats"))
    return await audit.verify(dsn or run_file("dsn"), server)


@app.command()
def replay(
    dsn: Dsn = None,
    swap: Annotated[
        bool, typer.Option("--swap", help="Put what follows from the log in the place of the present tasks and jobs.")
    ] = False,
    displace: Annotated[
        bool, typer.Option("--displace", help="With --swap: have the orchestrator that leads stand by meanwhile.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Rebuild all tasks and jobs from the log, beside the running system, and report every difference.

    With --swap the differences are mended, in one transaction, while no orchestrator leads.
    """
    if swap:
        run(_swap(dsn, displace=displace))
    else:
        _check(_replay(dsn), as_json=as_json)


async def _replay(dsn: str | None) -> "Report":
    from photobus_orchestrator import audit  # noqa: PLC0415  # as above

    return await audit.report_of_replay(dsn or run_file("dsn"))


async def _swap(dsn: str | None, *, displace: bool) -> None:
    from photobus_orchestrator import audit  # noqa: PLC0415  # as above

    changed = await audit.put_in_place(dsn or run_file("dsn"), displace=displace)
    typer.echo(f"{changed} rows were taken out or written.")


@app.command()
def export(  # noqa: PLR0913  an option is a parameter
    *,
    since: Annotated[
        str | None, typer.Option("--from", metavar="PLACE", help="First sequence, or a time with its zone.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", metavar="PLACE", help="Last sequence, or a time with its zone.")
    ] = None,
    types: Annotated[list[str] | None, typer.Option("--type", help="Type of event; may be repeated.")] = None,
    actor: Annotated[str | None, typer.Option(help="Who did it.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Whose library.")] = None,
    task: Annotated[UUID | None, typer.Option(help="By which task.")] = None,
    project: Annotated[int | None, typer.Option(help="Id of the project.")] = None,
    photo: Annotated[int | None, typer.Option(help="Id of a photo that was changed.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write, whole or not at all; else standard output.")
    ] = None,
    positions: Annotated[
        bool,
        typer.Option("--with-positions", help="Each event with its sequence and hash, for `photobus audit import`."),
    ] = False,
    dsn: Dsn = None,
) -> None:
    """Write events of the log as JSON Lines of CloudEvents, each to the byte as the log holds it.

    All events for which everything given holds, in the order of the log.
    """
    chosen = {
        "types": tuple(types or ()),
        "actor": actor,
        "tenant": tenant,
        "task": task,
        "project": project,
        "photo": photo,
    }
    run(_export(dsn, _Places(since, until), chosen, output, positions=positions))


class _Places(NamedTuple):
    """The bounds of an export as they were given."""

    since: str | None
    until: str | None


async def _export(
    dsn: str | None, places: _Places, chosen: dict[str, Any], output: Path | None, *, positions: bool
) -> None:
    from photobus_orchestrator import audit  # noqa: PLC0415  # as above

    bounds: dict[str, Any] = {}
    for name, option, given in zip(places._fields, ("--from", "--to"), places, strict=True):
        try:
            bounds[name] = None if given is None else audit.bound(given)
        except ValueError as error:
            raise CommandError(f"{option}: {error}.") from error
    selection = audit.Selection(**bounds, **chosen)
    if output is None:
        await audit.export(dsn or run_file("dsn"), selection, sys.stdout.buffer, positions=positions)
        sys.stdout.buffer.flush()
        return
    with audit.written_whole(output) as file:
        events = await audit.export(dsn or run_file("dsn"), selection, file, positions=positions)
    typer.echo(f"{events} events.")


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="Made by `photobus audit export --with-positions`.")],
    dsn: Dsn = None,
) -> None:
    """Put a whole exported log into an empty archive, with the tasks and jobs that follow from it; all or nothing.

    Photos, projects and tokens are rows of their own and are not restored by it.
    """
    run(_import(dsn, source))


async def _import(dsn: str | None, source: Path) -> None:
    from photobus_orchestrator import audit  # noqa: PLC0415  # as above

    imported = await audit.restore(dsn or run_file("dsn"), source)
    typer.echo(f"{imported.events} events, up to {imported.last}; {imported.rows} rows of tasks and jobs.")


def _check(making: Coroutine[Any, Any, "Report"], *, as_json: bool) -> None:
    """Print a report and end with its status."""
    report = run(making, EX_CONFIG)
    typer.echo(report.json() if as_json else report.text())
    sys.exit(report.exit_status)
