"""What owners send: single files and many, pairs with sidecars, large ones in portions, names that are taken.

The bytes of every file are its own, by a mark behind the picture, so that a file is known again wherever it lies.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import images
from shelf import XMP

from chaos.holdings import Held
from chaos.line import Answer, NewFile
from chaos.owner import Owner

CLASHES: Final = 6
"""Names that all owners use."""

LONG_AGO: Final = ("2019-05-04T10:00:00Z", "2012-12-24T18:30:00Z")
KIND_OF: Final[Mapping[str, str]] = {".jpg": "jpg", ".png": "other", ".dng": "raw", ".dng.xmp": "sidecar"}


async def send(owner: Owner) -> None:
    """Send one to four photos, of which some are pairs, in one request."""
    await _send(owner, owner.has.some_project(), _new_photos(owner, owner.random.randint(1, 4)))


async def send_many(owner: Owner) -> None:
    """Send a dozen and more, in requests of one batch."""
    project, batch = owner.has.some_project(), f"b{owner.number}-{owner.serial()}"
    for _ in range(owner.random.randint(2, 3)):
        await _send(owner, project, _new_photos(owner, owner.random.randint(4, 10)), {"batch": batch})


async def send_in_portions(owner: Owner) -> None:
    """Send a file by tus."""
    project = owner.has.some_project()
    folder = await owner.in_folder(project)
    if folder is None:
        return
    file = new_file(owner, f"{_fresh(owner)}.jpg")
    portions = owner.random.randint(1, 4)
    answer = await owner.line.upload_in_portions("upload", folder, file, _told(file), portions, project=project)
    await _note(owner, project, answer)


async def send_companion(owner: Owner) -> None:
    """Send the RAW, with a sidecar, that a photo lacks."""
    photos = [photo for photo in owner.has.some(5) if "raw" not in photo.kinds]
    for photo in photos[:1]:
        await _send(owner, photo.project, [new_file(owner, f"{photo.base}{end}") for end in (".dng", ".dng.xmp")])


async def send_better(owner: Owner) -> None:
    """Send another JPEG in the place of one that is there."""
    for photo in _with_jpg(owner)[:1]:
        await _send(owner, photo.project, [new_file(owner, f"{photo.base}.jpg")], {"on_conflict": "overwrite"})


async def send_taken(owner: Owner) -> None:
    """Send under a name that others use too, or that a photo of one's own has."""
    mode = owner.random.choice(("", "rename", "rename", "skip"))
    query = {"on_conflict": mode} if mode else {}
    own = _with_jpg(owner)
    if own and owner.random.random() < 0.5:
        await _send(owner, own[0].project, [new_file(owner, f"{own[0].base}.jpg")], query)
        return
    name = f"clash-{owner.random.randrange(CLASHES)}.jpg"
    await _send(owner, owner.random.choice(owner.has.common), [new_file(owner, name)], query)


async def send_again_after_commit(owner: Owner) -> None:
    """Send something under the name of a photo that is gone, where it lay: an undo finds its place taken."""
    gone = [photo for photo in owner.has.photos.values() if photo.gone and owner.has.folder(photo.project)]
    for photo in gone[-1:]:
        await _send(owner, photo.project, [new_file(owner, f"{photo.base}.jpg")])


async def _send(owner: Owner, project: int, files: Sequence[NewFile], query: Mapping[str, str] | None = None) -> None:
    folder = await owner.in_folder(project)
    if folder is not None:
        answer = await owner.line.upload("upload", folder, files, query or {}, project=project)
        await _note(owner, project, answer)


async def _note(owner: Owner, project: int, answer: Answer | None) -> None:
    await owner.misled(answer)
    if answer is None or not answer.ok:
        return
    for result in answer.data["results"]:
        if result["status"] in {"created", "paired", "overwritten", "renamed"} and result["photo_id"] is not None:
            base, ending = split(result["stored_as"] or result["filename"])
            owner.has.add(result["photo_id"], project, base, KIND_OF[ending])


def split(name: str) -> tuple[str, str]:
    """Return a file's basename and what follows it."""
    ending = next(ending for ending in sorted(KIND_OF, key=len, reverse=True) if name.endswith(ending))
    return name.removesuffix(ending), ending


def _with_jpg(owner: Owner) -> list[Held]:
    return [photo for photo in owner.has.some(3) if "jpg" in photo.kinds]


def _fresh(owner: Owner) -> str:
    return f"o{owner.number}-{owner.serial()}"


def _new_photos(owner: Owner, photos: int) -> list[NewFile]:
    files: list[NewFile] = []
    for _ in range(photos):
        base, dice = _fresh(owner), owner.random.random()
        endings = (".png",) if dice < 0.1 else (".jpg", ".dng", ".dng.xmp") if dice < 0.35 else (".jpg",)
        files += [new_file(owner, base + ending) for ending in endings]
    return files


def new_file(owner: Owner, name: str) -> NewFile:
    """Make a file of the name with bytes of its own."""
    mark = f"{name} of {owner.number}, its {owner.serial()}.".encode()
    when = owner.random.choice((None, *LONG_AGO))
    picture = _picture(split(name)[1], owner.random.randrange(4))
    return NewFile(name, picture + (b"<!-- %b -->" % mark if name.endswith(".xmp") else mark), when)


def _told(file: NewFile) -> dict[str, Any]:
    return {"md5": file.md5, **({"modified_at": file.modified_at} if file.modified_at else {})}


@cache
def _picture(ending: str, shape: int) -> bytes:
    size = (64 + 16 * shape, 48)
    match ending:
        case ".jpg":
            return images.jpeg(*size)
        case ".png":
            return images.png(images.quarters(*size))
        case ".dng":
            return images.dng(*size)
        case _:
            return XMP
