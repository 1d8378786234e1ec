"""The storage guard: what a check would remove beyond the usual waits for the word of a person.

A folder that came up half empty is more often a wrong mount than a hundred deleted photos. So a check that would take
too much puts on record what that is, leaves the project as it is, and goes on with the others; at its end its job
waits (``settle_answers``). Once persons have answered it comes again and does what they confirmed, and no more: if
more is gone by then, it asks anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from photobus_common.commands import RunJob
from photobus_common.config import Maintenance
from photobus_common.events.confirmations import ConfirmationRequested
from photobus_common.events.maintenance import Finding
from photobus_common.logging import get_logger
from photobus_common.reconciliation import (
    CatalogueProject,
    FileCheck,
    Loss,
    TooManyMissingError,
    loss,
    mass_removal,
)
from photobus_common.store import confirmations
from photobus_common.store.confirmations import Confirmation, Question
from photobus_common.store.reconciliation import photos_of_tenant, projects_of_tenant
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker import Job
from photobus_common.worker.results import MOST_AWAITED, AwaitsConfirmationError
from photobus_maintenance.context import Context
from photobus_maintenance.manifests import ManifestState
from photobus_maintenance.report import Report
from photobus_maintenance.rounds import Check, visit_apart
from photobus_maintenance.visits import Sight, Visit

ASKED: Final = "needs_confirmation"
"""A project has been left as it is until a person answers: the code of the report's line, and a ``pending`` word."""

PENDING: Final = "awaits_confirmation"
"""Another task has asked about the project already, and has not seen it through."""

REFUSED: Final = "removal_refused"
"""A person said that nothing of what is gone may be removed."""

NO_MANIFEST: Final = "manifest_withheld"
"""The manifest is gone or not the project's, and so much else is gone that none is written."""

_PAGE: Final = 100

log = get_logger()


# --- one project ----------------------------------------------------------------------------------------------------


async def may_remove(
    visit: Visit, work: UnitOfWork, sight: Sight, checks: Sequence[FileCheck], state: ManifestState
) -> bool:
    """Whether the rows of the files that ``checks`` miss may go; if not, it stands in the report why.

    ``state`` is that of the folder's manifest. What is missing is held against the whole project too, so the caller
    holds the folder's lock, where no upload adds to it meanwhile, and the rows. Raises ``TooManyMissingError`` in a job
    over items, which waits for nobody.
    """
    if ASKED in visit.pending:
        return False
    missed = await _Missed.see(visit, work, sight, checks, state)
    if visit.job.command.over == "items":
        _refuse(visit, await missed.excess(None))
        return True
    known = await confirmations.confirmations_about(
        work.connection, visit.project.tenant, visit.project.id, visit.job.command.task_id
    )
    standing = _standing(known, visit.job.command)
    if standing.blocked is not None:
        await _settle(work, standing)
        return _leave(visit, *standing.blocked)
    reason = await missed.excess(standing.confirmed)
    if reason is None:
        return True
    if standing.refused is not None and await missed.all_shown_by(standing.refused):
        return _leave(visit, REFUSED, f"{reason}; a person said that nothing may be removed.")
    await missed.ask(reason)
    return _leave(visit, ASKED, f"{reason}; that waits for confirmation.")


async def may_vouch(visit: Visit, work: UnitOfWork, sight: Sight, state: ManifestState) -> bool:
    """Whether a manifest that is missing, or not the project's, may be written; if not, it stands in the report why.

    In the place of an absent disk it would make the next check take that for the project's folder. What is in motion
    does not count as being there.
    """
    if state in {ManifestState.RIGHT, ManifestState.UNREADABLE}:
        return True
    names = {entry.name for entry in sight.entries if entry.is_text}
    lost = await confirmations.loss_beyond(work.connection, visit.project.id, names, None)
    if not _may_be_another(state, lost):
        return True
    if NO_MANIFEST not in visit.pending:
        visit.pending.append(NO_MANIFEST)
        reason = f"The manifest is not the project's, and {lost.lacking} of {lost.photos} photos lack files"
        visit.report.refused(visit.project, NO_MANIFEST, f"{reason}, as if the disk were not mounted.")
    return False


def _may_be_another(state: ManifestState, lost: Loss) -> bool:
    """Whether the folder may be another than the project's.

    An absent disk leaves an empty folder without a manifest, in which uploads may have come to lie since. If the
    manifest is not the project's, and neither is most of what it had, another disk may be in its place.
    """
    if state is ManifestState.MISSING:
        return lost.lacking > 0
    return state is ManifestState.WRONG and 2 * lost.lacking > lost.photos


@dataclass(frozen=True)
class _Missed:
    """What a project misses, by rows that are held and a listing made under the folder's lock."""

    visit: Visit
    work: UnitOfWork
    sight: Sight
    checks: Sequence[FileCheck]
    names: frozenset[str]
    whole: Loss
    state: ManifestState

    @classmethod
    async def see(
        cls, visit: Visit, work: UnitOfWork, sight: Sight, checks: Sequence[FileCheck], state: ManifestState
    ) -> "_Missed":
        names = sight.expected | {entry.name for entry in sight.entries if entry.is_text}
        whole = await confirmations.loss_beyond(work.connection, visit.project.id, names, None)
        return cls(visit, work, sight, checks, names, whole, state)

    async def excess(self, confirmed: UUID | None) -> str | None:
        """Say why the removal would be too much, beside what a person has confirmed; None when it would not."""
        project, checks, whole = self.visit.project, self.checks, self.whole
        if confirmed is not None:
            photo_ids = [check.photo.id for check in checks]
            shown = await confirmations.shown_files(self.work.connection, confirmed, photo_ids)
            checks = [check for check in checks if _names(check) - shown.get(check.photo.id, frozenset())]
            whole = await confirmations.loss_beyond(self.work.connection, project.id, self.names, confirmed)
        if whole.lacking and (strange := self._strange()) is not None:
            return strange
        settings = self.visit.context.settings.maintenance
        reason = mass_removal(project.name, loss(self.sight.photos, checks), whole, settings)
        if reason is None or self.visit.job.command.over == "items":
            return reason
        return f"{self.whole.lacking} of {self.whole.photos} photos of {project.name} lack files"

    def _strange(self) -> str | None:
        """Say why the folder may be another than the project's; None if it may not."""
        name, lost = self.visit.project.name, self.whole
        if not _may_be_another(self.state, lost):
            return None
        files = "All files" if lost.lacking == lost.photos else f"Files of {lost.lacking} of {lost.photos} photos"
        if self.state is ManifestState.MISSING:
            return f"{files} of {name} are gone and so is its manifest, as if its disk were not mounted"
        return f"{files} of {name} are gone and its manifest is not its own, as if another disk were in its place"

    async def all_shown_by(self, confirmation: UUID) -> bool:
        """Whether nothing is gone but what the confirmation shows."""
        project_id = self.visit.project.id
        beyond = await confirmations.loss_beyond(self.work.connection, project_id, self.names, confirmation)
        return beyond.lacking == 0

    async def ask(self, reason: str) -> None:
        """Put all that the project misses on record, and ask whether it may be removed."""
        project = self.visit.project
        question = _question(
            self.visit.job.command, f"{reason}.", self.whole, project_id=project.id, project_folder=project.folder
        )
        await confirmations.ask_about_files(self.work.connection, question, self.names)
        _tell(self.visit.job, self.work, question)


@dataclass(frozen=True)
class _Standing:
    """What confirmations mean for a task that comes upon what they are about.

    ``blocked`` is why it must leave things as they are, as code and reason of a line of its report; none is written for
    what this task has told before. ``settled`` is an answer that is acted upon by that. ``confirmed`` shows what the
    task may remove, ``refused`` what it may not.
    """

    blocked: tuple[str, str | None] | None = None
    settled: UUID | None = None
    confirmed: UUID | None = None
    refused: UUID | None = None


def _standing(known: Sequence[Confirmation], command: RunJob) -> _Standing:
    """Return what the confirmations, the newest first, mean for the task of ``command``.

    A refusal holds for the task that it was told, and for all that photobus starts by itself, until more is gone: else
    each scheduled run would ask the same again. Who starts a check by hand is asked again.
    """
    own = next((one for one in known if one.task_id == command.task_id and one.status != "expired"), None)
    if own is not None and own.status == "open":
        return _Standing(blocked=(ASKED, None))
    if own is not None and own.status == "refused":
        told = own.applied_at is not None
        return _Standing(blocked=(REFUSED, None if told else _refusal(own)), settled=None if told else own.id)
    if own is not None and own.applied_at is None:
        return _Standing(confirmed=own.id)
    others = [one for one in known if one.task_id != command.task_id]
    waiting = next((one for one in others if one.status in ("open", "confirmed")), None)
    if waiting is not None:
        return _Standing(blocked=(PENDING, f"Another task waits for confirmation: {waiting.reason}"))
    refused = next((one.id for one in others if one.status == "refused"), None)
    return _Standing(refused=refused if command.source == "system" else None)


def _refusal(answer: Confirmation) -> str:
    return f"A person said that nothing may be removed: {answer.reason}"


def _names(check: FileCheck) -> frozenset[str]:
    return frozenset(file.name for file in check.missing)


def _leave(visit: Visit, code: str, reason: str | None) -> bool:
    visit.pending.append(ASKED)
    if reason is not None:
        log.warning("removal_withheld", project=visit.project.folder, code=code, reason=reason)
        visit.report.refused(visit.project, code, reason)
    return False


def _refuse(visit: Visit, reason: str | None) -> None:
    if reason is not None:
        raise TooManyMissingError(
            f"{reason}; nothing was changed. Bring the files back, or confirm that they are gone in a check of the "
            f"whole project {visit.project.name}."
        )


# --- whole projects -------------------------------------------------------------------------------------------------


async def may_archive(
    job: Job, context: Context, report: Report, gone: Sequence[CatalogueProject]
) -> Sequence[CatalogueProject]:
    """Return those of the projects ``gone``, whose folders are no longer there, that may be archived now.

    They are to be all of which the job thinks so: what counts is how many photos they have together. Where that is too
    much, a person is asked, once a task, and the report says so. The job calls ``wait_for_answers`` at its end, and
    asks here anew when it comes again. The caller has seen that the library itself answers.
    """
    if not gone:
        return []
    async with report.checkpoint() as work:
        known = await confirmations.confirmations_about(work.connection, job.command.tenant, None, job.command.task_id)
        standing = _standing(known, job.command)
        if standing.blocked is not None:
            await _settle(work, standing)
            return _keep_all(report, *standing.blocked)
        orphans = await _Orphans.count(work, job, context, gone)
        beyond = await orphans.beyond(standing.confirmed)
        reason = orphans.excess(beyond)
        if reason is None:
            return gone
        if standing.confirmed is not None:
            _keep_all(report, PENDING, f"{reason} by now; the next run asks about the others.")
            return [project for project in gone if project.id not in beyond]
        if standing.refused is not None and not await orphans.beyond(standing.refused):
            return _keep_all(report, REFUSED, f"{reason}; a person said that nothing may be removed.")
        await orphans.ask(reason)
        return _keep_all(report, ASKED, f"{reason}; that waits for confirmation.")


@dataclass(frozen=True)
class _Orphans:
    """Projects whose folders are gone, of a library with so many ``photos``."""

    work: UnitOfWork
    job: Job
    settings: Maintenance
    ids: list[int]
    photos: int

    @classmethod
    async def count(cls, work: UnitOfWork, job: Job, context: Context, gone: Sequence[CatalogueProject]) -> "_Orphans":
        photos = await photos_of_tenant(work.connection, job.command.tenant)
        return cls(work, job, context.settings.maintenance, [project.id for project in gone], photos)

    async def beyond(self, confirmation: UUID | None) -> Mapping[int, int]:
        """Return how many photos each project has that the confirmation does not show."""
        return await confirmations.projects_beyond(self.work.connection, self.ids, confirmation)

    def excess(self, beyond: Mapping[int, int]) -> str | None:
        """Say why to archive what is ``beyond`` would be too much; None when it would not."""
        lost, settings = sum(beyond.values()), self.settings
        if lost < settings.removal_photos or lost <= self.photos * settings.removal_share:
            return None
        return f"The folders of {len(self.ids)} projects, with {lost} of the library's {self.photos} photos, are gone"

    async def ask(self, reason: str) -> None:
        """Put all photos of the projects on record, and ask whether they may be archived."""
        connection = self.work.connection
        whole = Loss(sum((await self.beyond(None)).values()), self.photos)
        question = _question(self.job.command, f"{reason}.", whole)
        await confirmations.ask_about_projects(connection, question, self.ids)
        _tell(self.job, self.work, question)


def _keep_all(report: Report, code: str, reason: str | None) -> Sequence[CatalogueProject]:
    if reason is not None:
        log.warning("removal_withheld", code=code, reason=reason)
        report.found(Finding(kind="refused", code=code, reason=reason))
    return []


# --- answers --------------------------------------------------------------------------------------------------------


async def settle_answers(job: Job, context: Context, check: Check) -> None:
    """End a job over whole projects: visit those again of which a person has confirmed what is gone, and no others.

    Raises ``AwaitsConfirmationError`` while anything that the job asked is open.
    """
    report = Report(job)
    while answers := await _answers(job):
        for answer in answers:
            job.hand_back_if_asked()
            await _act_upon(answer, job, report, context, check)
    await wait_for_answers(job)


async def wait_for_answers(job: Job) -> None:
    """Raise ``AwaitsConfirmationError`` while anything that the job asked is open."""
    async with job.database.connection() as connection:
        asked = await confirmations.open_of_job(connection, job.command.task_id, job.command.job_id, MOST_AWAITED)
    if asked:
        raise AwaitsConfirmationError(asked)


async def _answers(job: Job) -> Sequence[Confirmation]:
    async with job.database.connection() as connection:
        return await confirmations.unapplied_answers(connection, job.command.task_id, job.command.job_id, _PAGE)


async def _act_upon(answer: Confirmation, job: Job, report: Report, context: Context, check: Check) -> None:
    """Do what was confirmed, or say what was refused; a run that dies before it has noted so does it again."""
    async with job.database.connection() as connection:
        projects = await projects_of_tenant(connection, answer.tenant, [answer.project_id or 0])
    for project in projects.values():
        if answer.status == "refused":
            report.refused(project, REFUSED, _refusal(answer))
        elif project.active:
            await visit_apart(job, report, context, check, project)
    async with report.checkpoint() as work:
        await confirmations.apply(work.connection, answer.id)


async def _settle(work: UnitOfWork, standing: _Standing) -> None:
    if standing.settled is not None:
        await confirmations.apply(work.connection, standing.settled)


def _question(
    command: RunJob, reason: str, lost: Loss, *, project_id: int | None = None, project_folder: str | None = None
) -> Question:
    return Question(
        id=uuid4(),
        tenant=command.tenant,
        task_id=command.task_id,
        task_type=command.task_type,
        job_id=command.job_id,
        job_type=command.job_type,
        project_id=project_id,
        project_folder=project_folder,
        reason=reason,
        lacking=lost.lacking,
        photos=lost.photos,
    )


def _tell(job: Job, work: UnitOfWork, question: Question) -> None:
    about = {name: value for name, value in vars(question).items() if name not in ("id", "tenant")}
    work.emit(job.origin.event(ConfirmationRequested(**about, confirmation_id=question.id)))
