"""The slots of one worker process: how many jobs of which lane may run at once."""

from collections import Counter

from photobus_common.config import Pipeline
from photobus_common.subjects import Lane


class Slots:
    """``max_parallel_jobs`` slots, of which ``priority_lane_slots`` never take normal jobs.

    So a burst of normal jobs always leaves room for priority ones, while priority jobs may take every slot.
    """

    def __init__(self, settings: Pipeline) -> None:
        self._total = settings.max_parallel_jobs
        self._for_normal = settings.max_parallel_jobs - settings.priority_lane_slots
        self._running: Counter[Lane] = Counter()

    def free_for(self) -> frozenset[Lane]:
        """Return the lanes from which one more job may be taken now."""
        if self._running.total() >= self._total:
            return frozenset()
        if self._running["normal"] >= self._for_normal:
            return frozenset({"priority"})
        return frozenset({"priority", "normal"})

    def take(self, lane: Lane) -> None:
        """Occupy a slot with a job of ``lane``."""
        self._running[lane] += 1

    def release(self, lane: Lane) -> None:
        """Free the slot of a job of ``lane`` that ended."""
        self._running[lane] -= 1
