"""The worker runtime: lanes, slots, claims, heartbeats, results, hand-back. Services bring handlers, one a job type."""

from photobus_common.store.claims import ClaimLostError, JobCanceledError
from photobus_common.store.job_items import ItemOutcome, JobItem
from photobus_common.worker.job import Handler, Job, WorkerPublisher
from photobus_common.worker.results import HandBackError
from photobus_common.worker.runtime import Worker

__all__ = [
    "ClaimLostError",
    "HandBackError",
    "Handler",
    "ItemOutcome",
    "Job",
    "JobCanceledError",
    "JobItem",
    "Worker",
    "WorkerPublisher",
]
