"""``catalogue_update``: what is kept of the task's photos, or their tags, over any number of them in any projects."""

from collections.abc import Sequence
from typing import Final

from photobus_common.catalogue_changes import (
    KeepChange,
    Plan,
    Planned,
    TagsChange,
    keep_events,
    plan_all,
    plan_of,
    tags_events,
)
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
    planned: Planned[KeepChange | TagsChange] = plan_all(photos.values(), plan)
    await _write(job, work, list(planned.changes.values()))
    return [_outcome(item, planned, there=item.photo_id in photos) for item in items]


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


def _outcome(item: JobItem, planned: Planned[KeepChange | TagsChange], *, there: bool) -> ItemOutcome:
    if item.photo_id in planned.changes:
        return ItemOutcome(item.position, item.photo_id, "done")
    if item.photo_id in planned.refused:
        return ItemOutcome(item.position, item.photo_id, "failed", planned.refused[item.photo_id].public_message)
    reason = "unchanged" if there else "The photo is no longer there."
    return ItemOutcome(item.position, item.photo_id, "skipped", reason)
