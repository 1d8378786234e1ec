"""What maintenance meets of manifests, folders and trash, and what has become of it when it has run."""

import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import uuid4

from maintaining import Scene
from maintenance_states import Expected, Table, files, picture
from shelf import MADE_AT, put

from photobus_common.storage.manifest import MANIFEST, Manifest
from photobus_common.storage.project_folder import trash_folder

FOLDERS: Final = Table()

OLD: Final = datetime.now(UTC) - timedelta(hours=25)
YOUNG: Final = datetime.now(UTC) - timedelta(hours=23)
COMING: Final = datetime.now(UTC) + timedelta(hours=30)

RENAME: Final = "UPDATE projects SET name = $2 WHERE id = $1"
MISSED: Final = """
INSERT INTO missing_folders (project_id, since, seen_at, task_id)
VALUES ($1, now() - interval '2 hours', now() - interval '2 hours', $2)
"""
ARCHIVE: Final = """
UPDATE projects SET status = 'canceled', cancel_cause = $2, archived_at = now() - interval '2 hours' WHERE id = $1
"""
REMOVE_ROWS: Final = "DELETE FROM photos WHERE project_id = $1"


# --- manifests ------------------------------------------------------------------------------------------------------


@FOLDERS.state("the manifest is missing", "it is written")
async def manifest_missing(scene: Scene) -> list[Expected]:
    photo = await scene.photo("manifest_missing", "manifest_missing")
    (photo.folder / MANIFEST).unlink()
    return [Expected(photo.project_id, "manifest_missing", said=("ManifestChanged",))]


@FOLDERS.state("the manifest is no YAML", "it goes to the trash, and a new one is written")
async def manifest_broken(scene: Scene) -> list[Expected]:
    photo = await scene.photo("manifest_broken", "manifest_broken")
    (photo.folder / MANIFEST).write_text("{ no: yaml: [")
    return [Expected(photo.project_id, "manifest_broken", trash=files(MANIFEST), said=("ManifestChanged",))]


@FOLDERS.state("the manifest has an id that nothing has", "it goes to the trash, and the right one is written")
async def manifest_unknown(scene: Scene) -> list[Expected]:
    photo = await scene.photo("manifest_unknown", "manifest_unknown")
    _write_manifest(photo.folder, 4_000_000, "Elsewhere")
    return [Expected(photo.project_id, "manifest_unknown", trash=files(MANIFEST), said=("ManifestChanged",))]


@FOLDERS.state("the manifest is a copy of that of another project, which has its folder", "the right one is written")
async def manifest_foreign(scene: Scene) -> list[Expected]:
    photo = await scene.photo("manifest_foreign", "manifest_foreign")
    other = await scene.project("manifest_foreign's origin")
    _write_manifest(photo.folder, other, "manifest_foreign's origin")
    return [Expected(photo.project_id, "manifest_foreign", trash=files(MANIFEST), said=("ManifestChanged",))]


@FOLDERS.state("the manifest has an old name", "it is written anew")
async def manifest_stale(scene: Scene) -> list[Expected]:
    photo = await scene.photo("manifest_stale", "manifest_stale")
    _write_manifest(photo.folder, photo.project_id, "The name before")
    return [Expected(photo.project_id, "manifest_stale", rows={"manifest_stale": ("manifest_stale.jpg",)})]


@FOLDERS.state("a folder lies where the manifest should", "it is left alone, and reported; no photo is touched")
async def manifest_folder(scene: Scene) -> list[Expected]:
    photo = await scene.photo("manifest_folder", "manifest_folder")
    (photo.folder / MANIFEST).unlink()
    (photo.folder / MANIFEST).mkdir()
    rows = {"manifest_folder": ("manifest_folder.jpg",)}
    return [Expected(photo.project_id, "manifest_folder", rows=rows, said=(), manifest=False, there=(MANIFEST,))]


# --- folders --------------------------------------------------------------------------------------------------------


@FOLDERS.state("a folder was renamed by hand", "the project takes its name")
async def folder_renamed(scene: Scene) -> list[Expected]:
    photo = await scene.photo("folder_renamed", "folder_renamed")
    photo.folder.rename(scene.root / "By hand")
    rows = {"folder_renamed": ("folder_renamed.jpg",)}
    return [Expected(photo.project_id, "By hand", rows=rows, name="By hand", said=("ProjectRenamed", "FolderRenamed"))]


@FOLDERS.state("a project has another name than its folder", "the folder is renamed")
async def name_differs(scene: Scene) -> list[Expected]:
    photo = await scene.photo("name_differs", "name_differs")
    await scene.execute(RENAME, photo.project_id, "Sea/side: *1*")
    rows = {"name_differs": ("name_differs.jpg",)}
    folder = "Sea_side_ _1_"
    return [Expected(photo.project_id, folder, rows=rows, name="Sea/side: *1*", said=("FolderRenamed",))]


@FOLDERS.state(
    "a project has another name, and something lies in its folder's new place", "it stays, or takes a number"
)
async def name_taken(scene: Scene) -> list[Expected]:
    photo = await scene.photo("name_taken", "name_taken")
    await scene.execute(RENAME, photo.project_id, "Taken")
    put(scene.root / "Taken", b"a file that is nothing of a project's")
    return [Expected(photo.project_id, None, rows={"name_taken": ("name_taken.jpg",)}, name="Taken")]


@FOLDERS.state("a folder was renamed by an alignment that died then", "the row follows; the name stays")
async def half_aligned(scene: Scene) -> list[Expected]:
    photo = await scene.photo("half_aligned", "half_aligned")
    await scene.execute(RENAME, photo.project_id, "Half: aligned")
    photo.folder.rename(scene.root / "Half_ aligned")
    rows = {"half_aligned": ("half_aligned.jpg",)}
    return [Expected(photo.project_id, "Half_ aligned", rows=rows, name="Half: aligned")]


@FOLDERS.state("a folder was copied with its manifest", "the copy is a project of its own, its files under free names")
async def folder_copied(scene: Scene) -> list[Expected]:
    photo = await scene.photo("folder_copied", "folder_copied")
    shutil.copytree(photo.folder, scene.root / "The copy")
    rows = {"folder_copied": ("folder_copied.jpg",)}
    copies = {"folder_copied_duplicate1": ("folder_copied_duplicate1.jpg",)}
    return [
        Expected(photo.project_id, "folder_copied", rows=rows, said=()),
        Expected(None, "The copy", files("folder_copied_duplicate1.jpg"), copies),
    ]


@FOLDERS.state("a folder of photos without a manifest", "it becomes a project")
async def folder_new(scene: Scene) -> list[Expected]:
    _folder(scene, "Folder of photos", {"new1.jpg": picture(20), "new2.jpg": picture(21)})
    rows = {"new1": ("new1.jpg",), "new2": ("new2.jpg",)}
    return [Expected(None, "Folder of photos", files("new1.jpg", "new2.jpg"), rows, thumbnail="pending")]


@FOLDERS.state("a folder whose manifest is broken", "it becomes a project; the manifest is kept in its trash")
async def folder_broken(scene: Scene) -> list[Expected]:
    folder = _folder(scene, "Folder with a broken manifest", {"broken1.jpg": picture(22)})
    put(folder / MANIFEST, b"id: [")
    rows = {"broken1": ("broken1.jpg",)}
    return [Expected(None, "Folder with a broken manifest", rows=rows, trash=files(MANIFEST))]


@FOLDERS.state("a folder whose manifest has an id and a name that nothing has", "it becomes a project")
async def folder_foreign(scene: Scene) -> list[Expected]:
    folder = _folder(scene, "From elsewhere", {"elsewhere1.jpg": picture(23)})
    _write_manifest(folder, 5_000_000, "From elsewhere")
    return [Expected(None, "From elsewhere", rows={"elsewhere1": ("elsewhere1.jpg",)})]


@FOLDERS.state("a folder of unknown id has the name of a project and shares photos with it", "it is merged into it")
async def folder_merged(scene: Scene) -> list[Expected]:
    photo = await scene.photo("folder_merged", "shared", (".jpg",), [])
    await scene.shelf.replace(photo, "shared.jpg", picture(24))
    folder = _folder(scene, "merged from", {"shared.jpg": picture(24), "more.jpg": picture(25)})
    _write_manifest(folder, 6_000_000, "folder_merged")
    rows = {"shared": ("shared.jpg",), "more": ("more.jpg",)}
    return [
        Expected(photo.project_id, "folder_merged", files("shared.jpg", "more.jpg"), rows, trash=files("shared.jpg"))
    ]


@FOLDERS.state("a folder of unknown id has the name of a project and shares nothing with it", "it becomes a project")
async def folder_namesake(scene: Scene) -> list[Expected]:
    photo = await scene.photo("folder_namesake", "namesake1")
    folder = _folder(scene, "namesake", {"namesake2.jpg": picture(26)})
    _write_manifest(folder, 7_000_000, "folder_namesake")
    return [
        Expected(photo.project_id, "folder_namesake", rows={"namesake1": ("namesake1.jpg",)}, said=()),
        Expected(None, "namesake", rows={"namesake2": ("namesake2.jpg",)}),
    ]


@FOLDERS.state("the folder of a deleted project is brought back", "the project is active again")
async def folder_returned(scene: Scene) -> list[Expected]:
    photo = await scene.photo("folder_returned", "returned", (".jpg",), [])
    await scene.shelf.replace(photo, "returned.jpg", picture(27))
    await scene.execute(REMOVE_ROWS, photo.project_id)
    await scene.execute(ARCHIVE, photo.project_id, "deleted")
    return [Expected(photo.project_id, "folder_returned", rows={"returned": ("returned.jpg",)})]


@FOLDERS.state("a project's folder is gone, as was not seen before", "that is noted")
async def folder_gone(scene: Scene) -> list[Expected]:
    photo = await scene.photo("folder_gone", "folder_gone")
    shutil.rmtree(photo.folder)
    rows = {"folder_gone": ("folder_gone.jpg",)}
    return [Expected(photo.project_id, "folder_gone", rows=rows, said=(), manifest=False)]


@FOLDERS.state("a project's folder has been gone for two hours", "the project is archived; its photos stay on record")
async def folder_gone_long(scene: Scene) -> list[Expected]:
    photo = await scene.photo("folder_gone_long", "folder_gone_long")
    shutil.rmtree(photo.folder)
    await scene.execute(MISSED, photo.project_id, uuid4())
    rows = {"folder_gone_long": ("folder_gone_long.jpg",)}
    return [
        Expected(
            photo.project_id,
            "folder_gone_long",
            rows=rows,
            status="canceled",
            said=("ProjectCanceled",),
            manifest=False,
        )
    ]


@FOLDERS.state("a project was archived for its folder two hours ago", "its rows go; the log keeps them")
async def folder_gone_for_good(scene: Scene) -> list[Expected]:
    photo = await scene.photo("folder_gone_for_good", "folder_gone_for_good")
    shutil.rmtree(photo.folder)
    await scene.execute(MISSED, photo.project_id, uuid4())
    await scene.execute(ARCHIVE, photo.project_id, "folder_gone")
    return [Expected(photo.project_id, None, rows={}, status="removed", said=("PhotosRemoved", "ProjectRemoved"))]


@FOLDERS.state("a project that was deleted by its owner has no folder", "its row stays")
async def folder_deleted(scene: Scene) -> list[Expected]:
    photo = await scene.photo("folder_deleted", "folder_deleted")
    shutil.rmtree(photo.folder)
    await scene.execute(REMOVE_ROWS, photo.project_id)
    await scene.execute(ARCHIVE, photo.project_id, "deleted")
    return [Expected(photo.project_id, "folder_deleted", rows={}, status="canceled", said=(), manifest=False)]


@FOLDERS.state("hidden folders, and links to folders", "they are left alone")
async def folders_hidden(scene: Scene) -> list[Expected]:
    _folder(scene, ".hidden", {"hidden1.jpg": picture(28)})
    (scene.root / "a link").symlink_to("whole")
    return []


# --- trash ----------------------------------------------------------------------------------------------------------


@FOLDERS.state("trash of 23, 25 and -30 hours, of files old and new", "only that of 25 hours is deleted")
async def trash_ages(scene: Scene) -> list[Expected]:
    project_id = await scene.project("trash_ages")
    trash = scene.root / "trash_ages" / ".trash"
    for when, name in ((OLD, "old"), (YOUNG, "young"), (COMING, "coming")):
        folder = trash / trash_folder(when, uuid4())
        folder.mkdir(parents=True)
        put(folder / f"{name}.jpg")
        os.utime(folder / f"{name}.jpg", (0, 0) if name != "old" else None)
    return [Expected(project_id, "trash_ages", trash=files("young.jpg", "coming.jpg"), said=("TrashEmptied",))]


@FOLDERS.state("something in the trash that photobus did not put there", "it is kept from now on for its hours")
async def trash_foreign(scene: Scene) -> list[Expected]:
    project_id = await scene.project("trash_foreign")
    trash = scene.root / "trash_foreign" / ".trash"
    trash.mkdir()
    put(trash / "thrown here.jpg")
    os.utime(trash / "thrown here.jpg", (0, 0))
    return [Expected(project_id, "trash_foreign", trash=files("thrown here.jpg"), gone=(".trash/thrown here.jpg",))]


def _folder(scene: Scene, name: str, content: Mapping[str, bytes]) -> Path:
    """Put a folder into the library that no project has."""
    folder = scene.root / name
    folder.mkdir()
    for file, bytes_of_it in content.items():
        put(folder / file, bytes_of_it)
    return folder


def _write_manifest(folder: Path, project_id: int, name: str) -> None:
    (folder / MANIFEST).write_bytes(Manifest(id=project_id, name=name, created_at=MADE_AT).encode())
