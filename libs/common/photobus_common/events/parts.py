"""Words and building stones that the events of several families share."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Scope = Literal["project", "photo_set", "global"]
TaskSource = Literal["user", "upload", "system", "task"]
DerivativeStatus = Literal["pending", "generated", "failed", "missing", "not_supported"]
FileKind = Literal["jpg", "raw", "other", "sidecar"]
TargetKind = Literal["photos", "projects", "filter", "all", "failed_items", "items_of"]


class Part(BaseModel):
    """Base of what stands inside an event's data."""

    model_config = ConfigDict(frozen=True, extra="forbid")
