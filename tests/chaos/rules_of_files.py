"""Rules about files and rows: nothing lost, nothing doubled, everything where it belongs, and the rows say the same."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

from chaos.evidence import SIDECARS, DiskFile, Evidence
from chaos.expectation import Expectation
from chaos.model import NOWHERE, PLACE, File, Photo

_NUMBER: Final = r"( \(\d+\))*"
_DERIVATIVES: Final = ((".thumb", "thumbnail_status"), (".preview", "preview_status"))


def every_file_once(expected: Expectation, found: Evidence) -> Iterator[str]:
    """Each acknowledged file lies somewhere once, with its bytes; what is not known, once at most; no others."""
    by_md5: defaultdict[str, list[DiskFile]] = defaultdict(list)
    for on_disk in found.disk:
        by_md5[on_disk.md5].append(on_disk)
    for md5 in by_md5.keys() - expected.files.keys():
        yield f"bytes that nobody sent lie at {_paths(by_md5[md5])} (md5 {md5})"
    for md5, file in expected.files.items():
        lying = by_md5.get(md5, [])
        if file.areas == NOWHERE and lying:
            yield f"{_about(file)} was refused and lies at {_paths(lying)}"
        elif file.areas != NOWHERE and file.sure and not lying:
            yield f"{_about(file)} is lost"
        elif len(lying) > 1:
            yield f"{_about(file)} lies there {len(lying)} times: {_paths(lying)}"
        for on_disk in lying[:1] if file.areas != NOWHERE else ():
            yield from _in_its_place(file, on_disk)


def _in_its_place(file: File, on_disk: DiskFile) -> Iterator[str]:
    if on_disk.project is None:
        yield f"{_about(file)} lies in a folder that is no project's: {on_disk.path}"
    elif file.places and on_disk.project not in file.places:
        yield f"{_about(file)} lies in project {on_disk.project}, not in {sorted(file.places)}: {on_disk.path}"
    if on_disk.area not in file.areas:
        yield f"{_about(file)} lies in the {on_disk.area}, not in the {'/'.join(file.areas)}: {on_disk.path}"
    if file.photo is not None and on_disk.area == "place" and not _is_name(on_disk.name, file.photo, file.ending):
        yield f"{_about(file)} is called {on_disk.name}, not {sorted(file.photo.bases)} + {file.ending}"


def rows_are_the_disk(expected: Expectation, found: Evidence) -> Iterator[str]:
    """Each row has its file with its bytes, and each original in a project's folder has its row.

    One that somebody laid there may wait for it until maintenance comes by.
    """
    active = {project for project, row in found.projects.items() if row["status"] == "active"}
    lying = {
        (on_disk.project, on_disk.name): on_disk
        for on_disk in found.disk
        if on_disk.area == "place" and on_disk.project in active
    }
    rows = {(row["project_id"], row["name"]): row for row in found.files if row["project_id"] in active}
    for place in rows.keys() - lying.keys():
        yield f"photo {rows[place]['photo_id']} has a row for {place[1]} in project {place[0]}, and no file"
    for place in lying.keys() - rows.keys():
        if not place[1].endswith(SIDECARS) and lying[place].md5 not in expected.by_hand:
            yield f"{lying[place].path} has no row"
    for place in rows.keys() & lying.keys():
        row, on_disk = rows[place], lying[place]
        if (row["md5"], row["size"]) != (on_disk.md5, on_disk.size):
            yield f"{on_disk.path} is {on_disk.md5} of {on_disk.size} bytes, its row says {row['md5']}, {row['size']}"


def rows_agree_with_each_other(found: Evidence) -> Iterator[str]:
    """Files lie in the project of their photo, under its name, and its flags say which kinds it has."""
    kinds: defaultdict[int, set[str]] = defaultdict(set)
    for row in found.files:
        kinds[row["photo_id"]].add(row["kind"])
        photo = found.photos[row["photo_id"]]
        if row["project_id"] != photo["project_id"]:
            yield f"photo {photo['id']} of project {photo['project_id']} has a file in project {row['project_id']}"
        if not row["name"].startswith(f"{photo['filename']}."):
            yield f"photo {photo['id']} is called {photo['filename']} and has the file {row['name']}"
    for photo_id, photo in found.photos.items():
        said = {kind for kind in ("jpg", "raw", "other") if photo[f"{kind}_available"]}
        if said != kinds[photo_id] - {"sidecar"}:
            yield f"photo {photo_id} says that it has {sorted(said)}, and has {sorted(kinds[photo_id])}"


def photos_are_as_said(expected: Expectation, found: Evidence) -> Iterator[str]:
    """Each photo's row says what its owner said last: project, name, tags, what is kept."""
    for photo_id, row in found.photos.items():
        photo = expected.photos.get(photo_id)
        if photo is not None:
            yield from _as_said(photo, row)
    in_rows = {row["md5"]: row["photo_id"] for row in found.files}
    for md5, file in expected.files.items():
        if file.photo is not None and in_rows.get(md5, file.photo.id) != file.photo.id:
            yield f"{_about(file)} is of photo {in_rows[md5]} by its row"
        if file.sure and file.photo is not None and file.areas == PLACE and md5 not in in_rows:
            alive = [expected.projects[place].alive for place in file.places if place in expected.projects]
            if all(one == {True} for one in alive):
                yield f"{_about(file)} has no row"


def _as_said(photo: Photo, row: Mapping[str, object]) -> Iterator[str]:
    if photo.places and row["project_id"] not in photo.places:
        yield f"photo {photo.id} is in project {row['project_id']}, not in {sorted(photo.places)}"
    tags = set(row["tags"])  # type: ignore[call-overload]
    allowed = {tag for tag, states in photo.tags.items() if True in states}
    required = {tag for tag, states in photo.tags.items() if states == {True}}
    if not required <= tags <= allowed:
        yield f"photo {photo.id} has the tags {sorted(tags)}, must have {sorted(required)}, may {sorted(allowed)}"
    for kind, states in photo.keep.items():
        if row[f"{kind}_available"] and row[f"keep_{kind}"] not in states:
            yield f"photo {photo.id} says keep_{kind} {row[f'keep_{kind}']}, its owner said {sorted(states)}"


def derivatives_are_there(found: Evidence, *, all_made: bool) -> Iterator[str]:
    """What rows say was made is there; with ``all_made`` that is everything."""
    for photo_id, row in found.photos.items():
        project = found.projects[row["project_id"]]
        if project["status"] != "active" or not any(row[f"{kind}_available"] for kind in ("jpg", "raw", "other")):
            continue
        for folder, column in _DERIVATIVES:
            path = str(PurePosixPath(project["folder"], folder, f"{row['filename']}.jpg"))
            if row[column] == "generated" and path not in found.derivatives:
                yield f"photo {photo_id} has no {path}, which its row says was generated"
            elif all_made and row[column] != "generated":
                yield f"photo {photo_id} ({project['folder']}/{row['filename']}): {column} is {row[column]}"


def projects_are_as_said(expected: Expectation, found: Evidence) -> Iterator[str]:
    """Projects are there or gone and called as their owners said; each has one row, and nobody has others."""
    for project_id, project in expected.projects.items():
        row = found.projects.get(project_id)
        if row is None:
            yield f"project {project_id} ({sorted(project.names)}) has no row"
            continue
        if (row["status"] == "active") not in project.alive:
            yield f"project {project_id} ({row['name']}) is {row['status']}"
        if not any(re.fullmatch(re.escape(name) + _NUMBER, row["name"]) for name in project.names):
            yield f"project {project_id} is called {row['name']}, not {sorted(project.names)}"
    for project_id in found.projects.keys() - expected.projects.keys():
        row = found.projects[project_id]
        yield f"project {project_id} ({row['name']} in {row['folder']}, {row['status']}) was made by nobody"


def _is_name(name: str, photo: Photo, ending: str) -> bool:
    return any(re.fullmatch(re.escape(base) + _NUMBER + re.escape(ending), name) for base in photo.bases)


def _about(file: File) -> str:
    photo = "" if file.photo is None else f" of photo {file.photo.id}"
    return f"{file.name}{photo} ({'acknowledged' if file.sure else 'maybe'}, md5 {file.md5}, operation {file.op})"


def _paths(lying: Sequence[DiskFile]) -> str:
    return ", ".join(sorted(on_disk.path for on_disk in lying))
