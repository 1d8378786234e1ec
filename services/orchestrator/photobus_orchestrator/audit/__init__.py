"""The audit: whether the log is whole, and whether all else follows from it; and the log taken out and put back.

What only reads sees one snapshot of the database, so it may run beside a working system.
"""

from photobus_orchestrator.audit.exports import Selection, bound, export, written_whole
from photobus_orchestrator.audit.imports import Imported, restore
from photobus_orchestrator.audit.replays import put_in_place, replay, report_of_replay
from photobus_orchestrator.audit.report import CANNOT_CHECK, Report, keep_answers_alone
from photobus_orchestrator.audit.snapshot import CannotAuditError
from photobus_orchestrator.audit.stream import server_at
from photobus_orchestrator.audit.verification import verify

__all__ = [
    "CANNOT_CHECK",
    "CannotAuditError",
    "Imported",
    "Report",
    "Selection",
    "bound",
    "export",
    "keep_answers_alone",
    "put_in_place",
    "replay",
    "report_of_replay",
    "restore",
    "server_at",
    "verify",
    "written_whole",
]
