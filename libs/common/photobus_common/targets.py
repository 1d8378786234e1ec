"""Grouping of any targets by project, for work that goes folder by folder (requirements, milestone 2)."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class PhotoTarget:
    """One photo of a task, with the project it lies in."""

    photo_id: int
    project_id: int


@dataclass(frozen=True)
class ProjectBatch:
    """The photos of one project among the targets, in the order in which the targets name them."""

    project_id: int
    photo_ids: tuple[int, ...]


def group_by_project(targets: Iterable[PhotoTarget]) -> tuple[ProjectBatch, ...]:
    """Group ``targets`` into one batch a project, ordered by project id (the order in which locks are taken).

    A photo that is named twice in the same project counts once. One project is not a special case.
    """
    photos: dict[int, dict[int, None]] = {}
    for target in targets:
        photos.setdefault(target.project_id, {})[target.photo_id] = None
    return tuple(ProjectBatch(project_id, tuple(photos[project_id])) for project_id in sorted(photos))
