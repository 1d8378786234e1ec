"""Photos that are known again by their bytes in files that turned up under other names, or in other folders.

What the files of a new basename are of a photo that lacks them: so its owner renamed or moved it outside photobus, and
it follows with its tags, flags and history.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from photobus_common.events.maintenance import Finding
from photobus_common.recognition import MissedPhoto, recognized, telling
from photobus_common.reconciliation import CatalogueFile
from photobus_common.storage.folder import Entry
from photobus_common.store.photos import Arrival
from photobus_common.store.recognizing import missed_files, missed_photos
from photobus_maintenance.taking_over import KnownAgain, take_over
from photobus_maintenance.visits import Visit
from photobus_maintenance.whereabouts import whereabouts

Identified = tuple[Arrival, Entry]

NOT_VERIFIED: Final = "not_verified"


async def recognize(visit: Visit, identified: Sequence[Identified]) -> list[Identified]:
    """Let photos that are known again lie under their new names; return the files that are of new photos.

    What may be of a photo whose own folder cannot be looked into is left for a later run.
    """
    groups: dict[str, list[Identified]] = {}
    for one in identified:
        groups.setdefault(one[0].basename, []).append(one)
    facts = {basename: [fact_of(arrival) for arrival, _ in files] for basename, files in groups.items()}
    missed = await _missed(visit, facts)
    if not missed:
        return list(identified)
    seen = await whereabouts(visit, missed, [entry for _, entry in identified])
    known = [photo for photo in missed if photo.id not in seen.unknown]
    chosen = recognized(facts, known, visit.project.id, seen.there)
    unknown = frozenset[object]().union(*(telling(photo.files) for photo in missed if photo.id in seen.unknown))
    waiting = {basename for basename, files in facts.items() if basename not in chosen and unknown & telling(files)}
    _tell_waiting(visit, waiting)
    by_source: dict[int, list[KnownAgain]] = {}
    for basename, photo in chosen.items():
        by_source.setdefault(photo.project_id, []).append(KnownAgain(photo, basename, tuple(groups[basename])))
    for source in sorted(by_source):
        visit.job.hand_back_if_asked()
        await take_over(visit, source, by_source[source])
    return [one for one in identified if one[0].basename not in chosen and one[0].basename not in waiting]


def fact_of(arrival: Arrival) -> CatalogueFile:
    """Return the arrived file as a row would have it."""
    file = arrival.file
    return CatalogueFile(file.name, file.kind, file.size, file.md5)


async def _missed(visit: Visit, facts: Mapping[str, Sequence[CatalogueFile]]) -> list[MissedPhoto]:
    """Return the photos that have, or lost, originals of these bytes."""
    tenant = visit.project.tenant
    wanted = sorted({key for files in facts.values() for key in telling(files)})
    async with visit.job.database.connection() as connection:
        photo_ids = await missed_photos(connection, tenant, wanted, sorted(facts))
        return await missed_files(connection, tenant, photo_ids)


def _tell_waiting(visit: Visit, basenames: set[str]) -> None:
    if not basenames:
        return
    visit.pending.append(NOT_VERIFIED)
    visit.report.found(
        Finding(
            kind="refused",
            code=NOT_VERIFIED,
            reason="These files may be of photos whose own folder cannot be looked into now.",
            project_id=visit.project.id,
            project_folder=visit.project.folder,
            subject=min(basenames),
            count=len(basenames),
        )
    )
