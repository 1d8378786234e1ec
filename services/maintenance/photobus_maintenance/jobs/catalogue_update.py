"""``catalogue_update``: what is kept of the task's photos, or their tags, over any number of them in any projects."""

from collections.abc import Sequence
from typing import Final

from photobus_common.catalogue_changes import KeepChange, Plan, TagsChange, keep_events, plan_of, tags_events
from photobus_common.store.catalogue import catalogue_photos, write_keep, write_tags
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker import ItemOutcome, Job, JobItem

PORTION: Final = 200
"""Photos whose rows are locked and written in one transaction."""


async def catalogue_update(job: Job) -> None:
    """Change the job's photos as the parameters of its task say."""
    plan = plan_of(job.command.task_type, job.command.params)
    items = await job.pending_items()
    for start in range(0, len(items), PORTION):
        job.hand_back_if_asked()
        outcomes: list[ItemOutcome] = []
        async with job.checkpoint(outcomes) as work:
            outcomes += await _change(job, work, plan, items[start : start + PORTION])


async def _change(job: Job, work: UnitOfWork, plan: Plan, items: Sequence[JobItem]) -> list[ItemOutcome]:
    tenant = job.command.tenant
    photos = await catalogue_photos(work.connection, tenant, [item.photo_id for item in items], lock=True)
    changes = {photo.id: change for photo in photos.values() if (change := plan(photo)) is not None}
    await _write(job, work, list(changes.values()))
    return [_outcome(item, there=item.photo_id in photos, changed=item.photo_id in changes) for item in items]


async def _write(job: Job, work: UnitOfWork, changes: Sequence[KeepChange | TagsChange]) -> None:
    tenant, task_id = job.command.tenant, job.command.task_id
    kept = [change for change in changes if isinstance(change, KeepChange)]
    tagged = [change for change in changes if isinstance(change, TagsChange)]
    told = [
        *keep_events(kept, await write_keep(work.connection, tenant, kept), task_id),
        *tags_events(tagged, await write_tags(work.connection, tenant, tagged), task_id),
    ]
    for data in told:
        work.emit(job.origin.event(data))


def _outcome(item: JobItem, *, there: bool, changed: bool) -> ItemOutcome:
    if changed:
        return ItemOutcome(item.position, item.photo_id, "done")
    reason = "unchanged" if there else "The photo is no longer there."
    return ItemOutcome(item.position, item.photo_id, "skipped", reason)
