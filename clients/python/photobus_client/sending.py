"""Sending many files: hashed and asked about in groups, sent side by side, answered as they end."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from photobus_client.journal import Journal
from photobus_client.models import FileAnalysis, UploadResult
from photobus_client.pairs import Asked, groups_of, photos_of
from photobus_client.transport import Transport
from photobus_client.uploads import LocalFile, OnConflict, Upload, unreadable

GROUP: Final = 200
"""Files that are asked about together and become one task; as many as photobus puts into one anyway."""

Progress = Callable[[Path, int], None]
"""Gets a file and how many bytes of it are done more than before; negative for bytes that have to be sent again."""

_CLASHES: Final = {
    "other_bytes": "The project has another file of this name.",
    "unknown_bytes": "The project has a file of this name.",
    "name_in_other_project": "A photo of this name is in the project {project}.",
}


@dataclass(frozen=True)
class Sent:
    """A file and how it ended."""

    path: Path
    result: UploadResult


@dataclass(frozen=True)
class _Group:
    """Files that were asked about: those that are settled without being sent, and those to be sent, by photo."""

    settled: list[Sent]
    upload: Upload
    photos: list[list[LocalFile]]


@dataclass
class Sending:
    """Sends ``paths`` into the project in ``folder``, at most ``parallel`` at a time; iterate over ``results()``.

    What the project has already, byte for byte, is not sent again; what was half sent is gone on with, if ``journal``
    knows of it. Files that photobus would not take are answered for without being sent. The files of one photo go one
    after the other, its JPEG first.
    """

    transport: Transport
    folder: str
    paths: Sequence[Path]
    on_conflict: OnConflict | None = None
    parallel: int = 4
    journal: Journal = field(default_factory=Journal)
    progress: Progress = lambda _path, _bytes: None

    async def results(self) -> AsyncGenerator[Sent]:
        """Yield how each file ended, in the order of their ends; raises ``ClientError`` and sends no more then."""
        groups = groups_of(self.paths, GROUP)
        preparing = [asyncio.create_task(self._prepare(group)) for group in groups[:1]]
        try:
            for number in range(len(groups)):
                group = await preparing.pop()
                # The next group is read while this one is sent.
                preparing += [asyncio.create_task(self._prepare(paths)) for paths in groups[number + 1 : number + 2]]
                for sent in group.settled:
                    yield sent
                async with aclosing(self._send(group)) as sending:
                    async for sent in sending:
                        yield sent
        finally:
            await _canceled(preparing)

    async def _prepare(self, paths: Sequence[Path]) -> _Group:
        files, settled = await _read(paths)
        asking = Upload(self.transport, self.folder, self.on_conflict)
        photos: list[list[LocalFile]] = []
        for asked in photos_of(zip(files, await asking.analyze(files) if files else (), strict=True)):
            wanted, ended = self._divide(asked)
            photos.append(wanted)
            settled += ended
        total = sum(map(len, photos))
        return _Group(settled, Upload(self.transport, self.folder, self.on_conflict, total, self.journal), photos)

    def _divide(self, asked: Sequence[Asked]) -> tuple[list[LocalFile], list[Sent]]:
        """Return which files of a photo have to be sent, and how the others end."""
        results = [self._settled(file, analysis) for file, analysis in asked]
        if None in results:  # What was renamed before goes along: by it photobus knows where the others belong.
            results = [None if result is not None and result.stored_as else result for result in results]
        wanted: list[LocalFile] = []
        settled: list[Sent] = []
        for (file, _), result in zip(asked, results, strict=True):
            if result is None:
                wanted.append(file)
            else:
                self.progress(file.path, file.size)
                settled.append(Sent(file.path, result))
        return wanted, settled

    def _settled(self, file: LocalFile, analysis: FileAnalysis) -> UploadResult | None:
        """Return how ``file`` ends without being sent; None when it has to be."""
        ended = partial(UploadResult, filename=file.path.name, photo_id=analysis.photo_id)
        if not analysis.accepted:
            return ended(status="refused", code=analysis.code, reason=analysis.reason)
        if analysis.clash == "same_bytes":
            return ended(status="skipped", code="same_bytes", reason="The project has this very file already.")
        before = analysis.renamed_before
        if self.on_conflict == "rename" and before is not None:
            return UploadResult(
                filename=file.path.name,
                status="skipped",
                photo_id=before.photo_id,
                stored_as=before.stored_as,
                code="same_bytes",
                reason=f"The project has this very file already, as {before.stored_as}.",
            )
        told = self.on_conflict is not None and analysis.clash != "name_in_other_project"
        if analysis.clash == "none" or told:
            return None
        reason = _CLASHES[analysis.clash].format(project=analysis.project_folder)
        return ended(status="conflict", code=analysis.clash, reason=reason)

    async def _send(self, group: _Group) -> AsyncGenerator[Sent]:
        free = asyncio.Semaphore(self.parallel)

        async def send(file: LocalFile, before: asyncio.Task[Sent] | None) -> Sent:
            if before is not None:
                await asyncio.wait([before])
            async with free:
                return Sent(file.path, await group.upload.send(file, partial(self.progress, file.path)))

        tasks: list[asyncio.Task[Sent]] = []
        for files in group.photos:
            before: asyncio.Task[Sent] | None = None
            for file in files:
                before = asyncio.create_task(send(file, before))
                tasks.append(before)
        try:
            for ended in asyncio.as_completed(tasks):
                yield await ended
        finally:
            await _canceled(tasks)


async def _read(paths: Sequence[Path]) -> tuple[list[LocalFile], list[Sent]]:
    """Return the files at ``paths``, and apart from them those that cannot be read."""
    files: list[LocalFile] = []
    unread: list[Sent] = []
    for path in paths:
        try:
            files.append(await asyncio.to_thread(LocalFile.read, path))
        except OSError as error:
            unread.append(Sent(path, unreadable(path, error)))
    return files, unread


async def _canceled(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
