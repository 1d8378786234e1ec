"""The manifest ``.project.yaml``, by which a folder says which project it is."""

from datetime import datetime
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from photobus_common.storage.errors import ManifestBrokenError

MANIFEST: Final = ".project.yaml"
MAX_MANIFEST_BYTES: Final = 64 * 1024
VERSION: Final = 1


class Manifest(BaseModel):
    """What a project's folder says of itself; ``id`` is that of its row. Fields of later versions are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    id: int = Field(ge=1, lt=2**63)
    name: str
    created_at: datetime
    version: int = VERSION

    def encode(self) -> bytes:
        """Return UTF-8 YAML, fields in their order."""
        fields = self.model_dump()
        fields["created_at"] = self.created_at.isoformat()
        return yaml.safe_dump(fields, sort_keys=False, allow_unicode=True).encode()


def decode(content: bytes) -> Manifest:
    """Read a manifest; raises ``ManifestBrokenError`` when it is none."""
    try:
        return Manifest.model_validate(yaml.safe_load(content))
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ManifestBrokenError("The project's manifest cannot be read.") from error
