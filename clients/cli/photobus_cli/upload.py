"""``photobus upload``: a folder of photos becomes a project."""

import asyncio
import hashlib
import os
import sys
from collections import Counter
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TransferSpeedColumn,
)

from photobus_cli.connection import Address, Token, client
from photobus_cli.errors import EXIT_FAILED, CommandError, run
from photobus_client import Journal, PhotobusClient, Project, Sent

NO_PHOTO: Final = frozenset({"not_accepted", "hidden"})
"""Why files are left out without that being a failure: a folder of photos holds other things too."""

PENDING: Final = {"status": "pending"}

TOLD: Final = {"created": "sent", "paired": "sent", "skipped": "there already"}


def upload(
    directory: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder with photos, at any depth.")],
    project: Annotated[str, typer.Option(help="Name of the project; made if there is none.")],
    address: Address = None,
    token: Token = None,
    parallel: Annotated[int, typer.Option(min=1, max=64, help="Files sent at a time.")] = 4,
    on_conflict: Annotated[
        Literal["overwrite", "skip", "rename"] | None,
        typer.Option(help="What to do where the project has another file of the same name; else it is left out."),
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait until thumbnails and previews are made.")] = True,
) -> None:
    """Send a folder of photos. Run it again to go on where it broke off; nothing is sent twice."""
    run(_upload(client(address, token), directory, project, parallel, on_conflict, wait))


async def _upload(
    connection: PhotobusClient,
    directory: Path,
    name: str,
    parallel: int,
    on_conflict: Literal["overwrite", "skip", "rename"] | None,
    wait: bool,
) -> None:
    paths = await asyncio.to_thread(files_below, directory)
    if not paths:
        raise CommandError(f"{directory} holds no files.")
    async with connection as photobus:
        project = await _project(photobus, name)
        journal = Journal(_journal_file(photobus.transport.address, project.folder))
        with _bar(DownloadColumn(), TransferSpeedColumn()) as progress:
            sizes = await asyncio.to_thread(_total_size, paths)
            bar = progress.add_task(f"Sending {len(paths)} files", total=sizes)
            sending = photobus.send(
                project.folder,
                paths,
                on_conflict=on_conflict,
                parallel=parallel,
                journal=journal,
                progress=lambda _path, sent: progress.advance(bar, sent),
            )
            ended = [sent async for sent in sending]
        if wait:
            await _wait_for_derivatives(photobus, project.folder)
        failed = await _failed_photos(photobus, project.folder, ended)
    _report(ended, directory, failed)


def files_below(directory: Path) -> list[Path]:
    """Return the files of ``directory`` at any depth, sorted; hidden ones and links are passed over."""
    found: list[Path] = []
    for folder, folders, names in os.walk(directory):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = (Path(folder, name) for name in sorted(names) if not name.startswith("."))
        found += [path for path in paths if path.is_file() and not path.is_symlink()]
    return found


async def _project(photobus: PhotobusClient, name: str) -> Project:
    async for project in photobus.projects():
        if name in (project.name, project.folder):
            return project
    return await photobus.create_project(name)


async def _wait_for_derivatives(photobus: PhotobusClient, folder: str) -> None:
    """Show how the photos of the project get their derivatives; live updates say when to look again."""
    changed = asyncio.Event()
    listening = asyncio.create_task(_note_changes(photobus, changed))
    listening.add_done_callback(lambda _task: changed.set())
    try:
        with _bar(MofNCompleteColumn()) as progress:
            total = pending = await photobus.count_photos(folder, PENDING)
            bar = progress.add_task("Thumbnails and previews", total=total)
            while pending:
                await changed.wait()
                changed.clear()
                if listening.done():
                    await listening
                pending = await photobus.count_photos(folder, PENDING)
                total = max(total, pending)
                progress.update(bar, total=total, completed=total - pending)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def _note_changes(photobus: PhotobusClient, changed: asyncio.Event) -> None:
    async with aclosing(photobus.follow(("jobs",))) as events:
        async for _event in events:
            changed.set()


async def _failed_photos(photobus: PhotobusClient, folder: str, ended: list[Sent]) -> list[str]:
    """Say which of the photos sent could not be shown, and why."""
    sent = {one.result.photo_id for one in ended}
    failed = photobus.photos(folder, {"status": "failed"})
    return [f"{photo.filename}: {photo.derivative_reason}" async for photo in failed if photo.id in sent]


def _report(ended: list[Sent], directory: Path, failed_photos: list[str]) -> None:
    """Say how it ended; what needs a person ends the program with a failure."""
    left_out = [one for one in ended if one.result.code in NO_PHOTO]
    missing = [one for one in ended if not one.result.stored and one.result.code not in NO_PHOTO]
    counts = Counter(TOLD.get(one.result.status, one.result.status) for one in ended if one.result.stored)
    counts["left out, being no photos"] = len(left_out)
    typer.echo(", ".join(f"{count} {word}" for word, count in counts.items() if count) or "Nothing was sent.")
    for one in missing:
        typer.echo(f"not stored: {one.path.relative_to(directory)}: {one.result.reason or one.result.status}", err=True)
    for line in failed_photos:
        typer.echo(f"no thumbnail: {line}", err=True)
    if missing or failed_photos:
        sys.exit(EXIT_FAILED)


def _journal_file(address: str, folder: str) -> Path:
    """Where unfinished uploads into a project are remembered."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return state / "photobus" / f"{hashlib.sha256(f'{address} {folder}'.encode()).hexdigest()[:16]}.json"


def _bar(*columns: ProgressColumn) -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), *columns)


def _total_size(paths: list[Path]) -> int:
    return sum(path.stat().st_size for path in paths)
