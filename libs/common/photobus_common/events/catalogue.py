"""Every event of photobus. A new event is added here, with its version; a changed one gets an upcaster.

The families go to three kinds of subject: tasks, projects (with their photos), access; those of maintenance to either
of the first two.
"""

from typing import Final

from photobus_common.events.access import TokenCreated, TokenRevoked
from photobus_common.events.envelope import EventData
from photobus_common.events.maintenance import (
    FilesRenamed,
    FindingsReported,
    FolderRenamed,
    MetadataUpdated,
    PhotosRecognized,
    ProjectDiscovered,
    ProjectRemoved,
    ProjectReturned,
    StrayFilesTrashed,
    TrashEmptied,
)
from photobus_common.events.projects import (
    DerivativesUpdated,
    FilesRestored,
    FilesTrashed,
    KeepChanged,
    ManifestChanged,
    PhotoFilesChanged,
    PhotosAdded,
    PhotosMoved,
    PhotosRemoved,
    PhotosRestored,
    ProjectCanceled,
    ProjectCreated,
    ProjectRenamed,
    ProjectRestored,
    ProjectTrashed,
    TagsChanged,
)
from photobus_common.events.tasks import (
    JobAttemptFailed,
    JobCanceled,
    JobCompleted,
    JobFailed,
    JobHandedBack,
    JobLost,
    JobProgress,
    JobQueued,
    JobStarted,
    TargetsResolved,
    TargetsUnresolvable,
    TaskCanceled,
    TaskCancelRequested,
    TaskCompleted,
    TaskFailed,
    TaskRequested,
    TaskStarted,
)

_ALL: Final[tuple[type[EventData], ...]] = (
    TaskRequested,
    TargetsResolved,
    TargetsUnresolvable,
    TaskStarted,
    TaskCancelRequested,
    TaskCanceled,
    TaskCompleted,
    TaskFailed,
    JobQueued,
    JobStarted,
    JobProgress,
    JobHandedBack,
    JobAttemptFailed,
    JobLost,
    JobCompleted,
    JobFailed,
    JobCanceled,
    ProjectCreated,
    ProjectRenamed,
    ProjectCanceled,
    ProjectTrashed,
    ProjectRestored,
    PhotosAdded,
    PhotoFilesChanged,
    DerivativesUpdated,
    FilesTrashed,
    FilesRestored,
    PhotosRemoved,
    PhotosRestored,
    PhotosMoved,
    KeepChanged,
    TagsChanged,
    ManifestChanged,
    FindingsReported,
    ProjectDiscovered,
    ProjectReturned,
    ProjectRemoved,
    FolderRenamed,
    FilesRenamed,
    StrayFilesTrashed,
    PhotosRecognized,
    MetadataUpdated,
    TrashEmptied,
    TokenCreated,
    TokenRevoked,
)

CATALOGUE: Final[dict[str, type[EventData]]] = {model.TYPE: model for model in _ALL}
