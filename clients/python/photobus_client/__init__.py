"""An async, typed client of photobus: projects, uploads that resume, photo sets, tasks, jobs, live updates.

async with PhotobusClient("http://127.0.0.1:8080", token) as photobus:
    project = await photobus.create_project("Trip")
    async for event in photobus.follow():
        ...
"""

from photobus_client.client import PhotobusClient
from photobus_client.confirmations import Confirmation, MissedPhoto
from photobus_client.errors import ApiError, ClientError, UnreachableError
from photobus_client.history import HistoryEvent, PhotoAsOf
from photobus_client.journal import Journal
from photobus_client.live import LiveEvent
from photobus_client.maintenance import LoggedEvent, ReportLine, Run, RunStep
from photobus_client.models import (
    CreatedToken,
    Job,
    JobItem,
    Page,
    Photo,
    Project,
    Task,
    TaskDetail,
    Token,
    UploadResult,
)
from photobus_client.photo_sets import Keep
from photobus_client.plans import (
    CommitPlan,
    DeletionPlan,
    DerivativesPlan,
    KeepPlan,
    MetadataPlan,
    MovePlan,
    TagsPlan,
    TaskPlan,
    UndoPlan,
)
from photobus_client.schedules import Schedule
from photobus_client.selection import Selection
from photobus_client.sending import Sent

__all__ = [
    "ApiError",
    "ClientError",
    "CommitPlan",
    "Confirmation",
    "CreatedToken",
    "DeletionPlan",
    "DerivativesPlan",
    "HistoryEvent",
    "Job",
    "JobItem",
    "Journal",
    "Keep",
    "KeepPlan",
    "LiveEvent",
    "LoggedEvent",
    "MetadataPlan",
    "MissedPhoto",
    "MovePlan",
    "Page",
    "Photo",
    "PhotoAsOf",
    "PhotobusClient",
    "Project",
    "ReportLine",
    "Run",
    "RunStep",
    "Schedule",
    "Selection",
    "Sent",
    "TagsPlan",
    "Task",
    "TaskDetail",
    "TaskPlan",
    "Token",
    "UndoPlan",
    "UnreachableError",
    "UploadResult",
]
