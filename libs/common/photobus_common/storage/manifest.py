"""The manifest ``.project.yaml``, by which a folder says which project it is.

Anybody may have written it. So it is read as a flat list of words and never as whatever YAML can say: no anchors and
aliases, no tags, nothing that nests for long, each key once.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from photobus_common.storable import storable
from photobus_common.storage.errors import ManifestBrokenError

MANIFEST: Final = ".project.yaml"
MAX_MANIFEST_BYTES: Final = 64 * 1024
VERSION: Final = 1

_DEEPEST: Final = 8
"""How deep a field of a later version may nest. The reader of YAML takes ever longer for what goes deeper."""


_BEGINNING: Final = (yaml.StreamStartEvent, yaml.DocumentStartEvent, yaml.MappingStartEvent)
_END: Final = (yaml.MappingEndEvent, yaml.DocumentEndEvent, yaml.StreamEndEvent)


class Manifest(BaseModel):
    """What a project's folder says of itself; ``id`` is that of its row. Fields of later versions are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    id: int = Field(ge=1, lt=2**63)
    name: str
    created_at: datetime
    version: int = VERSION

    @field_validator("name")
    @classmethod
    def _can_be_stored(cls, name: str) -> str:
        if storable(name) != name:
            raise ValueError("what no database can hold")
        return name

    def encode(self) -> bytes:
        """Return UTF-8 YAML, fields in their order."""
        fields = self.model_dump()
        fields["created_at"] = self.created_at.isoformat()
        return yaml.safe_dump(fields, sort_keys=False, allow_unicode=True).encode()


def decode(content: bytes) -> Manifest:
    """Read a manifest; raises ``ManifestBrokenError`` when it is none."""
    try:
        return Manifest.model_validate(_fields(_events(content)))
    except (yaml.YAMLError, ValidationError, ValueError, OverflowError) as error:
        raise ManifestBrokenError("The project's manifest cannot be read.") from error


def _events(content: bytes) -> Iterator[yaml.Event]:
    """Yield what the YAML consists of, as it is read; raises ``ValueError`` at the first thing that is not for us."""
    depth = 0
    for event in yaml.parse(content, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) or getattr(event, "tag", None):
            raise ValueError("aliases, anchors and tags have no place in a manifest")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise ValueError("it nests too deep")
        yield event


def _fields(events: Iterator[yaml.Event]) -> dict[str, str]:
    """Return the scalars of the one mapping that a manifest is, as written; what they mean is for the model to say.

    Whoever wrote a key twice may have meant either.
    """
    found: dict[str, str] = {}
    if [type(next(events, None)) for _ in _BEGINNING] != list(_BEGINNING):
        raise ValueError("it is no mapping")
    while isinstance(key := next(events), yaml.ScalarEvent):
        value = next(events)
        if key.value in found:
            raise ValueError(f"{key.value} is there twice")
        if isinstance(value, yaml.ScalarEvent):
            found[key.value] = value.value
        else:
            _pass_over(events)
    if [type(event) for event in (key, *events)] != list(_END):
        raise ValueError("it is more than one mapping")
    return found


def _pass_over(events: Iterator[yaml.Event]) -> None:
    """Go on behind the collection that has just begun."""
    depth = 1
    while depth:
        event = next(events)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
