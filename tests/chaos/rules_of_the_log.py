"""Rules about tasks and the log: all that was accepted ends, and nothing has its effect twice."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any, Final

from chaos.evidence import Evidence, LogEvent
from chaos.expectation import Expectation
from chaos.journal import Entry
from chaos.owner import ENDED

_ONCE: Final = (
    ({"TaskCompleted", "TaskFailed", "TaskCanceled"}, "the end of task", "task_id"),
    ({"JobCompleted"}, "the completion of job", "job_id"),  # which may come after the job was canceled
    ({"JobFailed", "JobCanceled"}, "the end of job", "job_id"),
    ({"TaskRequested"}, "the request of task", "task_id"),
    ({"TaskStarted"}, "the start of task", "task_id"),
    ({"ProjectCreated"}, "the making of project", "project_id"),
)
_ONCE_A_TASK: Final = frozenset({"PhotosMoved", "KeepChanged", "TagsChanged", "PhotosRemoved"})
_FILES_ONCE_A_TASK: Final = frozenset({"FilesTrashed", "FilesRestored"})
_UPLOADED: Final = frozenset({"PhotosAdded", "PhotoFilesChanged"})


def accepted_tasks_end(expected: Expectation, found: Evidence, entries: Iterable[Entry]) -> Iterator[str]:
    """Each task that was accepted has ended, and what was said to have ended stays so."""
    for task_id, op in expected.tasks.items():
        task = found.tasks.get(task_id)
        if task is None:
            yield f"task {task_id} ({op.kind}, operation {op.id}) was accepted and is unknown"
        elif task["status"] not in ENDED:
            how = f"is {task['status']}: {_open(found, task_id)}"
            yield f"task {task_id} ({op.kind}, operation {op.id}) was accepted and {how}"
    for task_id, task in found.tasks.items():
        if task_id not in expected.tasks and task["status"] not in ENDED:
            yield f"task {task_id} ({task['type']}) is {task['status']}: {_open(found, task_id)}"
    for entry in entries:
        if entry.what == "ended":
            status = found.tasks.get(entry.facts["task"], {}).get("status")
            if status != entry.facts["status"]:
                yield f"task {entry.facts['task']} had ended as {entry.facts['status']} and is {status}"


def _open(found: Evidence, task: str) -> str:
    jobs = [job for job in found.jobs.values() if job["task_id"] == task and job["status"] not in ENDED]
    return ", ".join(f"{job['job_type']} {job['id']} is {job['status']}" for job in jobs) or "no job is open"


def items_have_one_outcome(found: Evidence) -> Iterator[str]:
    """Each photo of a completed step has an outcome, and one alone."""
    seen = Counter((outcome.task, outcome.step, outcome.photo) for outcome in found.outcomes)
    for (task, step, photo), times in seen.items():
        if times > 1:
            yield f"photo {photo} has {times} outcomes in step {step} of task {task}"
    by_job = Counter(outcome.job for outcome in found.outcomes)
    for job_id, job in found.jobs.items():
        if job["status"] == "completed" and job["over"] == "items" and by_job[job_id] != job["count"]:
            about = f"{job['job_type']} {job_id} of task {job['task_id']}"
            yield f"{about} is completed with {by_job[job_id]} outcomes of {job['count']} photos"


def nothing_is_told_twice(found: Evidence) -> Iterator[str]:
    """No effect stands in the log twice: ends of tasks and jobs, what became of photos, uploads."""
    told: defaultdict[tuple[Hashable, ...], list[int]] = defaultdict(list)
    for event in found.events:
        for effect in _effects(event):
            told[effect].append(event.seq)
    for effect, seqs in told.items():
        if len(seqs) > 1:
            yield f"{' '.join(map(str, effect))} is told {len(seqs)} times: events {seqs}"


def _effects(event: LogEvent) -> Iterator[tuple[Hashable, ...]]:
    """Yield what the event says that may be said once."""
    data = event.data
    for types, word, field in _ONCE:
        if event.type in types:
            yield word, data[field]
    for photo in data.get("photos", ()):
        yield from _effects_on(event, photo)
    if event.type in _FILES_ONCE_A_TASK and event.task is not None:  # others say of files only how many there were
        for file in data["files"]:
            yield event.type, "by task", event.task, "of", file["photo_id"], file["name"]


def _effects_on(event: LogEvent, photo: Mapping[str, Any]) -> Iterator[tuple[Hashable, ...]]:
    if event.type in _ONCE_A_TASK and event.task is not None:
        yield event.type, "by task", event.task, "of photo", photo["photo_id"]
    if event.type == "PhotosAdded":
        yield "photo", photo["photo_id"], "added"
    if event.type in _UPLOADED and event.data.get("cause", "upload") == "upload":
        yield from (("upload of md5", file["md5"]) for file in photo.get("added", photo.get("files", ())))


def versions_have_no_gap(found: Evidence) -> Iterator[str]:
    """Each change of a photo has the next version, and its event tells it."""
    told: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for event in found.events:
        for photo in event.data.get("photos", ()):
            if "version" in photo:
                told[photo["photo_id"]].append((photo["version"], event.seq))
    for photo_id, versions in told.items():
        numbers = sorted(version for version, _ in versions)
        if numbers != list(range(1, len(numbers) + 1)):
            odd = _odd(numbers)
            where = [f"{version} in event {seq}" for version, seq in versions if version in odd]
            yield f"photo {photo_id} has the versions {numbers}: {', '.join(where) or f'{sorted(odd)} nowhere'}"
        elif photo_id in found.photos and found.photos[photo_id]["version"] != numbers[-1]:
            yield f"photo {photo_id} has version {found.photos[photo_id]['version']}, the log tells of {numbers[-1]}"


def _odd(numbers: list[int]) -> set[int]:
    """Return versions that are there twice, or are missing."""
    twice = {version for version, times in Counter(numbers).items() if times > 1}
    return twice | (set(range(1, numbers[-1] + 1)) - set(numbers))


def words_count_once(expected: Expectation, found: Evidence) -> Iterator[str]:
    """A tag that was given once, however often it was asked for, was given once."""
    given: Counter[tuple[int, str]] = Counter()
    for event in found.events:
        if event.type == "TagsChanged":
            given.update((photo["photo_id"], tag) for photo in event.data["photos"] for tag in photo["added"])
    for (photo, tag), times in given.items():
        if times > 1 and tag in expected.given_once:
            yield f"photo {photo} was given the tag {tag} {times} times"


def answers_were_no_accidents(entries: Iterable[Entry]) -> Iterator[str]:
    """Nothing was answered with 500: a part that is away is answered with 503."""
    accidents: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    kinds: dict[str, str] = {}
    for entry in entries:
        if entry.what == "asked":
            kinds[entry.facts["op"]] = entry.facts["kind"]
        elif entry.what == "unanswered" and entry.facts["why"].startswith("500 "):
            accidents[f"{kinds[entry.facts['op']]}: {entry.facts['why']}"].append(entry.facts)
    for accident, seen in accidents.items():
        yield f"{len(seen)} times answered with 500 ({accident}), first operation {seen[0]['op']}"
