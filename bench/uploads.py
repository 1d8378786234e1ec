"""Uploads: bytes a second over HTTP, verified and on disk, against a plain synced copy of the same files."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import images

from bench.memory import peaks
from bench.report import Figure, show
from bench.stack import own_folder, running_stack
from photobus_client.sending import Sending

FILES: Final = 48
AT_ONCE: Final = 4


async def main() -> None:
    """Measure and show."""
    with own_folder() as folder:
        shoot = folder / "shoot"
        shoot.mkdir()
        large = [images.noise_jpeg(6000, 4000, seed=seed) for seed in range(4)]
        for number in range(FILES):
            content = large[number % 4] + b"%d" % number  # bytes behind the picture's end make each file another one
            (shoot / f"IMG_{number:04}.jpg").write_bytes(content)
        total = sum(path.stat().st_size for path in shoot.iterdir())
        copied = _copy(shoot, folder / "copy")
        async with running_stack() as stack, stack.client() as client:
            project = await client.create_project("Bench")
            began = time.perf_counter()
            sending = Sending(client.transport, project.folder, sorted(shoot.iterdir()), parallel=AT_ONCE)
            statuses = {sent.result.status async for sent in sending.results()}
            uploaded = time.perf_counter() - began
            memory = peaks(stack)
    if statuses != {"created"}:
        raise RuntimeError(f"Not every file was created: {statuses}")
    show(
        "uploads",
        [
            Figure("upload", total / uploaded / 1e6, "MB/s"),
            Figure("plain copy with fsync, as many at once", total / copied / 1e6, "MB/s"),
            Figure("ratio", copied / uploaded, ""),
            *memory,
        ],
    )


def _copy(source: Path, target: Path) -> float:
    target.mkdir()
    began = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda path: _copy_file(path, target / path.name), sorted(source.iterdir())))
    return time.perf_counter() - began


def _copy_file(source: Path, target: Path) -> None:
    with source.open("rb") as reading, target.open("wb") as writing:
        while chunk := reading.read(1024 * 1024):
            writing.write(chunk)
        writing.flush()
        os.fsync(writing.fileno())
