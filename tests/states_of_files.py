"""What maintenance meets of files, rows and derivatives, and what has become of it when it has run."""

import os
import shutil
import time
from typing import Final

import images
from maintaining import Scene
from maintenance_states import Expected, Table, files, picture, tagged
from shelf import put

FILES: Final = Table()

NO_THUMBNAIL: Final = "UPDATE photos SET thumbnail_status = 'pending', preview_status = 'pending' WHERE id = $1"


# --- files and rows -------------------------------------------------------------------------------------------------


@FILES.state("a photo's file and its row are there", "nothing changes")
async def whole(scene: Scene) -> list[Expected]:
    photo = await scene.photo("whole", "whole")
    return [Expected(photo.project_id, "whole", files("whole.jpg"), {"whole": ("whole.jpg",)}, said=())]


@FILES.state("a row whose only file is gone", "the photo leaves the catalogue; the log keeps it")
async def file_gone(scene: Scene) -> list[Expected]:
    photo = await scene.photo("file_gone", "file_gone", disk=[])
    await scene.photo("file_gone", "stays")
    rows = {"stays": ("stays.jpg",)}
    return [Expected(photo.project_id, "file_gone", files("stays.jpg"), rows, gone=(".thumb/file_gone.jpg",))]


@FILES.state("a file without a row", "it gets its row")
async def row_gone(scene: Scene) -> list[Expected]:
    await scene.file("row_gone", "row_gone.jpg", picture(1))
    rows = {"row_gone": ("row_gone.jpg",)}
    return [Expected(scene.ids["row_gone"], "row_gone", files("row_gone.jpg"), rows, thumbnail="pending")]


@FILES.state("of a pair, the RAW is gone", "the photo stays, without it")
async def raw_gone(scene: Scene) -> list[Expected]:
    photo = await scene.photo("raw_gone", "raw_gone", (".jpg", ".dng"), [".jpg"])
    return [Expected(photo.project_id, "raw_gone", files("raw_gone.jpg"), {"raw_gone": ("raw_gone.jpg",)})]


@FILES.state("of a pair, the JPEG is gone", "the photo stays, without it")
async def jpeg_gone(scene: Scene) -> list[Expected]:
    photo = await scene.photo("jpeg_gone", "jpeg_gone", (".jpg", ".dng"), [".dng"])
    return [Expected(photo.project_id, "jpeg_gone", files("jpeg_gone.dng"), {"jpeg_gone": ("jpeg_gone.dng",)})]


@FILES.state("a pair of which both files are gone", "the photo leaves the catalogue")
async def pair_gone(scene: Scene) -> list[Expected]:
    photo = await scene.photo("pair_gone", "pair_gone", (".jpg", ".dng"), [])
    return [Expected(photo.project_id, "pair_gone", files(), {})]


@FILES.state("of a pair on disk only the JPEG has a row", "the RAW is added to the photo")
async def raw_added(scene: Scene) -> list[Expected]:
    photo = await scene.photo("raw_added", "raw_added", (".jpg",), [".jpg", ".dng"])
    rows = {"raw_added": ("raw_added.dng", "raw_added.jpg")}
    return [Expected(photo.project_id, "raw_added", files("raw_added.jpg", "raw_added.dng"), rows)]


@FILES.state("a photo on record whose rows name no file, and whose file is there", "the file is added to the photo")
async def file_back(scene: Scene) -> list[Expected]:
    photo = await scene.photo("file_back", "file_back", (), [".jpg"])
    await tagged(scene, photo.id, "kept")
    rows = {"file_back": ("file_back.jpg",)}
    tags = {"file_back": ("kept",)}
    return [Expected(photo.project_id, "file_back", files("file_back.jpg"), rows, tags=tags)]


@FILES.state("a sidecar of a photo has no row", "it is added to the photo")
async def sidecar_added(scene: Scene) -> list[Expected]:
    photo = await scene.photo("sidecar_added", "sidecar_added", (".jpg",), [".jpg", ".xmp"])
    rows = {"sidecar_added": ("sidecar_added.jpg", "sidecar_added.xmp")}
    return [Expected(photo.project_id, "sidecar_added", rows=rows)]


@FILES.state("a sidecar is gone", "the photo stays, without it")
async def sidecar_gone(scene: Scene) -> list[Expected]:
    photo = await scene.photo("sidecar_gone", "sidecar_gone", (".jpg", ".xmp"), [".jpg"])
    return [Expected(photo.project_id, "sidecar_gone", rows={"sidecar_gone": ("sidecar_gone.jpg",)})]


@FILES.state("a sidecar of no photo", "it is left alone")
async def sidecar_alone(scene: Scene) -> list[Expected]:
    await scene.file("sidecar_alone", "alone.xmp")
    return [Expected(scene.ids["sidecar_alone"], "sidecar_alone", files("alone.xmp"), {}, said=())]


@FILES.state("two files of one kind without rows", "both belong to one photo")
async def two_jpegs(scene: Scene) -> list[Expected]:
    await scene.file("two_jpegs", "two.jpg", picture(2))
    await scene.file("two_jpegs", "two.jpeg", picture(3))
    return [Expected(scene.ids["two_jpegs"], "two_jpegs", rows={"two": ("two.jpeg", "two.jpg")})]


@FILES.state("a file that was written just now", "it is left alone until the next run")
async def young(scene: Scene) -> list[Expected]:
    path = await scene.file("young", "young.jpg", picture(4))
    in_an_hour = time.time() + 3600
    os.utime(path, (in_an_hour, in_an_hour))
    return [Expected(scene.ids["young"], "young", files("young.jpg"), {}, said=())]


@FILES.state("a file that an open upload is placing", "it is left alone")
async def placing(scene: Scene) -> list[Expected]:
    photo = await scene.photo("placing", "placing", (".jpg",), [])
    await scene.shelf.intend(photo, "placing.jpg")
    return [Expected(photo.project_id, "placing", files(), {"placing": ("placing.jpg",)}, said=())]


@FILES.state("a file of a kind that is not accepted", "it goes to the trash, with its reason")
async def not_accepted(scene: Scene) -> list[Expected]:
    await scene.file("not_accepted", "notes.txt", b"notes")
    await scene.file("not_accepted", ".hidden.txt", b"hidden")
    return [
        Expected(
            scene.ids["not_accepted"],
            "not_accepted",
            files(),
            {},
            trash=files("notes.txt"),
            said=("StrayFilesTrashed",),
            there=(".hidden.txt",),
        )
    ]


@FILES.state("a file that is not what its name says", "it stays, and is reported")
async def pretender(scene: Scene) -> list[Expected]:
    await scene.file("pretender", "pretender.jpg", b"not a photo at all")
    return [
        Expected(scene.ids["pretender"], "pretender", files("pretender.jpg"), {}, codes=files("other_content"), said=())
    ]


@FILES.state(
    "a photo whose file was written over outside photobus", "its row follows; derivatives are to be made again"
)
async def written_over(scene: Scene) -> list[Expected]:
    photo = await scene.photo("written_over", "written_over")
    put(photo.folder / "written_over.jpg", picture(5))
    rows = {"written_over": ("written_over.jpg",)}
    return [Expected(photo.project_id, "written_over", rows=rows, thumbnail="pending", said=("PhotoFilesChanged",))]


@FILES.state("a folder and a link with names of photos", "they are left alone")
async def no_files(scene: Scene) -> list[Expected]:
    project_id = await scene.project("no_files")
    (scene.root / "no_files" / "folder.jpg").mkdir()
    (scene.root / "no_files" / "link.jpg").symlink_to("../whole/whole.jpg")
    return [Expected(project_id, "no_files", rows={}, said=(), there=("folder.jpg",))]


# --- files that were renamed, moved or copied outside photobus ------------------------------------------------------


@FILES.state("a photo's file was renamed by hand", "the photo follows, with its tags")
async def renamed(scene: Scene) -> list[Expected]:
    photo = await scene.photo("renamed", "before", (".jpg",), [])
    await scene.shelf.replace(photo, "before.jpg", picture(6))
    await tagged(scene, photo.id, "kept")
    (photo.folder / "before.jpg").rename(photo.folder / "after.jpg")
    rows, tags = {"after": ("after.jpg",)}, {"after": ("kept",)}
    return [Expected(photo.project_id, "renamed", files("after.jpg"), rows, tags=tags, thumbnail="pending")]


@FILES.state("of a renamed pair one half was renamed only", "that is a photo of its own; the other keeps tags")
async def half_renamed(scene: Scene) -> list[Expected]:
    photo = await scene.photo("half_renamed", "pair", (".jpg", ".dng"), [".dng"])
    await scene.shelf.replace(photo, "pair.jpg", picture(7))
    await tagged(scene, photo.id, "kept")
    (photo.folder / "pair.jpg").rename(photo.folder / "half.jpg")
    rows = {"pair": ("pair.dng",), "half": ("half.jpg",)}
    return [Expected(photo.project_id, "half_renamed", rows=rows, tags={"pair": ("kept",), "half": ()})]


@FILES.state("a photo's file was moved by hand to another project", "the photo follows, with its tags")
async def moved(scene: Scene) -> list[Expected]:
    photo = await scene.photo("moved from", "moved", (".jpg",), [])
    await scene.shelf.replace(photo, "moved.jpg", picture(8))
    await tagged(scene, photo.id, "kept")
    there = await scene.project("moved to")
    (photo.folder / "moved.jpg").rename(scene.root / "moved to" / "moved.jpg")
    return [
        Expected(photo.project_id, "moved from", files(), {}),
        Expected(there, "moved to", files("moved.jpg"), {"moved": ("moved.jpg",)}, tags={"moved": ("kept",)}),
    ]


@FILES.state("a photo's file was copied by hand to another project", "the copy gets a free name and a row of its own")
async def copied(scene: Scene) -> list[Expected]:
    photo = await scene.photo("copied from", "copied", (".jpg",), [])
    await scene.shelf.replace(photo, "copied.jpg", picture(9))
    await tagged(scene, photo.id, "kept")
    there = await scene.project("copied to")
    shutil.copy2(photo.folder / "copied.jpg", scene.root / "copied to" / "copied.jpg")
    rows = {"copied_duplicate1": ("copied_duplicate1.jpg",)}
    return [
        Expected(
            photo.project_id, "copied from", rows={"copied": ("copied.jpg",)}, tags={"copied": ("kept",)}, said=()
        ),
        Expected(there, "copied to", files("copied_duplicate1.jpg"), rows, tags={"copied_duplicate1": ()}),
    ]


@FILES.state("a pair without rows has the name of a photo of another project", "both files get the same free name")
async def same_name(scene: Scene) -> list[Expected]:
    await scene.photo("same_name one", "equal")
    await scene.file("same_name two", "equal.jpg", picture(10))
    await scene.file("same_name two", "equal.dng", images.dng(64, 48) + b"10")
    names = ("equal_duplicate1.dng", "equal_duplicate1.jpg")
    return [
        Expected(scene.ids["same_name one"], "same_name one", rows={"equal": ("equal.jpg",)}, said=()),
        Expected(scene.ids["same_name two"], "same_name two", files(*names), {"equal_duplicate1": names}),
    ]


@FILES.state("the same bytes without a row under a second name", "a photo of its own")
async def same_bytes(scene: Scene) -> list[Expected]:
    photo = await scene.photo("same_bytes", "one", (".jpg",), [])
    await scene.shelf.replace(photo, "one.jpg", picture(11))
    put(photo.folder / "two of it.jpg", picture(11))
    rows = {"one": ("one.jpg",), "two of it": ("two of it.jpg",)}
    return [Expected(photo.project_id, "same_bytes", rows=rows)]


async def _comes_back(scene: Scene) -> None:
    put(scene.root / "came_back" / "came_back.jpg", picture(12))


@FILES.state(
    "a file comes back whose photo had left the catalogue", "the photo is back, with its tags", later=_comes_back
)
async def came_back(scene: Scene) -> list[Expected]:
    photo = await scene.photo("came_back", "came_back", (".jpg",), [])
    await scene.shelf.replace(photo, "came_back.jpg", picture(12))
    (photo.folder / "came_back.jpg").unlink()
    await tagged(scene, photo.id, "kept")
    rows = {"came_back": ("came_back.jpg",)}
    return [Expected(photo.project_id, "came_back", rows=rows, tags={"came_back": ("kept",)}, said=("PhotosRestored",))]


# --- derivatives ----------------------------------------------------------------------------------------------------


@FILES.state("a thumbnail on record is gone", "it is missing, and to be made again")
async def thumbnail_gone(scene: Scene) -> list[Expected]:
    photo = await scene.photo("thumbnail_gone", "thumbnail_gone")
    (photo.folder / ".thumb" / "thumbnail_gone.jpg").unlink()
    return [Expected(photo.project_id, "thumbnail_gone", thumbnail="missing", said=("DerivativesUpdated",))]


@FILES.state("all derivatives are gone, with their folders", "they are missing, and to be made again")
async def derivatives_gone(scene: Scene) -> list[Expected]:
    photo = await scene.photo("derivatives_gone", "derivatives_gone")
    shutil.rmtree(photo.folder / ".thumb")
    shutil.rmtree(photo.folder / ".preview")
    return [Expected(photo.project_id, "derivatives_gone", thumbnail="missing", said=("DerivativesUpdated",))]


@FILES.state("derivatives are there that are still to be made by the row", "nothing changes")
async def derivatives_early(scene: Scene) -> list[Expected]:
    photo = await scene.photo("derivatives_early", "derivatives_early")
    await scene.execute(NO_THUMBNAIL, photo.id)
    return [Expected(photo.project_id, "derivatives_early", thumbnail="pending", said=())]
