"""Which files may still be being written."""

import time

import pytest

from photobus_common.config import Maintenance
from photobus_common.storage.folder import Entry
from photobus_maintenance.settling import settling

DAY = 24 * 3600


@pytest.mark.parametrize(
    ("age", "young"),
    [(0, True), (500, True), (700, False), (10 * 365 * DAY, False), (-3600, True), (-2 * DAY, False)],
)
def test_a_file_is_young_by_the_time_of_its_last_change(age: int, young: bool) -> None:
    settles = settling(Maintenance(settle_seconds=600))
    assert settles(Entry("A.jpg", 1, time.time_ns() - age * 1_000_000_000, 1, 1)) == young
