"""``photobus library init DIR``: say of a folder of photos that it is a library."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from photobus_cli.errors import EXIT_FAILED, run

if TYPE_CHECKING:
    from photobus_local.existing_library import Marked

app = typer.Typer(help="Folders of photos that exist already.", no_args_is_help=True)


@app.callback()
def _library() -> None:
    """Folders of photos that exist already."""


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Holds a folder user_<n>/ for each user; or is new.")],
) -> None:
    """Say that DIR is a library, for `photobus up --library DIR` to serve and index where it lies.

    Writes a small file .photobus-library into each user_<n>/ of DIR that has none, by which photobus knows the folder
    from the empty place of a disk that is not mounted, and touches nothing else. In an empty folder it makes user_0.
    """
    run(_init(folder.expanduser().absolute()))


async def _init(root: Path) -> None:
    from photobus_local import existing_library  # noqa: PLC0415  # takes a while, which the other commands need not wait for

    marked = existing_library.init(root)
    for one in marked:
        typer.echo(_told(one), err=one.library_id is None)
    if any(one.library_id is None for one in marked):
        sys.exit(EXIT_FAILED)
    typer.echo(f"Start it with: photobus up --library {root}")


def _told(one: "Marked") -> str:
    if one.library_id is None:
        return f"{one.tenant} was left as it is: {one.refusal}"
    return f"{one.tenant} is {'now' if one.new else 'already'} the library {one.library_id}"
