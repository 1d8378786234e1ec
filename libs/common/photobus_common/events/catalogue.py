"""Every event of photobus. A new event is added here, with its version; a changed one gets an upcaster.

The families go to four kinds of subject: tasks, projects (with their photos), schedules, access; those of maintenance
to either of the first two.
"""

from typing import Final

from photobus_common.events.access import TokenCreated, TokenRevoked
from photobus_common.events.confirmations import (
    ConfirmationAnswered,
    ConfirmationExpired,
    ConfirmationRequested,
    JobWaiting,
)
from photobus_common.events.envelope import EventData
from photobus_common.events.maintenance import (
    FilesRenamed,
    FindingsReported,
    FolderRenamed,
    LibraryTrashEmptied,
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
from photobus_common.events.schedules import ScheduleChanged, TickSkipped
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
    JobWaiting,
    JobAttemptFailed,
    JobLost,
    JobCompleted,
    JobFailed,
    JobCanceled,
    ConfirmationRequested,
    ConfirmationAnswered,
    ConfirmationExpired,
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
    LibraryTrashEmptied,
    ScheduleChanged,
    TickSkipped,
    TokenCreated,
    TokenRevoked,
)

CATALOGUE: Final[dict[str, type[EventData]]] = {model.TYPE: model for model in _ALL}
