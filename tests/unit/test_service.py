"""What every service does before its own work."""

import resource
from collections.abc import Iterator

import pytest

from photobus_common.service import allow_open_files


@pytest.fixture
def limits() -> Iterator[tuple[int, int]]:
    """The limits of this process, which are as before when the test is over."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_service_may_open_more_files_than_its_shell_lets_it(limits: tuple[int, int]) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, limits[1]))
    allow_open_files(1024)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (1024, limits[1])


def test_nobody_gets_fewer_or_more_than_allowed(limits: tuple[int, int]) -> None:
    allow_open_files(16)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == limits
    allow_open_files(2**40)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (limits[1], limits[1])
