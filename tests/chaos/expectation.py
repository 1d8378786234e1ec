"""The journal folded into what must be: operations in their order, each with what came of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Protocol

from chaos import model
from chaos.journal import Entry
from chaos.model import NOWHERE, PLACE, TRASH, Before, File, Photo, Verdict
from chaos.upload_deeds import KIND_OF, split


@dataclass
class Operation:
    """Something that was asked; ``status`` is None where its outcome never became known."""

    id: str
    kind: str
    owner: str
    asked_at: float
    facts: Mapping[str, Any]
    status: int | None = None
    answer: Any = None
    answered_at: float | None = None
    attempts: int = 1

    @property
    def ok(self) -> bool:
        """Whether photobus said that it did it, or will."""
        return self.status is not None and self.status < HTTPStatus.BAD_REQUEST

    @property
    def refused(self) -> bool:
        """Whether photobus said that it did nothing."""
        return self.status is not None and not self.ok

    @property
    def task(self) -> str | None:
        """The task that was accepted."""
        return str(self.answer["task"]["id"]) if self.status == HTTPStatus.ACCEPTED and "task" in self.answer else None


class Outcomes(Protocol):
    """What photobus says of its tasks, once all have ended."""

    def ended_at(self, task: str) -> float:
        """Return when the task ended."""

    def status(self, task: str) -> str:
        """Return how it ended."""

    def photos_of(self, task: str) -> Sequence[int]:
        """Return the photos that it was over."""

    def item(self, task: str, photo: int) -> str | None:
        """Return the outcome of a photo in the step that does what the task is for; None: none is on record."""


@dataclass
class Project:
    """A project: names that it may have, but for a number, and whether it is there."""

    id: int
    names: set[str]
    alive: frozenset[bool] = frozenset({True})


def operations(entries: Iterable[Entry]) -> list[Operation]:
    """Return what was asked, in that order."""
    found: dict[str, Operation] = {}
    for entry in entries:
        facts = dict(entry.facts)
        match entry.what:
            case "asked":
                op = Operation(facts.pop("op"), facts.pop("kind"), facts.pop("owner"), entry.at, facts)
                found[op.id] = op
            case "unanswered":
                found[facts["op"]].attempts += 1
            case "answered":
                op = found[facts["op"]]
                op.status, op.answer, op.answered_at = facts["status"], facts["answer"], entry.at
    return list(found.values())


@dataclass
class Expectation:
    """What must be so."""

    outcomes: Outcomes
    files: dict[str, File] = field(default_factory=dict)
    photos: dict[int, Photo] = field(default_factory=dict)
    projects: dict[int, Project] = field(default_factory=dict)
    tasks: dict[str, Operation] = field(default_factory=dict)
    given_once: set[str] = field(default_factory=set)
    by_hand: set[str] = field(default_factory=set)
    _before: dict[tuple[str, int], Before] = field(default_factory=dict)

    def fold(self, ops: Iterable[Operation]) -> "Expectation":
        """Take in all operations."""
        for op in ops:
            if op.task is not None:
                self.tasks[op.task] = op
            if op.kind in _ASKED and not op.refused:
                _ASKED[op.kind](self, op)
            elif op.kind == "upload":
                self._upload(op)
        return self

    # --- uploads -------------------------------------------------------------------------------------------------

    def _upload(self, op: Operation) -> None:
        results = {result["filename"]: result for result in op.answer["results"]} if op.ok else {}
        for sent in op.facts["files"]:
            base, ending = split(sent["name"])
            file = File(sent["md5"], sent["name"], ending, KIND_OF[ending], op.id, False, PLACE | TRASH, frozenset())
            self.files[file.md5] = file
            result = results.get(sent["name"])
            if result is not None:
                self._result(op, file, base, result)
            elif op.status == HTTPStatus.NOT_FOUND and op.attempts == 1:
                file.sure, file.areas = True, NOWHERE
            if not file.sure and op.facts["query"].get("on_conflict") == "overwrite":
                self._may_replace(op, file, base)

    def _may_replace(self, op: Operation, file: File, base: str) -> None:
        """A file of which nothing is known may have taken the place of another."""
        for photo in self.photos.values():
            if base in photo.bases and op.facts["project"] in photo.places:
                model.replaced(photo, file, op.facts["project"], loose=True)

    def _lay_by_hand(self, op: Operation) -> None:
        """A file of nobody's that photobus may take for a photo, and must not lose."""
        for sent in op.facts["files"]:
            _, ending = split(sent["name"])
            file = File(sent["md5"], sent["name"], ending, KIND_OF[ending], op.id, True, PLACE | TRASH, frozenset())
            self.files[file.md5] = file
            self.by_hand.add(file.md5)
        photo = self.photos.get(op.facts["photo"])
        if photo is not None:  # if it comes back with others of its files, the one laid there is its own from then on
            photo.open_until = float("inf")
            photo.keep = {kind: frozenset({True, False}) for kind in ("jpg", "raw", "other")}

    def _result(self, op: Operation, file: File, base: str, result: Mapping[str, Any]) -> None:
        stored = result["status"] in _STORED or result["code"] in {"same_bytes", "waits_for_photo"}
        if not stored:
            if op.attempts == 1 and result["code"] not in {"not_recorded", "unfinished"}:
                file.sure, file.areas = True, NOWHERE
            return
        file.sure, file.areas, file.places = True, PLACE, frozenset({op.facts["project"]})
        if result["photo_id"] is not None:
            self._belongs(op, file, split(result["stored_as"])[0] if result["stored_as"] else base, result)

    def _belongs(self, op: Operation, file: File, base: str, result: Mapping[str, Any]) -> None:
        photo = self.photos.setdefault(result["photo_id"], Photo(result["photo_id"], places=file.places))
        loose = op.asked_at < photo.open_until
        if file.kind != "sidecar":
            self._kept_as_it_comes(photo, file.kind, stored=result["status"] in _STORED, loose=loose)
        if op.facts["query"].get("on_conflict") == "overwrite":
            model.replaced(photo, file, op.facts["project"], loose=loose)
        photo.bases.add(base)
        photo.files[file.md5] = file
        file.photo = photo
        if loose:
            file.areas = PLACE | TRASH
        photo.places |= file.places
        file.places |= photo.places if loose else frozenset()
        photo.history.append(op.id)

    def _kept_as_it_comes(self, photo: Photo, kind: str, *, stored: bool, loose: bool) -> None:
        """A kind that the photo lacked is kept as it comes; what was there already goes on as was said of it."""
        said = photo.keep.get(kind, frozenset())
        if not photo.available(kind):
            # What was not stored may have come without an answer, and been spoken of since.
            photo.keep[kind] = (
                frozenset({True, False}) if loose else frozenset({True}) | (frozenset() if stored else said)
            )
        elif not photo.surely_available(kind):
            photo.keep[kind] = said | {True}

    # --- words about photos --------------------------------------------------------------------------------------

    def _said(self, op: Operation) -> Iterable[tuple[Photo, Verdict, bool]]:
        """Yield each photo that something was said of at once, what came of it, and whether a task was open."""
        answers = {item["photo_id"]: item["status"] for item in op.answer["items"]} if op.ok else {}
        for photo_id in op.facts["photos"]:
            # One that came by an upload whose answer got lost is known from here on.
            photo = self.photos.setdefault(photo_id, Photo(photo_id))
            status = answers.get(photo_id)
            verdict: Verdict = "unclear" if status is None else "nothing" if status == "failed" else "done"
            yield photo, verdict, op.asked_at < photo.open_until
            photo.history.append(op.id)

    def _tag(self, op: Operation) -> None:
        if op.kind == "tag":
            self.given_once.add(op.facts["tag"])
        for photo, verdict, loose in self._said(op):
            model.tag(photo, op.facts["tag"], verdict, given=op.kind == "tag", loose=loose)

    def _keep(self, op: Operation) -> None:
        wishes = {item["photo_id"]: item for item in op.facts["items"]}
        for photo, verdict, loose in self._said(op):
            wish = wishes[photo.id]
            kinds = {kind: wish[f"keep_{kind}"] for kind in ("jpg", "raw", "other") if f"keep_{kind}" in wish}
            model.keep(photo, kinds, verdict, loose=loose)

    # --- tasks over photos ---------------------------------------------------------------------------------------

    def _over(self, op: Operation, *, failed: Verdict = "unclear") -> Iterable[tuple[Photo, Verdict, bool]]:
        """Yield each photo of a task, what came of it, and whether something else was open on it."""
        task = op.task
        ended = float("inf") if task is None else self.outcomes.ended_at(task)
        for photo_id in self._photos(op) if task is None else self.outcomes.photos_of(task):
            # A filter is looked up when the task starts: a photo that comes until then may be among what it finds.
            photo = self.photos.setdefault(photo_id, Photo(photo_id))
            status = None if task is None else self.outcomes.item(task, photo_id)
            verdicts: dict[str | None, Verdict] = {"done": "done", "skipped": "nothing", "failed": failed}
            verdict = verdicts.get(status, "unclear")
            before, loose = Before.of(photo), op.asked_at < photo.open_until
            photo.lately = photo.places | photo.lately if loose else photo.places
            yield photo, verdict, loose
            photo.open_until = max(photo.open_until, ended)
            photo.history.append(task or op.id)
            self._before[task or op.id, photo_id] = before

    def _photos(self, op: Operation) -> Sequence[int]:
        """Return the photos that an operation of unknown outcome may be over."""
        if op.facts["photos"]:
            return list(op.facts["photos"])
        return [photo.id for photo in self.photos.values() if op.facts["about"] in photo.places]

    def _commit(self, op: Operation) -> None:
        for photo, verdict, loose in self._over(op):
            model.commit(photo, verdict, loose=loose)

    def _revert(self, op: Operation) -> None:
        for photo, verdict, loose in self._over(op):
            model.revert(photo, verdict, loose=loose)

    def _move(self, op: Operation) -> None:
        for photo, verdict, loose in self._over(op, failed="nothing"):
            model.move(photo, verdict, op.facts["about"], loose=loose)

    def _tag_by_task(self, op: Operation) -> None:
        name = self._original(op).facts["tag"]
        for photo, verdict, loose in self._over(op):
            model.tag(photo, name, verdict, given=True, loose=loose)

    def _original(self, op: Operation) -> Operation:
        """Return the operation that a retry, perhaps of a retry, repeats."""
        while "retry_of" in op.facts:
            op = self.tasks[op.facts["retry_of"]]
        return op

    def _undo(self, op: Operation) -> None:
        undone = str(self._original(op).facts["of"])
        for photo, verdict, loose in self._over(op):
            before = self._before.get((undone, photo.id))
            if before is None or verdict == "nothing":
                continue
            touched = next((one for one in reversed(photo.history) if one not in _passing(op)), undone) != undone
            before.bring_back(photo, loose=loose or touched or verdict == "unclear")

    # --- projects ------------------------------------------------------------------------------------------------

    def _make_project(self, op: Operation) -> None:
        if op.ok:
            self.projects[op.answer["id"]] = Project(op.answer["id"], {op.answer["name"]})

    def _rename_project(self, op: Operation) -> None:
        project = self.projects[op.facts["about"]]
        project.names = {op.answer["name"]} if op.ok else project.names | {op.facts["name"]}

    def _delete_project(self, op: Operation) -> None:
        project = self.projects[op.facts["about"]]
        project.alive = frozenset({False}) if op.ok else project.alive | {False}

    def _restore_project(self, op: Operation) -> None:
        project, task = self.projects[op.facts["about"]], op.task
        completed = task is not None and self.outcomes.status(task) == "completed"
        project.alive = frozenset({True}) if completed else project.alive | {True}


def _passing(op: Operation) -> frozenset[str]:
    return frozenset({op.id, op.task or op.id})


_STORED: Final = frozenset({"created", "paired", "overwritten", "renamed"})

_ASKED: Final[Mapping[str, Callable[[Expectation, Operation], None]]] = {
    "tag": Expectation._tag,
    "untag": Expectation._tag,
    "keep": Expectation._keep,
    "commit": Expectation._commit,
    "commit project": Expectation._commit,
    "revert": Expectation._revert,
    "move": Expectation._move,
    "tag by task": Expectation._tag_by_task,
    "undo": Expectation._undo,
    "lay by hand": Expectation._lay_by_hand,
    "make project": Expectation._make_project,
    "rename project": Expectation._rename_project,
    "delete project": Expectation._delete_project,
    "restore project": Expectation._restore_project,
}
"""What each kind of operation means; all others change nothing that is judged."""
