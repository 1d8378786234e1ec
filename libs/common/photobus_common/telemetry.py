"""Prometheus metrics of all services, and the W3C trace context that events carry.

The metrics stand here, in one place, because the alarms and dashboards of an owner read them by name: a service that
counts something uses the object below and invents no name of its own. Label values are of bounded number (types,
lanes, routes), never ids.
"""

import re
import secrets
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

_SHORT: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LONG: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)

TASKS_ACCEPTED: Final = Counter(
    "photobus_tasks_accepted",
    "Tasks answered with 202, that is, committed.",
    ["task_type", "source"],
    registry=REGISTRY,
)
TASKS_ENDED: Final = Counter(
    "photobus_tasks_ended",
    "Tasks that reached a final state, by that state.",
    ["task_type", "status"],
    registry=REGISTRY,
)
JOBS_ENDED: Final = Counter(
    "photobus_jobs_ended",
    "Runs of jobs by how they ended: completed, failed (for good), retried, handed_back, waiting, canceled, lost.",
    ["job_type", "outcome"],
    registry=REGISTRY,
)
JOB_ITEMS: Final = Counter(
    "photobus_job_items",
    "Items with an outcome: done, failed, skipped, canceled.",
    ["job_type", "outcome"],
    registry=REGISTRY,
)
JOB_QUEUE_SECONDS: Final = Histogram(
    "photobus_job_queue_seconds",
    "From the command's publication to its claim by a worker.",
    ["job_type", "lane"],
    buckets=_LONG,
    registry=REGISTRY,
)
JOB_SECONDS: Final = Histogram(
    "photobus_job_seconds",
    "From the claim of a job to the end of that run.",
    ["job_type"],
    buckets=_LONG,
    registry=REGISTRY,
)
JOBS_RUNNING: Final = Gauge("photobus_jobs_running", "Jobs in the slots of this process.", ["lane"], registry=REGISTRY)
OUTBOX_LAG_SECONDS: Final = Gauge(
    "photobus_outbox_lag_seconds",
    "Age of the oldest outbox row that is due and not yet published; 0 when there is none.",
    registry=REGISTRY,
)
OUTBOX_RELAYED: Final = Counter(
    "photobus_outbox_relayed",
    "Outbox rows published by a relay because their own process did not.",
    registry=REGISTRY,
)
MESSAGES_PUBLISHED: Final = Counter(
    "photobus_messages_published",
    "Messages that the broker acknowledged, by kind (event, command).",
    ["kind"],
    registry=REGISTRY,
)
ARCHIVE_LAG_EVENTS: Final = Gauge(
    "photobus_archive_lag_events",
    "Events in the stream that the archive does not hold yet.",
    registry=REGISTRY,
)
ARCHIVE_LAG_SECONDS: Final = Gauge(
    "photobus_archive_lag_seconds",
    "Age of the oldest event that the archive does not hold yet; an alarm when near events.max_age_days.",
    registry=REGISTRY,
)
SSE_CLIENTS: Final = Gauge("photobus_sse_clients", "Connected live-update clients.", registry=REGISTRY)
SSE_CUT_OFF: Final = Counter(
    "photobus_sse_cut_off",
    "Live-update clients that were disconnected, by reason: stalled, fell_behind, revoked (token), refused (too many).",
    ["reason"],
    registry=REGISTRY,
)
SSE_RING_BYTES: Final = Gauge(
    "photobus_sse_ring_bytes", "Bytes of rendered events kept for clients.", registry=REGISTRY
)
HTTP_SECONDS: Final = Histogram(
    "photobus_http_seconds",
    "From the request's head to the end of its answer, by route pattern and status.",
    ["method", "route", "status"],
    buckets=_SHORT,
    registry=REGISTRY,
)
UPLOADED_FILES: Final = Counter(
    "photobus_uploaded_files",
    "Files that clients sent, by what became of them, as each is told (created, paired, skipped, refused, ...).",
    ["status"],
    registry=REGISTRY,
)
UPLOADED_BYTES: Final = Counter(
    "photobus_uploaded_bytes",
    "Bytes of files written as they came, those that were refused later included.",
    registry=REGISTRY,
)

_TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


def traceparent(incoming: str | None = None) -> str:
    """Return a W3C ``traceparent`` for our work: in the trace of ``incoming`` if that is valid, else in a new one."""
    match = _TRACEPARENT.fullmatch(incoming or "")
    if match is None or not int(match[1], 16) or not int(match[2], 16):
        return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
    return f"00-{match[1]}-{secrets.token_hex(8)}-{match[3]}"
