"""A discovery killed between any two effects: whoever comes next, the same job or another, ends where it would have."""

from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import count

import pytest
from discovering import (
    JOB,
    UNKNOWN,
    Explorer,
    aged,
    files_in,
    folder_of,
    picture,
    write_manifest,
)
from shelf import DNG, put

from photobus_common.storage.manifest import MANIFEST
from photobus_common.storage.project_folder import TRASH
from photobus_common.worker.results import Completed
from photobus_maintenance import merging, new_photos, renames_on_record

pytestmark = [pytest.mark.usefixtures("broker", "tenant"), pytest.mark.timeout(600)]

FOLDER_GONE = "UPDATE projects SET status = 'canceled', cancel_cause = 'folder_gone', archived_at = now() WHERE id = $1"
BROKEN = b"id: ["

Arranged = Callable[[], Awaitable[None]]
"""Sees that all is as it should be after a discovery of what was arranged."""


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that there is something between two of them."""
    for module in (merging, new_photos, renames_on_record):
        monkeypatch.setattr(module, "PORTION", 2)


async def arrange_new(explorer: Explorer, number: int) -> Arranged:
    """A folder with a broken manifest."""
    name = f"new {number}"
    folder = folder_of(explorer.shelf, name, {f"{number}-{letter}.jpg": picture(number) for letter in "abc"})
    put(folder / MANIFEST, BROKEN)
    aged(folder)

    async def check() -> None:
        assert set(await explorer.photos(name)) == {f"{number}-{letter}" for letter in "abc"}
        assert [path.read_bytes() for path in (folder / TRASH).glob("*/*")] == [BROKEN]

    return check


async def arrange_renamed(explorer: Explorer, number: int) -> Arranged:
    """A folder that its owner renamed."""
    old, new = f"old {number}", f"renamed {number}"
    project_id = await explorer.shelf.project(old)
    photo = await explorer.shelf.photo((old, project_id), f"{number}", [f"{number}.jpg"])
    photo.folder.rename(explorer.shelf.root / new)

    async def check() -> None:
        assert await explorer.id_of(new) == project_id
        assert (new, new, "active") in await explorer.projects()
        assert await explorer.photos(new) == {f"{number}": [f"{number}.jpg"]}

    return check


async def arrange_returned(explorer: Explorer, number: int) -> Arranged:
    """A folder that had gone, and comes back under another name and with one photo more."""
    old, new = f"gone {number}", f"returned {number}"
    project_id = await explorer.shelf.project(old)
    photo = await explorer.shelf.photo((old, project_id), f"{number}", [f"{number}.jpg"])
    await explorer.site.execute(FOLDER_GONE, project_id)
    photo.folder.rename(explorer.shelf.root / new)
    put(explorer.shelf.root / new / f"{number}-more.jpg", picture(number))

    async def check() -> None:
        assert await explorer.id_of(new) == project_id
        assert (new, new, "active") in await explorer.projects()
        assert set(await explorer.photos(new)) == {f"{number}", f"{number}-more"}

    return check


async def arrange_second(explorer: Explorer, number: int) -> Arranged:
    """A folder that is a project a second time: three copies, two files of a taken name, one more."""
    name, other = f"merged {number}", f"second {number}"
    project_id = await explorer.shelf.project(name)
    mine = explorer.shelf.root / name
    copies = {f"{number}-{letter}.jpg": picture(number * 10 + at) for at, letter in enumerate("abc")}
    taken = f"{number}-d.jpg"
    for file, content in {**copies, taken: picture(7)}.items():
        put(mine / file, content)
    await explorer.runner.do("folder_check", project_id)
    more = {taken: picture(8), f"{number}-d.dng": DNG, f"{number}-e.jpg": picture(9)}
    write_manifest(folder_of(explorer.shelf, other, {**copies, **more}), UNKNOWN + number, name)

    async def check() -> None:
        assert not (explorer.shelf.root / other).exists()
        assert {file: (mine / file).read_bytes() for file in files_in(mine)} == {
            **copies,
            taken: picture(7),
            f"{number}-d_duplicate1.jpg": picture(8),
            f"{number}-d_duplicate1.dng": DNG,
            f"{number}-e.jpg": picture(9),
        }
        assert Counter(path.read_bytes() for path in (mine / TRASH).glob("*/*")) == Counter(copies.values())
        assert len(await explorer.photos(name)) == 6
        assert [folder for _, folder, _ in await explorer.projects() if folder == other] == []

    return check


@pytest.mark.parametrize("again", ["the same job", "another job"])
@pytest.mark.parametrize("arrange", [arrange_new, arrange_renamed, arrange_returned, arrange_second])
async def test_killed_between_any_two_effects_a_discovery_is_finished(
    explorer: Explorer, arrange: Callable[[Explorer, int], Awaitable[Arranged]], again: str
) -> None:
    checks = []
    for number in count(1):
        checks.append(await arrange(explorer, number))
        command = await explorer.runner.job(JOB)
        died = await explorer.runner.dies(command, number - 1)
        if died and again == "the same job":
            assert await explorer.runner.run(command) == Completed()
        if again == "another job":
            await explorer.discover()
            last = max(row[0] for row in await explorer.site.fetch("SELECT id FROM projects"))
            await explorer.runner.do("folder_check", last)  # indexes what the dead one had begun
        await checks[-1]()
        if not died:
            break
    assert number > 5
    await explorer.settled()
    await explorer.runner.do("folder_alignment")  # writes the manifests that the dead had still to write
    await explorer.agreed()
    for check in checks:
        await check()
