"""What owners ask for besides uploads: words about photos, moves, commits, undos, projects, upkeep."""

from collections.abc import Sequence
from typing import Any, Final

from chaos.holdings import Asked, Held
from chaos.owner import Owner, project_path

PROJECTS_EACH: Final = 4
"""Projects that an owner has at a time."""

OF_LIBRARY: Final = ("maintenance_global", "maintenance_global", "folder_discovery", "integrity_check")
OF_PROJECT: Final = ("maintenance", "maintenance", "cache_validation", "folder_alignment", "project_integrity_check")


# --- words about photos, answered at once ---------------------------------------------------------------------------


async def tag(owner: Owner) -> None:
    """Give some photos a tag that nobody else gives."""
    if photos := owner.has.some(5):
        name = f"t{owner.number}-{owner.serial()}"
        items = [{"photo_id": photo.photo_id, "tags": [name]} for photo in photos]
        await owner.line.ask("tag", "POST", "/api/photos/tags/add", {"items": items}, tag=name, photos=_ids(photos))
        owner.tags.append((name, tuple(photos)))


async def untag(owner: Owner) -> None:
    """Take a tag from photos that got it."""
    if owner.tags:
        name, photos = owner.random.choice(owner.tags)
        items = [{"photo_id": photo.photo_id, "tags": [name]} for photo in photos]
        body = {"items": items}
        await owner.line.ask("untag", "POST", "/api/photos/tags/remove", body, tag=name, photos=_ids(photos))


async def keep(owner: Owner) -> None:
    """Say which kinds of some photos are kept, mostly that one is not."""
    photos = owner.has.some(4, rash=0.05)
    items: list[dict[str, Any]] = []
    for photo in photos:
        kinds = [kind for kind in ("jpg", "raw", "other") if kind in photo.kinds] or ["jpg"]
        chosen = owner.random.sample(kinds, owner.random.randint(1, len(kinds)))
        items.append({"photo_id": photo.photo_id, **{f"keep_{kind}": owner.random.random() < 0.25 for kind in chosen}})
    if items:
        await owner.line.ask("keep", "POST", "/api/photos/keep", {"items": items}, items=items, photos=_ids(photos))
        owner.doubtful = photos


# --- tasks over photos ----------------------------------------------------------------------------------------------


async def tag_by_task(owner: Owner) -> None:
    """Give some photos a tag by a task."""
    if photos := owner.has.some(8):
        name = f"t{owner.number}-{owner.serial()}"
        body = {"type": "tags_update", "targets": {"photo_ids": _ids(photos)}, "params": {"add": [name]}}
        await owner.ask_task("tag by task", "/api/tasks", body, photos, tag=name)


async def commit(owner: Owner) -> None:
    """Throw away what is no longer kept: of the photos spoken of last, or of a whole project."""
    if owner.random.random() < 0.2:
        project = owner.has.some_project(own_share=1)
        if project in owner.has.own and (folder := await owner.in_folder(project)):
            await owner.ask_task("commit project", project_path(folder, "commit-changes"), {}, about=project)
        return
    photos = [photo for photo in owner.doubtful if not photo.gone] or owner.has.some(4)
    if photos:
        await owner.ask_task("commit", "/api/photos/commit-changes", {"items": _refs(photos)}, photos)


async def revert(owner: Owner) -> None:
    """Keep again what is pending of some photos."""
    photos = [photo for photo in owner.doubtful if not photo.gone] or owner.has.some(4)
    if photos:
        await owner.ask_task("revert", "/api/photos/revert-changes", {"items": _refs(photos)}, photos)


async def move(owner: Owner) -> None:
    """Move some photos into another project."""
    photos, project = owner.has.some(6), owner.has.some_project()
    folder = await owner.in_folder(project)
    if photos and folder is not None:
        body = {"items": _refs(photos), "dest_folder": folder}
        await owner.ask_task("move", "/api/photos/move", body, photos, project)


async def undo(owner: Owner) -> None:
    """Take back a task, mostly one of the newest."""
    if candidates := owner.has.undoable():
        asked = owner.random.choice(candidates[-3:] if owner.random.random() < 0.7 else candidates)
        await undo_task(owner, asked)


async def undo_task(owner: Owner, asked: Asked) -> None:
    """Take back one task."""
    kind = {"delete project": "restore project", "restore project": "delete project"}.get(asked.kind, "undo")
    path = f"/api/tasks/{asked.task}/undo"
    answer = await owner.ask_task(kind, path, {}, asked.photos, asked.about, of=asked.task)
    if answer is not None:
        asked.undone = True
    if answer is not None and answer.ok and kind == "delete project":
        owner.has.own = [project for project in owner.has.own if project != asked.about]
    if answer is not None and answer.ok and kind == "restore project" and asked.about not in owner.has.own:
        owner.has.own.append(asked.about or 0)


async def cancel(owner: Owner) -> None:
    """Stop a task that is open."""
    if owner.has.open:
        asked = owner.random.choice(list(owner.has.open.values()))
        await owner.line.ask("cancel", "POST", f"/api/tasks/{asked.task}/cancel", of=asked.task)


async def retry(owner: Owner) -> None:
    """Try again a task that did not come to a good end."""
    candidates = [asked for asked in owner.has.ended[-30:] if asked.status != "completed"]
    if candidates:
        asked = owner.random.choice(candidates)
        path = f"/api/tasks/{asked.task}/retry"
        await owner.ask_task(asked.kind, path, None, asked.photos, asked.about, retry_of=asked.task)


async def regenerate(owner: Owner) -> None:
    """Have the derivatives of some photos made anew."""
    if photos := owner.has.some(10, rash=0.3):
        await owner.ask_task("regenerate", "/api/photos/process", {"items": _refs(photos), "force": True})


async def read_metadata(owner: Owner) -> None:
    """Have the metadata of some photos read again."""
    if photos := owner.has.some(10, rash=0.3):
        body = {"type": "regenerate_metadata", "targets": {"photo_ids": _ids(photos)}}
        await owner.ask_task("read metadata", "/api/tasks", body)


# --- projects and upkeep --------------------------------------------------------------------------------------------


async def make_project(owner: Owner) -> None:
    """Make a project, up to so many."""
    if len(owner.has.own) < PROJECTS_EACH:
        await new_project(owner, f"Owner {owner.number}, {owner.serial()}")


async def new_project(owner: Owner, name: str) -> int | None:
    """Make a project of the owner's own and return its id."""
    answer = await owner.line.ask("make project", "POST", "/api/projects", {"name": name}, name=name)
    if answer is None or not answer.ok:
        return None
    project: int = answer.data["id"]
    owner.has.own.append(project)
    owner.has.folders.by_id[project] = answer.data["folder"]
    return project


async def rename_project(owner: Owner) -> None:
    """Give an own project another name."""
    if not owner.has.own:
        return
    project, name = owner.random.choice(owner.has.own), f"Day {owner.number}/{owner.serial()}: the “sea”"
    if folder := await owner.in_folder(project):
        answer = await owner.line.ask(
            "rename project", "PATCH", project_path(folder, "rename"), {"new_name": name}, about=project, name=name
        )
        await owner.misled(answer)


async def delete_project(owner: Owner) -> None:
    """Delete an own project, with whatever goes on there."""
    if len(owner.has.own) < 2:
        return
    project = owner.random.choice(owner.has.own)
    if folder := await owner.in_folder(project):
        answer = await owner.line.ask("delete project", "DELETE", project_path(folder), about=project)
        owner.note_task(answer, "delete project", about=project)
        await owner.misled(answer)
        if answer is not None and answer.ok:
            owner.has.own.remove(project)
            owner.has.folders.by_id.pop(project, None)


async def maintain_project(owner: Owner) -> None:
    """Have a project looked after."""
    project = owner.has.some_project()
    if folder := await owner.in_folder(project):
        body = {"type": owner.random.choice(OF_PROJECT), "targets": {"project_folders": [folder]}}
        await owner.ask_task("maintain project", "/api/tasks", body, about=project)


async def maintain_library(owner: Owner) -> None:
    """Have the library looked after."""
    body = {"type": owner.random.choice(OF_LIBRARY), "targets": {"all": True}}
    await owner.ask_task("maintain library", "/api/tasks", body)


async def answer_questions(owner: Owner) -> None:
    """Refuse what maintenance would remove: everything is there."""
    page = await owner.line.look("/api/confirmations?status=open")
    for asked in (page or {"items": []})["items"]:
        path = f"/api/confirmations/{asked['id']}"
        await owner.line.ask("refuse", "POST", path, {"answer": "refuse"}, reason=asked["reason"])


def _ids(photos: Sequence[Held]) -> list[int]:
    return [photo.photo_id for photo in photos]


def _refs(photos: Sequence[Held]) -> list[dict[str, int]]:
    return [{"photo_id": photo.photo_id} for photo in photos]
