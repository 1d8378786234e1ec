"""Milestone 2: targets of one and of many projects are grouped alike."""

from hypothesis import given
from hypothesis import strategies as st

from photobus_common.targets import PhotoTarget, ProjectBatch, group_by_project

targets = st.lists(st.builds(PhotoTarget, st.integers(1, 40), st.integers(1, 5)), max_size=60)


def test_targets_of_one_project_are_one_batch_in_their_order() -> None:
    batches = group_by_project([PhotoTarget(3, 7), PhotoTarget(1, 7), PhotoTarget(2, 7)])

    assert batches == (ProjectBatch(7, (3, 1, 2)),)


def test_targets_of_many_projects_are_one_batch_a_project_ordered_by_project() -> None:
    batches = group_by_project([PhotoTarget(1, 9), PhotoTarget(2, 4), PhotoTarget(3, 9), PhotoTarget(4, 6)])

    assert batches == (ProjectBatch(4, (2,)), ProjectBatch(6, (4,)), ProjectBatch(9, (1, 3)))


def test_no_targets_are_no_batches() -> None:
    assert group_by_project([]) == ()


@given(targets)
def test_every_target_is_in_exactly_one_batch_once(some: list[PhotoTarget]) -> None:
    batches = group_by_project(some)

    flat = [PhotoTarget(photo, batch.project_id) for batch in batches for photo in batch.photo_ids]
    assert len(flat) == len(set(flat))
    assert set(flat) == set(some)
    assert [batch.project_id for batch in batches] == sorted({target.project_id for target in some})


@given(targets)
def test_the_order_of_a_projects_photos_is_that_of_the_targets(some: list[PhotoTarget]) -> None:
    for batch in group_by_project(some):
        named = [target.photo_id for target in some if target.project_id == batch.project_id]
        assert list(batch.photo_ids) == list(dict.fromkeys(named))
