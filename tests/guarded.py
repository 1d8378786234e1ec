"""Photos that vanish from a library, and what is asked about them and answered."""

from collections.abc import Sequence
from uuid import UUID

from bus_traffic import TENANT
from folding import LeftInOutbox
from shelf import Photo, Shelf
from working import Site

from photobus_common.commands import RunJob
from photobus_common.events import Origin
from photobus_common.store import confirmations
from photobus_common.store.unit_of_work import unit_of_work

SHOWN = "SELECT photo_id, files FROM confirmation_photos WHERE confirmation_id = $1 ORDER BY photo_id"


STATUS = "SELECT status, applied_at IS NOT NULL FROM confirmations ORDER BY requested_at"


LINES = "SELECT code, project_folder FROM maintenance_findings WHERE task_id = $1 AND kind = 'refused' ORDER BY id"


async def arrange(shelf: Shelf, name: str, photos: int) -> list[Photo]:
    project = (name, await shelf.project(name))
    return [await shelf.photo(project, f"{name}{n}", [f"{name}{n}.dng", f"{name}{n}.jpg"]) for n in range(photos)]


def lose(photos: Sequence[Photo], *numbers: int) -> None:
    """Let the RAW and JPEG of these photos vanish from the disk."""
    for number in numbers:
        name = photos[number].folder.name
        for ending in ("dng", "jpg"):
            (photos[number].folder / f"{name}{number}.{ending}").unlink(missing_ok=True)


async def answer(site: Site, confirmation_id: UUID, *, confirmed: bool) -> None:
    async with unit_of_work(site.database, LeftInOutbox()) as work:
        asked = await confirmations.confirmation_by_id(work.connection, TENANT, confirmation_id, lock=True)
        assert asked is not None
        assert asked.status == "open"
        await confirmations.answer(work, Origin("/test", TENANT, "ada"), asked, confirmed=confirmed)


async def again(site: Site, command: RunJob, dispatch: int = 2) -> None:
    await site.again(command, attempt=1, dispatch=dispatch)
    await site.until_idle()


def left(rows: Sequence[dict[str, object]]) -> list[int]:
    """How many files each photo has by its rows."""
    return [len(row["files"]) for row in rows]  # type: ignore[arg-type]  # a list
