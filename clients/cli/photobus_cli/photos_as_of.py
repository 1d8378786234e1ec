"""``photobus history photos``: the photos that a project had, as they stood then."""

from typing import Annotated, Final

import typer

from photobus_cli.connection import Address, Token, client
from photobus_cli.errors import run
from photobus_cli.output import print_json, print_table
from photobus_client import PhotoAsOf

_COLUMNS: Final = ("id", "photo", "version", "files", "kept", "thumbnail", "preview", "tags")
_KINDS: Final = ("jpg", "raw", "other")


def of_project_then(
    folder: Annotated[str, typer.Argument(help="Folder that the project had then.")],
    as_of: Annotated[str, typer.Option(help="A time such as 2026-03-01T12:00:00Z, or a sequence of the log.")],
    address: Address = None,
    token: Token = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="Most photos.")] = 1000,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for scripts.")] = False,
) -> None:
    """Show the photos that a project had at a time, also if it was renamed or deleted since."""
    run(_show(folder, as_of, address, token, limit, as_json))


async def _show(folder: str, as_of: str, address: str | None, token: str | None, limit: int, as_json: bool) -> None:
    photos: list[PhotoAsOf] = []
    async with client(address, token) as photobus:
        async for photo in photobus.history.photos(folder, as_of):
            photos.append(photo)
            if len(photos) == limit:
                break
    if as_json:
        print_json(photos)
    else:
        print_table(_COLUMNS, map(_row, photos))


def _row(photo: PhotoAsOf) -> tuple[str, ...]:
    files = ", ".join(file.name for file in photo.files)
    kept = ", ".join(kind for kind in _KINDS if getattr(photo, f"keep_{kind}"))
    states = (photo.thumbnail_status, photo.preview_status)
    return (str(photo.id), photo.filename, str(photo.version), files, kept, *states, ", ".join(photo.tags))
