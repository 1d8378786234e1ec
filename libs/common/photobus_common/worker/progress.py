"""How often a job says how far it is."""

from collections.abc import Callable
from typing import Final

LEAST_INTERVAL_SECONDS: Final = 0.25
"""Four times a second, at most, for each job."""


class ProgressThrottle:
    """Lets a report pass when the last one was long enough ago and the figure has changed."""

    def __init__(self, clock: Callable[[], float], reported: int = 0) -> None:
        self._clock = clock
        self._reported = reported
        self._at = clock()

    def passes(self, done: int) -> bool:
        """Whether ``done`` may be reported now; if so, it counts as reported."""
        now = self._clock()
        if done == self._reported or now - self._at < LEAST_INTERVAL_SECONDS:
            return False
        self._reported, self._at = done, now
        return True
