"""Derivatives end to end against a bare libvips loop of as many processes, on the same files in the same run.

End to end: from the request to the last completion, through log, lanes, files with every sync, rows and events. The
bare loop reads each file and writes both sizes with libvips alone, one decode each, and syncs nothing.
"""

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import images

from bench.memory import peaks
from bench.report import Figure, show
from bench.stack import own_folder, running_stack, until_quiet, upload
from photobus_client import PhotobusClient
from photobus_common.config import Processing

LARGE: Final = 48
SMALL: Final = 600
ROUNDS: Final = 3

BARE_LOOP: Final = """
import os, sys
import pyvips
pyvips.cache_set_max(0)
source, target, preview_px, thumbnail_px = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
for name in sys.argv[5:]:
    path = os.path.join(source, name)
    preview = pyvips.Image.thumbnail(path, preview_px, height=preview_px, size="down").copy_memory()
    preview.jpegsave(os.path.join(target, "p_" + name), Q=80, interlace=True, keep="none")
    small = preview.thumbnail_image(thumbnail_px, height=thumbnail_px, size="down")
    small.jpegsave(os.path.join(target, "t_" + name), Q=80, interlace=True, keep="none")
"""


async def main() -> None:
    """Measure and show."""
    large = [images.noise_jpeg(6000, 4000, seed=seed) for seed in range(4)]
    small = [images.noise_jpeg(640, 480, seed=seed) for seed in range(20)]
    shoots = {
        "24 megapixels": {f"L{number:04}.jpg": large[number % 4] for number in range(LARGE)},
        "640 x 480": {f"S{number:04}.jpg": small[number % 20] for number in range(SMALL)},
    }
    figures: list[Figure] = []
    async with running_stack() as stack, stack.client() as client:
        for (name, files), aim in zip(shoots.items(), ("≥ 0.95", "≥ 0.6"), strict=True):
            figures += await _shoot(client, name, files, aim)
        figures += peaks(stack)
    show("derivatives", figures)


async def _shoot(client: PhotobusClient, name: str, files: dict[str, bytes], aim: str) -> list[Figure]:
    project = await client.create_project(name)
    await upload(client, project.folder, files)
    await until_quiet(client)
    with own_folder() as folder:
        for file, content in files.items():
            (folder / file).write_bytes(content)
        ours, bare = [], []
        for _ in range(ROUNDS):  # in turn, so that a machine whose speed drifts is fair to both
            bare.append(await asyncio.to_thread(_bare, folder, sorted(files)))
            ours.append(await _end_to_end(client, project.folder))
    ratio = sorted(b / o for b, o in zip(bare, ours, strict=True))[ROUNDS // 2]
    count = len(files)
    return [
        Figure(f"{name}, end to end", count / sorted(ours)[ROUNDS // 2], "photos/s"),
        Figure(f"{name}, bare libvips", count / sorted(bare)[ROUNDS // 2], "photos/s"),
        Figure(f"{name}, ratio", ratio, "", aim),
    ]


async def _end_to_end(client: PhotobusClient, folder: str) -> float:
    began = time.perf_counter()
    task = await client.start_task("generate_derivatives", {"filter": {"project_folder": folder}}, {"force": True})
    async for event in client.follow(("jobs",), "0"):
        if event.name == "task_completed" and event.data["id"] == str(task.id):
            break
    return time.perf_counter() - began


def _bare(folder: Path, names: list[str]) -> float:
    settings = Processing()
    target = folder / "out"
    target.mkdir(exist_ok=True)
    sizes = [str(settings.preview_px), str(settings.thumbnail_px)]
    began = time.perf_counter()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", BARE_LOOP, str(folder), str(target), *sizes, *names[number :: settings.children]],
            env={"VIPS_CONCURRENCY": "1"},
        )
        for number in range(settings.children)
    ]
    if any(process.wait() for process in processes):
        raise RuntimeError("The bare loop failed.")
    return time.perf_counter() - began
