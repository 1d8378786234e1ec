"""The life of a job in words."""

from typing import Final

from photobus_common.events.confirmations import JobWaiting
from photobus_common.events.tasks import (
    JobAttemptFailed,
    JobCanceled,
    JobCompleted,
    JobEvent,
    JobFailed,
    JobHandedBack,
    JobLost,
    JobProgress,
    JobQueued,
    JobStarted,
)
from photobus_gateway.words.phrasing import counted, outcome, plain, quoted, sentence_of

_WHY_HANDED_BACK: Final = {
    "drain": "its worker is stopping",
    "portion": "other jobs wait",
    "pause": "its job type is paused",
    "locked": "somebody else works in the folder",
}


def _job(data: JobEvent) -> str:
    return f"Job {quoted(plain(data.job_type))}"


def _queued(data: JobQueued) -> str:
    photos = f", for {counted(data.count, 'photo')}" if data.count else ""
    if data.attempt > 1:
        return f"{_job(data)} queued for attempt {data.attempt}{photos}"
    return f"{_job(data)} queued{' again' if data.dispatch > 1 else ''}{photos}"


def _started(data: JobStarted) -> str:
    attempt = f", attempt {data.attempt}" if data.attempt > 1 else ""
    done = f", with {data.done} of {data.total} done before" if data.done else ""
    return f"{_job(data)} started{attempt}{done}"


def _progress(data: JobProgress) -> str:
    return f"{_job(data)}: {data.done} of {data.total} done"


def _handed_back(data: JobHandedBack) -> str:
    return f"{_job(data)} handed back: {_WHY_HANDED_BACK[data.reason]}"


def _waiting(data: JobWaiting) -> str:
    return f"{_job(data)} waits for {counted(len(data.confirmation_ids), 'confirmation')}"


def _attempt_failed(data: JobAttemptFailed) -> str:
    return f"{_job(data)}, attempt {data.attempt}, failed: {data.reason}"


def _lost(data: JobLost) -> str:
    return f"{_job(data)} had nobody working on it"


def _completed(data: JobCompleted) -> str:
    return f"{_job(data)} completed: {outcome(data.done, data.failed, data.skipped)}"


def _failed(data: JobFailed) -> str:
    return f"{_job(data)} failed for good: {data.reason}"


def _canceled(data: JobCanceled) -> str:
    return f"{_job(data)} canceled"


SENTENCES: Final = (
    sentence_of(JobQueued, _queued),
    sentence_of(JobStarted, _started),
    sentence_of(JobProgress, _progress),
    sentence_of(JobHandedBack, _handed_back),
    sentence_of(JobWaiting, _waiting),
    sentence_of(JobAttemptFailed, _attempt_failed),
    sentence_of(JobLost, _lost),
    sentence_of(JobCompleted, _completed),
    sentence_of(JobFailed, _failed),
    sentence_of(JobCanceled, _canceled),
)
