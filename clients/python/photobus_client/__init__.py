"""An async, typed client of photobus: projects, uploads that resume, tasks, jobs, live updates.

async with PhotobusClient("http://127.0.0.1:8080", token) as photobus:
    project = await photobus.create_project("Trip")
    async for event in photobus.follow():
        ...
"""

from photobus_client.client import PhotobusClient
from photobus_client.errors import ApiError, ClientError, UnreachableError
from photobus_client.journal import Journal
from photobus_client.live import LiveEvent
from photobus_client.models import CreatedToken, Job, Page, Photo, Project, Task, Token, UploadResult
from photobus_client.sending import Sent

__all__ = [
    "ApiError",
    "ClientError",
    "CreatedToken",
    "Job",
    "Journal",
    "LiveEvent",
    "Page",
    "Photo",
    "PhotobusClient",
    "Project",
    "Sent",
    "Task",
    "Token",
    "UnreachableError",
    "UploadResult",
]
