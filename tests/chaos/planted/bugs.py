"""The bugs that can be planted: what each breaks, which check must find it, and what brings it to light.

A bug is what a careless engineer might have written. Its broken parts stand in a module of its name in ``broken``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class Exchange:
    """A part of photobus that ``bug`` breaks: ``attribute`` of ``module``, a name or a path of names.

    The broken part has the last name of the path, less a leading underscore, in the bug's module.
    """

    bug: str
    module: str
    attribute: str


@dataclass(frozen=True)
class Bug:
    """``breaks`` says what is wrong with it, ``found_by`` the checks of which one must find it, likeliest first.

    ``faults`` are the kinds that the nemesis is kept to, all if there are none; ``weights`` go to the load and
    ``settings`` to the services: they make what brings the bug to light happen oftener. The judge knows nothing.
    """

    name: str
    breaks: str
    parts: tuple[tuple[str, str], ...]
    found_by: tuple[str, ...]
    faults: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The parts that it breaks."""
        return tuple(Exchange(self.name, module, attribute) for module, attribute in self.parts)


_ALL: Final = (
    Bug(
        "outbox_skipped",
        "Events are published straight after the commit and stand in no outbox: a killed process loses them.",
        (("photobus_common.store.unit_of_work", "_insert"),),
        ("tasks", "effects", "audit"),
        faults=("kill service", "kill doubles", "kill everything"),
    ),
    Bug(
        "outbox_forgets_at_publish",
        "An event's row leaves the outbox when the broker has it: a broker that loses its disk loses the event.",
        (("photobus_common.bus.settling", "Settler.published"),),
        ("tasks", "effects", "audit"),
        faults=("wipe broker", "kill doubles", "pause doubles"),
    ),
    Bug(
        "answered_before_commit",
        "A request is answered before its transaction is committed: a killed gateway forgets accepted tasks.",
        (("photobus_gateway.idempotency", "once"), ("photobus_gateway.idempotency", "emit_once")),
        ("tasks", "photos", "projects"),
        faults=("kill service", "kill doubles", "kill everything", "kill postgres"),
    ),
    Bug(
        "ack_before_commit",
        "A worker ends its claim and acks before its result is committed: a killed worker leaves the job for good.",
        (("photobus_common.worker.ledger", "Ledger.settle"),),
        ("tasks",),
        faults=("kill service", "kill workers", "kill everything"),
    ),
    Bug(
        "claim_unchecked",
        "Writes are not conditional on the claim: a worker that slept past its lease writes beside its successor.",
        (
            ("photobus_common.store.claims", "lock_own_claim"),
            ("photobus_common.store.claims", "beat_claim"),
            ("photobus_common.store.claims", "save_cursor"),
            ("photobus_common.store.claims", "settle_claims"),
        ),
        ("effects",),
        faults=("pause service",),
    ),
    Bug(
        "lock_not_taken",
        "The lock of a project's folder is not taken: two processes change it at once.",
        (
            ("photobus_common.storage.project_folder", "ProjectFolder.locked"),
            ("photobus_common.storage.project_folder", "ProjectFolder.try_lock"),
            ("photobus_common.storage.project_folder", "ProjectFolder.unlock"),
        ),
        ("originals", "rows", "effects", "photos", "answers"),
        faults=("pause service", "pause doubles"),
        weights={"send": 60, "send taken": 40, "send better": 20, "keep": 20, "commit": 20, "undo": 20, "move": 20},
    ),
    Bug(
        "rename_replaces",
        "A file that gets a name replaces what has it already.",
        (
            ("photobus_common.storage.renaming", "rename_no_replace"),
            ("photobus_common.storage.renaming", "link_no_replace"),
        ),
        ("originals",),
        faults=("kill service",),
        weights={"keep": 20, "commit": 20, "lay where an undo leads": 12, "maintain project": 0, "maintain library": 0},
    ),
    Bug(
        "move_without_record",
        "Moves copy and later delete with nothing on record: one that is killed in between leaves files twice.",
        (("photobus_filemover.journeys", "Mover._move_portion"),),
        ("originals", "rows", "photos"),
        faults=("kill service", "kill workers"),
        weights={"move": 40},
    ),
    Bug(
        "undo_over_others",
        "An undo does not look whether the place is free: what lies there is gone.",
        (
            ("photobus_common.store.undoing", "_namesakes"),
            ("photobus_filemover.restored", "taken_by_others"),
            ("photobus_filemover.bringing_back", "_rename"),
        ),
        ("originals", "tasks"),
        faults=("kill service",),
        weights={"keep": 25, "commit": 25, "send again after commit": 30, "undo": 30},
    ),
    Bug(
        "trash_by_mtime",
        "The trash expires by the times of the photos: what was deleted just now is gone if it is an old photo.",
        (("photobus_maintenance.trash", "contents_of"),),
        ("originals",),
        faults=("kill service",),
        weights={"send better": 12, "maintain library": 3},
    ),
    Bug(
        "empty_mount_trusted",
        "Nobody asks for the sentinel, nor how much is gone: an empty folder in the library's place is the library.",
        (
            ("photobus_common.storage.library", "TenantLibrary.open"),
            ("photobus_common.reconciliation", "mass_removal"),
            ("photobus_maintenance.guard", "_may_be_another"),
            ("photobus_maintenance.guard", "_Orphans.excess"),
        ),
        ("originals", "rows", "projects"),
        faults=("mount away",),
        weights={"make project": 20, "maintain library": 3},
    ),
    Bug(
        "derivatives_named_late",
        "Derivatives are on record before their files have names: a killed worker leaves photos without.",
        (("photobus_derivatives.making", "_Batch._write_all"),),
        ("derivatives",),
        faults=("kill service", "kill workers"),
        weights={"maintain project": 0, "maintain library": 0},
    ),
    Bug(
        "cursor_apart",
        "The fold commits its cursor before what follows from the events: one that is killed in between loses them.",
        (("photobus_orchestrator.fold", "Fold._archive"),),
        ("tasks", "audit"),
        faults=("kill service", "kill doubles", "kill postgres"),
    ),
    Bug(
        "repeat_counted",
        "An event that comes again under another sequence is counted again.",
        (
            ("photobus_orchestrator.fold", "_without_repeats"),
            ("photobus_common.store.event_log", "MOVE_CURSOR_AND_APPEND"),
        ),
        ("audit",),
        faults=("wipe broker", "kill doubles"),
    ),
    Bug(
        "reader_skips",
        "Whoever reads the log goes on one event late after a lost connection.",
        (("photobus_common.bus.reader", "EventReader._attach"),),
        ("audit", "tasks", "effects", "live updates"),
        faults=("cut broker", "cut broker from all", "kill broker"),
    ),
    Bug(
        "rescuer_off",
        "A command that the broker lost is never sent again.",
        (("photobus_orchestrator.rescuer", "Rescuer.rescue"),),
        ("tasks",),
        faults=("wipe broker", "pause doubles"),
    ),
    Bug(
        "resumed_late",
        "A client that comes back with Last-Event-ID goes on one event late.",
        (("photobus_gateway.sse_ring", "Ring.resume"),),
        ("live updates",),
        faults=("kill service",),
    ),
)

BUGS: Final[Mapping[str, Bug]] = {bug.name: bug for bug in _ALL}
