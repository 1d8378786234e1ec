"""The manifest ``.project.yaml``, by which a folder says which project it is.

Anybody may have written it. So it is read as a flat list of words and never as whatever YAML can say: no anchors and
aliases, no tags, nothing that nests for long, each key once.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
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


_SAME: Final = timedelta(seconds=1)
"""What a person who writes a time leaves off."""

_FOLDED: Final = re.compile("[\x85\u2028\u2029]")
"""Line breaks that are written into single quotes as they are, and read as a space."""

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

    def is_of(self, project_id: int, created_at: datetime) -> bool:
        """Whether it is the manifest of that project, made at that time.

        Each database counts ids from the start, and a library may have seen more than one: another time is another's.
        """
        made_at = self.created_at if self.created_at.tzinfo else self.created_at.replace(tzinfo=UTC)
        return self.id == project_id and abs(made_at - created_at) <= _SAME

    def encode(self) -> bytes:
        """Return UTF-8 YAML, fields in their order."""
        fields = self.model_dump()
        fields["created_at"] = self.created_at.isoformat()
        if _FOLDED.search(self.name):
            fields["name"] = _Escaped(self.name)
        written: str = yaml.dump(fields, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
        return written.encode()


class _Escaped(str):
    """A text that is written with its line breaks as escapes."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes as ``safe_dump`` does, and texts that this would not read again in double quotes."""


def _escaped(dumper: yaml.SafeDumper, text: _Escaped) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style='"')


_Dumper.add_representer(_Escaped, _escaped)


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
