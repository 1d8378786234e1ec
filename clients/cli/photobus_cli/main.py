"""The command line ``photobus``."""

import typer

from photobus_cli import audit, tokens
from photobus_cli.tasks import cancel, jobs, retry, tasks
from photobus_cli.up import up
from photobus_cli.upload import upload
from photobus_cli.watch import watch

app = typer.Typer(
    help="Run photobus, send photos to it, and see what it does.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (up, upload, watch, tasks, jobs, retry, cancel):
    app.command()(command)
app.add_typer(tokens.app, name="token")
app.add_typer(audit.app, name="audit")
