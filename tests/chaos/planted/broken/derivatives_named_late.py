"""Derivatives are on record as generated before their files have names, which they get together a moment later."""

import asyncio
from collections.abc import Sequence
from typing import Final

from photobus_common.store.derivatives import photos_to_show
from photobus_common.worker.blocking import in_thread
from photobus_derivatives import making as sound
from photobus_derivatives.making import Finished

GATHER_SECONDS: Final = 0.2


async def write_all(self: sound._Batch, finished: Sequence[Finished]) -> None:
    """Commit, and then give the files their names."""
    photo_ids = [one.result.photo_id for one in finished]
    async with self._job.checkpoint([one.outcome for one in finished]) as work:
        await sound._settle_folders(work, finished)
        now = await photos_to_show(work.connection, self._job.command.tenant, photo_ids, lock=True)
        changed = [one for one in finished if not sound._holds(one, now)]
        if changed:
            raise sound._ChangedError(changed, now)
        await self._tell(work, finished)
    await asyncio.sleep(GATHER_SECONDS)
    made = [one.files for one in finished if one.files is not None]
    await in_thread(self._unnamed.put_in_place, made)
