"""When the next attempt of a job is due."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from photobus_common.config import Pipeline

_LOW_BITS: Final = 32
_MOST_DOUBLINGS: Final = 60
"""More would not fit a float; the cap is reached long before."""


def retry_delay(attempt: int, cause: UUID, pipeline: Pipeline) -> timedelta:
    """Return how long to wait after ``attempt`` (from 1) failed: doubling from a base up to a cap, with jitter.

    The jitter takes off up to half, so that jobs that failed together do not come back together. It is drawn from the
    id of the failure's event, so that deciding again finds the same time.
    """
    doubled = pipeline.retry_base_seconds * 2.0 ** min(attempt - 1, _MOST_DOUBLINGS)
    fraction = (cause.int % 2**_LOW_BITS) / 2**_LOW_BITS
    return timedelta(seconds=min(doubled, pipeline.retry_cap_seconds) * (1 - fraction / 2))
