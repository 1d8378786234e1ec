"""The command line ``photobus``."""

import typer

from photobus_cli import audit, confirmations, history, library, maintenance, schedules, tokens
from photobus_cli.photo_sets import commit, move, process, revert
from photobus_cli.projects import delete
from photobus_cli.tasks import cancel, jobs, retry, tasks, undo
from photobus_cli.up import up
from photobus_cli.upload import upload
from photobus_cli.watch import watch

app = typer.Typer(
    help="Run photobus, send photos to it, and see what it does.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_COMMANDS = (up, upload, watch, tasks, jobs, retry, cancel, undo, process, move, commit, revert, delete)
for command in _COMMANDS:
    app.command()(command)
app.add_typer(tokens.app, name="token")
app.add_typer(confirmations.app, name="confirmations")
app.add_typer(library.app, name="library")
app.add_typer(maintenance.app, name="maintenance")
app.add_typer(schedules.app, name="schedules")
app.add_typer(history.app, name="history")
app.add_typer(audit.app, name="audit")
