"""``photobus upload``: a folder of photos becomes a project."""

import asyncio
import hashlib
import os
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich.progress import DownloadColumn, TransferSpeedColumn

from photobus_cli.connection import Address, Token, client
from photobus_cli.derivatives import Making, wait_for_derivatives
from photobus_cli.errors import EXIT_FAILED, CommandError, run
from photobus_cli.news import listening
from photobus_cli.output import printable, progress_bar
from photobus_client import Journal, Photo, PhotobusClient, Project, Sent

NO_PHOTO: Final = frozenset({"not_accepted", "hidden"})
"""Why files are left out without that being a failure: a folder of photos holds other things too."""

_NAMED: Final = 3
"""So many of the photos without thumbnails are named."""

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

    async def send() -> None:
        await _upload(client(address, token), directory, project, parallel, on_conflict, wait)

    run(send())


async def _upload(
    connection: PhotobusClient,
    directory: Path,
    name: str,
    parallel: int,
    on_conflict: Literal["overwrite", "skip", "rename"] | None,
    wait: bool,
) -> None:
    barred: list[OSError] = []
    paths = await asyncio.to_thread(files_below, directory, barred.append)
    if not paths and not barred:
        raise CommandError(f"{directory} holds no files.")
    async with connection as photobus, listening(photobus, Making()) as news:
        project = await _project(photobus, name)
        ended = await _send(photobus, project, paths, parallel, on_conflict)
        left = await wait_for_derivatives(photobus, project.folder, news) if wait else 0
        failed = await _photos_sent(photobus, project, "failed", ended)
        pending = await _photos_sent(photobus, project, "pending", ended) if left else []
    counts = _summary(ended)
    typer.echo(", ".join(f"{count} {word}" for word, count in counts.items() if count) or "Nothing was sent.")
    wrong = list(_complaints(directory, barred, ended, failed, pending))
    for line in wrong:
        typer.echo(printable(line), err=True)
    if wrong:
        sys.exit(EXIT_FAILED)


async def _send(
    photobus: PhotobusClient,
    project: Project,
    paths: list[Path],
    parallel: int,
    on_conflict: Literal["overwrite", "skip", "rename"] | None,
) -> list[Sent]:
    with progress_bar(DownloadColumn(), TransferSpeedColumn()) as progress:
        sizes = await asyncio.to_thread(_total_size, paths)
        bar = progress.add_task(f"Sending {len(paths)} files", total=sizes)
        sending = photobus.send(
            project.folder,
            paths,
            on_conflict=on_conflict,
            parallel=parallel,
            journal=Journal(journal_file(project)),
            progress=lambda _path, sent: progress.advance(bar, sent),
        )
        return [sent async for sent in sending]


def files_below(directory: Path, unreadable: Callable[[OSError], None] = lambda _error: None) -> list[Path]:
    """Return the files of ``directory`` at any depth, sorted; hidden ones and links are passed over.

    ``unreadable`` is told of each folder that could not be looked into.
    """
    found: list[Path] = []
    for folder, folders, names in os.walk(directory, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = (Path(folder, name) for name in sorted(names) if not name.startswith("."))
        found += [path for path in paths if _is_file(path)]
    return found


def _is_file(path: Path) -> bool:
    """Whether ``path`` is to be sent; what cannot be looked at is, and is refused with the reason."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return True


async def _project(photobus: PhotobusClient, name: str) -> Project:
    async for project in photobus.projects():
        if name in (project.name, project.folder):
            return project
    return await photobus.create_project(name)


async def _photos_sent(photobus: PhotobusClient, project: Project, status: str, ended: list[Sent]) -> list[Photo]:
    """Return those photos of this upload, or that it found there, that have the status."""
    sent = {one.result.photo_id for one in ended}
    return [photo async for photo in photobus.photos(project.folder, {"status": status}) if photo.id in sent]


def _summary(ended: list[Sent]) -> Counter[str]:
    counts = Counter(TOLD.get(one.result.status, one.result.status) for one in ended if one.result.stored)
    counts["left out, being no photos"] = sum(one.result.code in NO_PHOTO for one in ended)
    return counts


def _complaints(
    directory: Path, barred: list[OSError], ended: list[Sent], failed: list[Photo], pending: list[Photo]
) -> Iterator[str]:
    """Say what needs a person, in a line each."""
    for error in barred:
        yield f"not looked into: {error.filename}: {error.strerror}"
    for one in ended:
        if not one.result.stored and one.result.code not in NO_PHOTO:
            yield f"not stored: {one.path.relative_to(directory)}: {one.result.reason or one.result.status}"
    for photo in failed:
        yield f"no thumbnail: {photo.filename}: {photo.derivative_reason}"
    if pending:
        names = ", ".join(photo.filename for photo in pending[:_NAMED])
        others = f" and {len(pending) - _NAMED} more" if pending[_NAMED:] else ""
        yield (
            f"no thumbnail yet: {names}{others}; no task makes any now: `photobus tasks` shows what became of theirs, "
            "`photobus retry TASK` does it again"
        )


def journal_file(project: Project) -> Path:
    """Where unfinished uploads into a project are remembered: whatever the address, a project was made once."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    made = f"{project.id} {project.folder} {project.created_at.isoformat()}"
    return state / "photobus" / f"{hashlib.sha256(made.encode()).hexdigest()[:16]}.json"


def _total_size(paths: list[Path]) -> int:
    total = 0
    for path in paths:
        with suppress(OSError):  # it is told of when its turn comes
            total += path.stat().st_size
    return total
