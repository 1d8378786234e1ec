"""Every query that writes, by its module: the events of which one is said in the same transaction, or why none is.

``tests/unit/test_writing_queries.py`` holds this against the code, and in the databases of tests a trigger holds what
is committed against it (``held.py``).
"""

import ast
import importlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from photobus_common.events.access import TenantCreated, TokenCreated, TokenRevoked
from photobus_common.events.confirmations import ConfirmationAnswered, ConfirmationExpired, ConfirmationRequested
from photobus_common.events.envelope import EventData
from photobus_common.events.maintenance import (
    FolderRenamed,
    MetadataUpdated,
    PhotosRecognized,
    ProjectDiscovered,
    ProjectRemoved,
    ProjectReturned,
)
from photobus_common.events.projects import (
    DerivativesUpdated,
    KeepChanged,
    PhotoFilesChanged,
    PhotosAdded,
    PhotosMoved,
    PhotosRemoved,
    PhotosRestored,
    ProjectCanceled,
    ProjectCreated,
    ProjectRenamed,
    ProjectRestored,
    TagsChanged,
)
from photobus_common.events.schedules import ScheduleChanged, TickSkipped
from photobus_common.events.tasks import TaskRequested

Events = tuple[type[EventData], ...]

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = (
    "libs/common/photobus_common",
    "services/gateway/photobus_gateway",
    "services/orchestrator/photobus_orchestrator",
    "services/derivatives/photobus_derivatives",
    "services/maintenance/photobus_maintenance",
    "services/filemover/photobus_filemover",
    "clients/python/photobus_client",
    "clients/cli/photobus_cli",
    "deploy/local/photobus_local",
)

STATE: Final = frozenset(
    {"tenants", "api_tokens", "projects", "photos", "photo_files", "photo_tags", "schedules", "confirmations"}
)
"""Tables of what users see and may change."""

_LOG: Final = "the way of events and commands themselves"
_FOLD: Final = "what follows from the log: a replay makes it again"
_CLAIMS: Final = "who works on a job; what comes of it is said"
_INTENT: Final = "what is about to be done with files; that it was done is said"
_UPLOADS: Final = "bytes that nobody sees yet; that they are a photo's is said"
_REQUESTS: Final = "about requests, not about what they do"
_SEEN: Final = "what a check saw on disk; what it changes, or leaves, is said"
_REPORT: Final = "the lines of a report, each of which names the event it is of"
_OF_CONFIRMATION: Final = "the photos that a confirmation is about, which is said"
_CLOCK: Final = "when a schedule is due next; that it was due is said"
_RUNS: Final = "which runs of schedules may still be going on; their tasks are in the log"

_ADDED_OR_CHANGED: Final = (PhotosAdded, PhotoFilesChanged)

WRITING: Final[Mapping[str, Mapping[str, Events | str]]] = {
    "photobus_common.store.catalogue": {
        "WRITE_KEEP": (KeepChanged,),
        "ADD_TAGS": (TagsChanged,),
        "REMOVE_TAGS": (TagsChanged,),
        "RAISE_VERSIONS": (TagsChanged,),
    },
    "photobus_common.store.claims": {
        "TAKE_CLAIMS": _CLAIMS,
        "SETTLE_CLAIMS": _CLAIMS,
        "BEAT_CLAIM": _CLAIMS,
        "BEAT_HELD_CLAIM": _CLAIMS,
        "SAVE_CURSOR": _CLAIMS,
    },
    "photobus_common.store.confirmations": {
        "INSERT_CONFIRMATION": (ConfirmationRequested,),
        "INSERT_LACKING": _OF_CONFIRMATION,
        "INSERT_OF_PROJECT": _OF_CONFIRMATION,
        "ANSWER": (ConfirmationAnswered,),
        "APPLY": "that the job has acted upon the answer; what it did is said",
        "EXPIRE_OF_PROJECTS": (ConfirmationExpired,),
    },
    "photobus_common.store.deletions": {
        "ARCHIVE_PROJECTS": (ProjectCanceled,),
        "ACTIVATE_PROJECT": (ProjectRestored, ProjectReturned),
        "FOLLOW_FOLDER": (FolderRenamed,),
        "FORGET_UPLOADS": _UPLOADS,
    },
    "photobus_common.store.derivatives": {"RECORD_DERIVATIVES": (DerivativesUpdated,)},
    "photobus_common.store.discovery": {"FORGET_MISSING": _SEEN},
    "photobus_common.store.event_log": {
        "ENSURE_CURSOR": _FOLD,
        "MOVE_CURSOR_AND_APPEND": _FOLD,
        "FOLLOW_STREAM": _FOLD,
        "DELETE_ARCHIVED_OUTBOX": _LOG,
    },
    "photobus_common.store.file_operations": {
        "RECORD_OPERATIONS": _INTENT,
        "RETARGET_OPERATIONS": _INTENT,
        "END_OPERATIONS": _INTENT,
    },
    "photobus_common.store.file_renames": {"RECORD_RENAMES": _INTENT, "END_RENAMES": _INTENT},
    "photobus_common.store.findings": {"ADD_COUNTS": _REPORT, "INSERT_FINDINGS": _REPORT},
    "photobus_common.store.folder_marks": {"SET_MARK": _SEEN},
    "photobus_common.store.folders": {"SET_FOLDER": (FolderRenamed,)},
    "photobus_common.store.idempotency": {
        "RESERVE_KEY": _REQUESTS,
        "KEEP_ANSWER": _REQUESTS,
        "DROP_EXPIRED": _REQUESTS,
    },
    "photobus_common.store.job_items": {
        "INSERT_OUTCOMES": "what became of a job's items; the job's end says how many",
        "INSERT_OUTCOMES_BESIDE_DELETIONS": "the same",
        "CANCEL_ITEMS_OF_PROJECT": "items of a project whose deletion is said",
    },
    "photobus_common.store.lost_derivatives": {"MARK_MISSING": (DerivativesUpdated,)},
    "photobus_common.store.lost_files": {
        "RECORD_LOST": _SEEN,
        "FORGET_FOUND": _SEEN,
        "FORGET_PHOTOS": _SEEN,
        "FORGET_UNKEPT": _SEEN,
        "MARK_REMOVED": _SEEN,
    },
    "photobus_common.store.maintenance_runs": {"CLEAR_LINES": _REPORT},
    "photobus_common.store.metadata": {"CORRECT_METADATA": (MetadataUpdated,)},
    "photobus_common.store.moves": {"MOVE_PHOTOS": (PhotosMoved,), "MOVE_FILES": (PhotosMoved, PhotosRecognized)},
    "photobus_common.store.orphans": {
        "NOTE_MISSING": _SEEN,
        "FORGET_MISSING": _SEEN,
        "ARCHIVE": (ProjectCanceled,),
        "NOTE_ARCHIVED": _SEEN,
        "FORGET_OPERATIONS": _INTENT,
        "REMOVE_PROJECT": (ProjectRemoved,),
    },
    "photobus_common.store.outbox": {
        "TAKE_DUE_MESSAGES": _LOG,
        "DELETE_PUBLISHED_COMMANDS": _LOG,
        "LET_PUBLISHED_EVENTS_REST": _LOG,
        "MAKE_ALL_EVENTS_DUE": _LOG,
        "LET_NEXT_RELAY_LOOK_SOON": _LOG,
    },
    "photobus_common.store.photos": {
        "INSERT_PHOTOS": (PhotosAdded,),
        "PUT_FILES": _ADDED_OR_CHANGED,
        "COUNT_FILES_IN": _ADDED_OR_CHANGED,
        "MEET_METADATA": _ADDED_OR_CHANGED,
    },
    "photobus_common.store.project_operations": {"RECORD": _INTENT, "RETARGET": _INTENT, "END_OPERATION": _INTENT},
    "photobus_common.store.projects": {
        "INSERT_PROJECT": (ProjectCreated, ProjectDiscovered),
        "RENAME_PROJECT": (ProjectRenamed,),
    },
    "photobus_common.store.rate_limits": {"COUNT_HIT": _REQUESTS, "DROP_UNUSED": _REQUESTS},
    "photobus_common.store.recognizing": {
        "RECOGNIZE_PHOTOS": (PhotosRecognized,),
        "REMOVED_FILES": (PhotosRecognized,),
    },
    "photobus_common.store.reconciliation": {
        "CORRECT_TIMES": "when a file was changed, by its own word; its bytes are those on record",
        "REMOVE_FILES": (PhotoFilesChanged, PhotosRemoved),
        "CORRECT_AVAILABILITY": (PhotoFilesChanged,),
        "INSERT_FILES": (*_ADDED_OR_CHANGED, PhotosRecognized),
        "EXTEND_AVAILABILITY": (PhotoFilesChanged,),
    },
    "photobus_common.store.removals": {"SHRINK_PHOTOS": (PhotoFilesChanged,), "DELETE_PHOTOS": (PhotosRemoved,)},
    "photobus_common.store.restoring": {
        "INSERT_REMOVED": (PhotosRestored,),
        "INSERT_FILES": (PhotosRestored,),
        "INSERT_TAGS": (PhotosRestored,),
    },
    "photobus_common.store.returns": {"GROW_PHOTOS": (PhotoFilesChanged,)},
    "photobus_common.store.schedules": {
        "MAKE_MISSING": (ScheduleChanged,),
        "CHANGE": (ScheduleChanged,),
        "MOVE_ON": (TaskRequested, TickSkipped),
        "START_ANEW": _CLOCK,
        "NOTE_RUN": (TaskRequested,),
        "NOTE_SKIPPED": (TickSkipped,),
        "FORGET_ENDED_RUNS": _RUNS,
        "COUNT_ANEW_WHAT_WAITS": _RUNS,
        "ASK_OVERDUE": _RUNS,
    },
    "photobus_common.store.stray_files": {"RECORD_STRAYS": _INTENT, "FORGET_STRAYS": _INTENT},
    "photobus_common.store.tasks": {
        "SAVE_TASKS": _FOLD,
        "SAVE_JOBS": _FOLD,
        "ADD_TASK_ITEMS": _FOLD,
        "ADD_TASK_PROJECTS": _FOLD,
        "ADD_PROJECTS_OF_ITEMS": _FOLD,
        "CLAIM_RESOLUTION": _FOLD,
        "copy into task_items": _FOLD,
    },
    "photobus_common.store.tenants": {"INSERT_TENANT": (TenantCreated,)},
    "photobus_common.store.tokens": {"OPEN_ACCESS": (TokenCreated,), "END_ACCESS": (TokenRevoked,)},
    "photobus_common.store.trash_removals": {
        "BEGIN_REMOVALS": _INTENT,
        "END_REMOVALS": _INTENT,
        "BEGIN_WHOLE": _INTENT,
        "END_WHOLE": _INTENT,
        "FORGET_WHOLE": _INTENT,
        "FORGET_TRASHED": _INTENT,
    },
    "photobus_common.store.unit_of_work": {"INSERT_OUTBOX": _LOG, "INSERT_OUTBOX_ONCE": _LOG},
    "photobus_common.store.upload_batches": {
        "ADD_TO_BATCHES": _UPLOADS,
        "COUNT_ANSWERED": _UPLOADS,
        "TAKE_FROM_BATCH": _UPLOADS,
        "FORGET_COUNTS": _UPLOADS,
        "FORGET_OLD_COUNTS": _UPLOADS,
    },
    "photobus_common.store.upload_renames": {"NOTE_RENAMES": _UPLOADS, "FORGET_OLD_RENAMES": _UPLOADS},
    "photobus_common.store.uploads": {
        "INSERT_UPLOAD": _UPLOADS,
        "EXTEND_UPLOAD": _UPLOADS,
        "MARK_UNVERIFIED": _UPLOADS,
        "DELETE_UPLOAD": _UPLOADS,
        "RECORD_INTENTS": _UPLOADS,
        "SETTLE_UPLOADS": _UPLOADS,
        "FORGET_UPLOADS": _UPLOADS,
    },
    "photobus_orchestrator.audit.imports": {"SET_CURSOR": _FOLD, "copy into event_log": _FOLD},
    "photobus_orchestrator.audit.projections": {"REMOVE_DIFFERENT": _FOLD, "ADD_MISSING": _FOLD},
}

WITHOUT_EVENT: Final = frozenset(
    {
        ("photobus_common.store.confirmations", "APPLY"),
        ("photobus_common.store.reconciliation", "CORRECT_TIMES"),
        ("photobus_common.store.schedules", "START_ANEW"),
    }
)
"""Queries that write a table of ``STATE`` and say nothing: none of it is what a user sees or set."""

_TABLE: Final = r"(?:ONLY\s+)?([a-z_{][\w.{}]*)"
_WRITES: Final = (
    re.compile(rf"\b(?:INSERT\s+INTO|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE|COPY)\s+{_TABLE}"),
    re.compile(rf"\bUPDATE\s+{_TABLE}(?:\s+(?:AS\s+)?[a-z]\w*)?\s+SET\b"),
)

_ASKS: Final = frozenset({"execute", "executemany", "fetch", "fetchrow", "fetchval", "cursor", "prepare"})
_COPIES: Final = frozenset({"copy_records_to_table", "copy_to_table"})


@dataclass(frozen=True)
class Query:
    """A named query as it is at run time, or several that go by one name, and the tables that it writes."""

    module: str
    name: str
    texts: tuple[str, ...]
    tables: frozenset[str]


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Return each module of the product, migrations aside, with its syntax."""
    for package in PACKAGES:
        folder = ROOT / package
        for path in sorted(folder.rglob("*.py")):
            if "migrations" not in path.parts:
                words = path.relative_to(folder.parent).with_suffix("").parts
                yield ".".join(words).removesuffix(".__init__"), ast.parse(path.read_text())


@cache
def writing_queries() -> tuple[Query, ...]:
    """Return every constant of a module that is a query that writes; also every table that rows are copied into."""
    found = []
    for module, tree in sources():
        for name in _texts(tree):
            texts = _texts_in(getattr(importlib.import_module(module), name))
            if tables := frozenset[str]().union(*map(written_by, texts)):
                found.append(Query(module, name, texts, tables))
        found += [Query(module, f"copy into {table}", (), frozenset({table})) for table in _copied_into(tree)]
    return tuple(found)


def written_by(text: str) -> frozenset[str]:
    """Return the tables that ``text`` writes, if it is SQL that does."""
    return frozenset(table for pattern in _WRITES for table in pattern.findall(text))


def nameless(tree: ast.Module) -> list[int]:
    """Return the lines of SQL that is no constant of its module: written where it is used, or put together there."""
    constants = {id(part) for _, value in _constants(tree) for part in ast.walk(value)}
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _ASKS:
            lines += [node.lineno for asked in node.args[:1] if _has_text(asked)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in constants:
            lines += [node.lineno] if written_by(node.value) else []
    return lines


def _copied_into(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _COPIES:
            yield str(ast.literal_eval(node.args[0]))


def _constants(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and target.id.isupper():
                yield target.id, node.value


def _texts(tree: ast.Module) -> Iterator[str]:
    """Return the constants that are made of text."""
    return (name for name, value in _constants(tree) if _has_text(value))


def _texts_in(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    parts = value.values() if isinstance(value, Mapping) else value
    return tuple(text for part in parts for text in _texts_in(part)) if isinstance(parts, Iterable) else ()


def _has_text(node: ast.expr) -> bool:
    return any(isinstance(part, ast.Constant) and isinstance(part.value, str) for part in ast.walk(node))
