"""Which photos a request is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from photobus_client.models import Filter


@dataclass(frozen=True)
class Selection:
    """Photos by their ids, those of projects by their folders, or all that a filter matches: exactly one of these.

    Commits and reverts also take none of them, which is all that is pending. What was given but is empty is sent as it
    is, and refused: it never means everything.
    """

    photo_ids: Sequence[int] | None = None
    projects: Sequence[str] | None = None
    filters: Filter | None = None

    def fields(self) -> dict[str, Any]:
        """Return the fields of a request's body that say so."""
        said: dict[str, Any] = {}
        if self.photo_ids is not None:
            said["items"] = [{"photo_id": photo_id} for photo_id in self.photo_ids]
        if self.projects is not None:
            said["projects"] = list(self.projects)
        if self.filters is not None:
            said["filter"] = dict(self.filters)
        return said


EVERYTHING = Selection()
"""All that is pending."""
