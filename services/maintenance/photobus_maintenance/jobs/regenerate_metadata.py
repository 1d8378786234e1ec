"""``regenerate_metadata``: what photos' files tell of them is read again, and rows that say otherwise are corrected.

Tags and what is kept are a person's word and stay. Files are read without any lock; what they told is written only for
photos that still have the same files, others are read again.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from photobus_common.errors import StorageUnavailableError
from photobus_common.events import cut_by_bytes
from photobus_common.events.maintenance import Finding, MetadataUpdated, PhotoMetadata
from photobus_common.photos.exif import Exif
from photobus_common.storage.errors import LockedError
from photobus_common.store.metadata import DescribedPhoto, correct_metadata, described_photos
from photobus_common.store.reconciliation import names_in_motion
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker import ItemOutcome, Job
from photobus_common.worker.blocking import in_thread
from photobus_maintenance.context import Context
from photobus_maintenance.manifests import manifest_state
from photobus_maintenance.metadata import Difference, Refusal, difference, read_photo
from photobus_maintenance.rounds import Manner, visit_projects
from photobus_maintenance.visits import Visit, concerns_one_file, keep_project, outcomes_of

PORTION: Final = 100
"""Photos whose files are read, and whose rows are then written, at once."""

_MANNER: Final = Manner(portion=PORTION, listed=False, passes_over=False)

_REASONS: Final[Mapping[Refusal, str]] = {
    "no_original": "It has no original.",
    "original_missing": "An original of it is not in the folder.",
    "unreadable": "An original of it cannot be read.",
    "other_content": "An original of it is not what its name says.",
    "changed": "An original of it was written to while it was read.",
    "in_motion": "An original of it is being uploaded, moved or removed.",
}


class RegenerateMetadata:
    """The handler of the job type."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, job: Job) -> None:
        """Read the photos of the job, project by project."""
        await visit_projects(job, self._context, _check, _MANNER)


async def _check(visit: Visit) -> None:
    await manifest_state(visit)  # raises for a folder that is another project's
    for start in range(0, len(visit.photo_ids), PORTION):
        if start:
            visit.job.hand_back_if_asked()
        await _Portion(visit, visit.photo_ids[start : start + PORTION]).run()


class _Portion:
    """Some photos of one project: what their files tell, and what comes of it."""

    def __init__(self, visit: Visit, photo_ids: Sequence[int]) -> None:
        self._visit = visit
        self._todo = list(photo_ids)
        self._refused: dict[int, Refusal] = {}
        self._differences: dict[int, Difference] = {}

    async def run(self) -> None:
        """Go on until each photo was written as it was read, or is the job's no more."""
        while self._todo:
            photos = await self._photos()
            await self._read(photos)
            await self._write(photos)

    async def _photos(self) -> dict[int, DescribedPhoto]:
        visit = self._visit
        async with visit.job.database.connection() as connection:
            found = await described_photos(connection, visit.project.tenant, self._todo, visit.project.id)
        if visit.items and len(found) < len(self._todo):
            raise LockedError("Photos were moved or removed meanwhile.")  # the job comes again and finds how they are
        return found

    async def _read(self, photos: Mapping[int, DescribedPhoto]) -> None:
        visit = self._visit
        async with visit.job.database.connection() as connection:
            moving = await names_in_motion(connection, visit.project.id)
        self._refused, self._differences = {}, {}
        for photo in photos.values():
            told = "in_motion" if any(file.name in moving for file in photo.files) else await self._told(photo)
            if isinstance(told, str):
                self._refused[photo.id] = told
            elif (found := difference(photo, told)) is not None:
                self._differences[photo.id] = found

    async def _told(self, photo: DescribedPhoto) -> Sequence[Exif] | Refusal:
        try:
            return await in_thread(read_photo, self._visit.folder, photo.files)
        except StorageUnavailableError as error:
            if not await concerns_one_file(self._visit, error):
                raise
            return "unreadable"

    async def _write(self, photos: Mapping[int, DescribedPhoto]) -> None:
        """Write what was read of photos that are as they were; the others stay to be done."""
        visit, outcomes = self._visit, list[ItemOutcome]()
        async with visit.report.checkpoint(outcomes) as work:
            await keep_project(visit, work.connection)
            now = await described_photos(
                work.connection, visit.project.tenant, list(photos), visit.project.id, lock=True
            )
            same = [photo for photo in photos.values() if now.get(photo.id) == photo]
            await self._tell(work, [photo for photo in same if photo.id in self._differences])
            self._report(same)
            outcomes += self._outcomes({photo.id for photo in same})
        written = {photo.id for photo in same}
        self._todo = [photo_id for photo_id in photos if photo_id not in written and photo_id in now]
        if visit.items and any(photo_id not in now for photo_id in photos):
            raise LockedError("Photos were moved or removed meanwhile.")

    async def _tell(self, work: UnitOfWork, photos: Sequence[DescribedPhoto]) -> None:
        rows = {photo.id: self._differences[photo.id].row for photo in photos}
        versions = await correct_metadata(work.connection, rows) if rows else {}
        parts = [
            PhotoMetadata(
                photo_id=photo.id,
                filename=photo.filename,
                version=versions[photo.id],
                before=self._differences[photo.id].before,
                after=self._differences[photo.id].after,
            )
            for photo in photos
        ]
        for some in cut_by_bytes(parts):
            data = MetadataUpdated(**self._visit.about, photos=some)
            self._visit.report.changed(work, data, "metadata_updated", len(some))

    def _report(self, photos: Sequence[DescribedPhoto]) -> None:
        visit = self._visit
        if visit.items:  # whole projects are counted as they are gone through
            visit.report.looked_at(len(photos))
        for photo in photos:
            if (refusal := self._refused.get(photo.id)) is not None:
                visit.report.found(
                    Finding(
                        kind="refused",
                        code=refusal,
                        reason=_REASONS[refusal],
                        project_id=visit.project.id,
                        project_folder=visit.project.folder,
                        subject=photo.filename,
                        photo_id=photo.id,
                    )
                )

    def _outcomes(self, photo_ids: set[int]) -> list[ItemOutcome]:
        items = [item for item in self._visit.items if item.photo_id in photo_ids]
        failed = [item for item in items if item.photo_id in self._refused]
        changed = [item for item in items if item.photo_id in self._differences]
        same = [item for item in items if item not in failed and item not in changed]
        reasons = [outcomes_of([item], "failed", self._refused[item.photo_id]) for item in failed]
        return [
            *(outcome for one in reasons for outcome in one),
            *outcomes_of(changed, "done", None),
            *outcomes_of(same, "skipped", "unchanged"),
        ]
