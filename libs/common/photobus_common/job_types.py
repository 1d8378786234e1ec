"""Every job type of the jobs overview: which service runs it and what one job of it works on.

A definition may name any of these. ``provided`` is false for those that no service of this version runs yet: a task
that needs one is refused with 501 and its name.
"""

from dataclasses import dataclass
from typing import Final, Literal

Service = Literal["derivatives", "maintenance", "filemover"]
Unit = Literal["items", "projects", "library"]


@dataclass(frozen=True)
class JobType:
    """``units`` lists what a step of this type may be defined over."""

    name: str
    service: Service
    units: frozenset[Unit]
    provided: bool = False


def _type(name: str, service: Service, *units: Unit, provided: bool = False) -> JobType:
    return JobType(name, service, frozenset(units), provided)


_ALL: Final = (
    _type("upload_postprocess", "derivatives", "items", provided=True),
    _type("generate_derivatives", "derivatives", "items", provided=True),
    _type("manifest_check", "maintenance", "items", "projects", "library", provided=True),
    _type("folder_check", "maintenance", "items", "projects", "library", provided=True),
    _type("manifest_cleaning", "maintenance", "projects", "library", provided=True),
    _type("trash_maintenance", "maintenance", "projects", "library", provided=True),
    _type("orphaned_project_cleanup", "maintenance", "library", provided=True),
    _type("duplicate_resolution", "maintenance", "projects", "library", provided=True),
    _type("folder_alignment", "maintenance", "projects", "library", provided=True),
    _type("folder_discovery", "maintenance", "library", provided=True),
    _type("project_scavenge", "maintenance", "projects", "library", provided=True),
    _type("cache_validation", "maintenance", "projects", "library", provided=True),
    _type("integrity_check", "maintenance", "projects", "library", provided=True),
    _type("regenerate_metadata", "maintenance", "items", "projects", "library", provided=True),
    _type("catalogue_update", "maintenance", "items", provided=True),
    _type("file_removal", "filemover", "items", provided=True),
    _type("image_move_files", "filemover", "items", provided=True),
    _type("undo_files", "filemover", "items", provided=True),
    _type("project_stop_processes", "filemover", "projects", provided=True),
    _type("project_delete_files", "filemover", "projects", provided=True),
    _type("project_cleanup_db", "filemover", "projects", provided=True),
    _type("project_restore", "filemover", "projects", provided=True),
)

JOB_TYPES: Final[dict[str, JobType]] = {job_type.name: job_type for job_type in _ALL}


def provided_by(service: Service) -> tuple[JobType, ...]:
    """Return the job types that ``service`` runs in this version."""
    return tuple(job for job in _ALL if job.service == service and job.provided)
