"""What the job types of this service share: the library, the settings, and definitions of the tasks they ask for."""

from dataclasses import dataclass

from photobus_common.config import Settings
from photobus_common.definitions import Definitions
from photobus_common.storage.library import Library


@dataclass(frozen=True)
class Context:
    """Given to each job type when the service is put together."""

    library: Library
    settings: Settings
    definitions: Definitions
