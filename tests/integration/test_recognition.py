"""Photos that their owner renamed or moved outside photobus: they follow with their ids, tags, flags and history."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from by_hand import Owner, Seen, believing, bytes_of, findings, owner_of, recognised, seen_as
from removing import derivatives, keep, show
from shelf import Photo, Shelf, put
from working import Site

from photobus_common.config import Settings
from photobus_common.events.maintenance import PhotosRecognized
from photobus_common.events.projects import PhotoFilesChanged, PhotosAdded, PhotosRestored
from photobus_common.events.tasks import TaskRequested
from photobus_common.storage.folder import Entry, Folder
from photobus_common.storage.library import Library
from photobus_maintenance import new_photos

pytestmark = pytest.mark.usefixtures("marks_at_once")

INTEND_MOVE = """
INSERT INTO file_operations (id, tenant, actor, task_id, job_id, attempt, position, photo_id, kind, project_id, path,
    filename, target_project_id, target_path, target_filename)
VALUES (gen_random_uuid(), 'user_0', 'ada', gen_random_uuid(), gen_random_uuid(), 1, 0, $1, 'move', $2, 'A.jpg', 'A',
    $3, 'A.jpg', 'A')
"""
END_OPERATIONS = "UPDATE file_operations SET state = 'done'"
SET_NAMES = ("library", "project")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return believing(settings)


EITHER = pytest.mark.parametrize(
    "first", [("folder_check",), ("manifest_check", "folder_check")], ids=["nobody missed it yet", "it was missed"]
)


@EITHER
async def test_a_pair_that_was_renamed_is_the_photo_it_was(owner: Owner, first: Sequence[str]) -> None:
    here = await owner.project("a")
    photo = await owner.photo(here, "A", "A.dng", "A.jpg", "A.jpg.xmp")
    other = await owner.photo(here, "OTHER", "OTHER.jpg")
    await keep(owner.runner.site, photo, "raw")
    show(photo, "A")
    for ending in (".dng", ".jpg", ".jpg.xmp"):
        owner.rename(f"a/A{ending}", f"a/Sunset{ending}")
    before = await owner.taken_at()

    await owner.check(*first)

    seen = await owner.seen()
    files = ("Sunset.dng", "Sunset.jpg", "Sunset.jpg.xmp")
    assert seen[photo.id] == Seen(photo.id, "a", "Sunset", files, "jpg raw", "raw", ("of A",), "pending")
    assert sorted(seen) == [photo.id, other.id]
    assert await owner.taken_at() == before
    [told] = [data for data in await owner.said() if isinstance(data, PhotosRecognized)]
    assert (told.project_id, told.source_project_id) == (here[1], here[1])
    [moved] = told.photos
    assert (moved.source_filename, moved.filename) == ("A", "Sunset")
    assert {(file.source_name, file.name) for file in moved.files} == {(f"A{n[6:]}", n) for n in files}
    [asked] = [data for data in await owner.said() if isinstance(data, TaskRequested)]
    assert asked.targets.photo_ids == (photo.id,)
    assert derivatives(owner.shelf, "a") == []
    assert await owner.lost() == []
    await owner.nothing_more()


@EITHER
@pytest.mark.parametrize("name", ["A", "Other name"])
@pytest.mark.parametrize("backward", [False, True])
async def test_a_photo_that_was_moved_and_back_is_the_same(
    owner: Owner, first: Sequence[str], name: str, backward: bool
) -> None:
    projects = [await owner.project("a"), await owner.project("b")]
    if backward:
        projects.reverse()
    (here, here_id), (there, there_id) = projects
    photo = await owner.photo((here, here_id), "A", "A.dng", "A.jpg")
    staying = await owner.photo((here, here_id), "S", "S.jpg")
    await keep(owner.runner.site, photo, "jpg")
    show(photo, "A")
    for ending in (".dng", ".jpg"):
        owner.rename(f"{here}/A{ending}", f"{there}/{name}{ending}")

    await owner.check(*first)

    seen = (await owner.seen())[photo.id]
    files = (f"{name}.dng", f"{name}.jpg")
    assert seen == Seen(photo.id, there, name, files, "jpg raw", "jpg", ("of A",), "pending")
    assert await recognised(owner) == [(photo.id, here_id)]
    assert derivatives(owner.shelf, here) == []
    await owner.nothing_more()

    for ending in (".dng", ".jpg"):
        owner.rename(f"{there}/{name}{ending}", f"{here}/A{ending}")
    await owner.check(*first)
    back = await owner.seen()
    assert back[photo.id] == Seen(photo.id, here, "A", ("A.dng", "A.jpg"), "jpg raw", "jpg", ("of A",), "pending")
    assert await recognised(owner) == [(photo.id, here_id), (photo.id, there_id)]
    assert sorted(back) == [photo.id, staying.id]
    await owner.nothing_more()


async def test_what_is_still_where_it_was_is_not_known_again(owner: Owner) -> None:
    here, there = await owner.project("a"), await owner.project("b")
    pair = await owner.photo(here, "PAIR", "PAIR.dng", "PAIR.jpg")
    lone = await owner.photo(here, "LONE", "LONE.jpg", "LONE.jpg.xmp")
    owner.rename("a/PAIR.jpg", "a/HALF.jpg")
    owner.rename("a/LONE.jpg.xmp", "a/SIDECAR.jpg.xmp")
    owner.put("b/COPY.jpg", bytes_of("LONE.jpg"))
    owner.put("b/COPY.jpg.xmp", bytes_of("LONE.jpg.xmp"))
    await owner.check()

    seen = await owner.seen()
    assert (seen[pair.id].files, seen[pair.id].tags) == (("PAIR.dng",), ("of PAIR",))
    assert (seen[lone.id].files, seen[lone.id].tags) == (("LONE.jpg",), ("of LONE",))
    new = {photo.filename: (photo.folder, photo.files, photo.tags) for photo in seen.values() if photo.id > lone.id}
    assert new == {"HALF": ("a", ("HALF.jpg",), ()), "COPY": ("b", ("COPY.jpg", "COPY.jpg.xmp"), ())}
    assert await recognised(owner) == []
    assert {(photo, name) for photo, name, *_ in await owner.lost()} == {
        (pair.id, "PAIR.jpg"),
        (lone.id, "LONE.jpg.xmp"),
    }
    assert there[1] in await owner.marked()
    await owner.nothing_more()


async def test_halves_that_did_not_turn_up_are_missing_and_others_come_along(owner: Owner) -> None:
    here = await owner.project("a")
    photo = await owner.photo(here, "A", "A.dng", "A.jpg", "A.xmp")
    owner.rename("a/A.dng", "a/B.dng")
    (owner.shelf.root / "a" / "A.jpg").unlink()
    owner.put("a/B.jpg")  # edited, perhaps
    owner.put("a/B.png.xmp")
    await owner.check()

    [seen] = (await owner.seen()).values()
    assert (seen.id, seen.filename, seen.files) == (photo.id, "B", ("B.dng", "B.jpg", "B.png.xmp"))
    assert (seen.available, seen.keep, seen.tags) == ("jpg raw", "jpg raw", ("of A",))
    assert [name for _, name, *_ in await owner.lost()] == []
    [grown] = [
        data for data in await owner.said() if isinstance(data, PhotoFilesChanged) and data.cause == "folder_check"
    ]
    assert [file.name for file in grown.photos[0].added] == ["B.jpg", "B.png.xmp"]
    await owner.nothing_more()


@EITHER
async def test_bytes_that_are_of_another_kind_by_their_new_name_are_known_too(
    owner: Owner, first: Sequence[str]
) -> None:
    photo = await owner.photo(await owner.project("a"), "A", "A.dng")
    await keep(owner.runner.site, photo)
    owner.rename("a/A.dng", "a/B.tif")
    await owner.check(*first)
    [seen] = (await owner.seen()).values()
    assert seen == Seen(photo.id, "a", "B", ("B.tif",), "other", "other", ("of A",), "pending")
    await owner.nothing_more()


async def test_a_half_that_turns_up_later_finds_its_photo(owner: Owner) -> None:
    here, _ = await owner.project("a"), await owner.project("b")
    photo = await owner.photo(here, "A", "A.dng", "A.jpg")
    await keep(owner.runner.site, photo, "raw")
    owner.rename("a/A.dng", "b/B.dng")
    (owner.shelf.root / "a" / "A.jpg").unlink()
    await owner.check()
    seen = (await owner.seen())[photo.id]
    assert (seen.folder, seen.files, seen.available, seen.keep) == ("b", ("B.dng",), "raw", "raw")
    assert [(name, project) for _, name, project, _ in await owner.lost()] == [("B.jpg", 2)]

    owner.put("b/B.jpg", bytes_of("A.jpg"))
    await owner.check()
    seen = (await owner.seen())[photo.id]
    assert (seen.files, seen.available, seen.keep) == (("B.dng", "B.jpg"), "jpg raw", "raw")
    assert await owner.lost() == []
    await owner.nothing_more()


async def test_of_photos_with_the_same_bytes_each_file_is_one(owner: Owner) -> None:
    here, there = await owner.project("a"), await owner.project("b")
    lying = ((there, "C"), (here, "A"), (here, "B"))  # the oldest is of the project that is looked at last
    twins = [await owner.photo(project, name, f"{name}.jpg") for project, name in lying]
    for twin, name in zip(twins, "CAB", strict=True):
        await owner.shelf.replace(twin, f"{name}.jpg", bytes_of("SAME.jpg"))
        (twin.folder / f"{name}.jpg").unlink()
    by_library = [("a", "New.jpg"), ("b", "B.jpg"), ("b", "Other.jpg"), ("b", "Third.jpg")]
    for folder, name in by_library:
        owner.put(f"{folder}/{name}", bytes_of("SAME.jpg"))
    await owner.check()

    seen = await owner.seen()
    c, a, b = (seen[twin.id] for twin in twins)
    assert (a.folder, a.filename) == ("a", "New")  # of its project before the others, which come later
    assert (b.folder, b.filename) == ("b", "B")  # its name before all else
    assert (c.folder, c.filename) == ("b", "Other")
    [extra] = [photo for photo in seen.values() if photo.id not in {twin.id for twin in twins}]
    assert (extra.filename, extra.tags) == ("Third", ())
    await owner.nothing_more()


@pytest.mark.parametrize("unique", SET_NAMES)
async def test_a_name_that_another_photo_has_is_left_alone_where_names_are_unique(
    shelf: Shelf, site: Site, settings: Settings, library: Library, unique: str
) -> None:
    names = settings.model_copy(update={"library": settings.library.model_copy(update={"unique_names": unique})})
    owner = owner_of(shelf, site, names, library)
    here, _, third = [await owner.project(name) for name in ("a", "b", "c")]
    photo = await owner.photo(here, "A", "A.jpg")
    await owner.photo(third, "T", "T.jpg")  # as large as the other
    owner.rename("a/A.jpg", "b/T.jpg")
    await owner.check()

    seen = (await owner.seen())[photo.id]
    if unique == "project":
        assert (seen.folder, seen.filename, seen.tags) == ("b", "T", ("of A",))
    else:
        assert (seen.folder, seen.filename, seen.files) == ("a", "A", ())
        owner.rename("b/T.jpg", "b/FREE.jpg")
        await owner.check()
        seen = (await owner.seen())[photo.id]
        assert (seen.folder, seen.filename, seen.tags) == ("b", "FREE", ("of A",))
    await owner.nothing_more()


async def test_what_cannot_be_verified_waits(owner: Owner) -> None:
    here, there = await owner.project("a"), await owner.project("b")
    photo = await owner.photo(here, "A", "A.jpg")
    owner.put("b/Sunset.jpg", bytes_of("A.jpg"))
    folder = owner.shelf.root / "a"
    folder.rename(folder.with_name(".away"))
    await owner.check("folder_check")
    assert (await owner.seen())[photo.id].files == ("A.jpg",)
    assert len(await owner.seen()) == 1
    assert ("not_verified", "Sunset", 1) in await findings(owner)
    assert there[1] not in await owner.marked()

    folder.mkdir()  # an empty place of an absent disk
    await owner.check("folder_check")
    assert len(await owner.seen()) == 1
    assert await recognised(owner) == []

    folder.rmdir()
    folder.with_name(".away").rename(folder)
    await owner.check("folder_check")
    [copy] = [one for one in (await owner.seen()).values() if one.id != photo.id]
    assert (copy.folder, copy.filename, copy.tags) == ("b", "Sunset", ())
    assert await owner.marked() == [here[1], there[1]]


async def test_what_is_on_its_way_is_not_taken_over(owner: Owner) -> None:
    here, there = await owner.project("a"), await owner.project("b")
    photo = await owner.photo(here, "A", "A.jpg")
    owner.rename("a/A.jpg", "a/B.jpg")
    await owner.runner.site.execute(INTEND_MOVE, photo.id, here[1], there[1])
    await owner.check("folder_check")
    assert seen_as(await owner.seen()) == {photo.id: ("a", "A", ("A.jpg",))}
    assert await owner.marked() == []
    await owner.runner.site.execute(END_OPERATIONS)
    await owner.check("folder_check")
    assert seen_as(await owner.seen()) == {photo.id: ("a", "B", ("B.jpg",))}


async def test_empty_files_and_sidecars_make_no_photo_known(owner: Owner) -> None:
    here = await owner.project("a")
    photo = await owner.photo(here, "A", "A.jpg", "A.xmp")
    await owner.shelf.replace(photo, "A.jpg", b"")
    (photo.folder / "A.jpg").unlink()
    owner.rename("a/A.xmp", "a/B.xmp")
    owner.put("a/B.jpg", b"")
    owner.put("a/C.jpg")
    owner.put("a/C.xmp", bytes_of("A.xmp"))
    await owner.check()
    seen = await owner.seen()
    assert (seen[photo.id].filename, seen[photo.id].files) == ("A", ())
    assert sorted(one.filename for one in seen.values()) == ["A", "C"]
    assert await recognised(owner) == []


async def test_two_spellings_of_one_name_are_told_apart_by_the_listing(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Folder, "stat", in_any_case)
    here = await owner.project("a")
    photo = await owner.photo(here, "A", "A.jpg")
    twin = await owner.photo(here, "TWIN", "TWIN.jpg")
    owner.rename("a/A.jpg", "a/a.jpg")
    (twin.folder / "LINKED.jpg").hardlink_to(twin.folder / "TWIN.jpg")
    await owner.check()
    seen = await owner.seen()
    assert (seen[photo.id].filename, seen[photo.id].tags) == ("a", ("of A",))
    assert (seen[twin.id].filename, seen[twin.id].files) == ("TWIN", ("TWIN.jpg",))


KILLS = 40


def in_any_case(folder: Folder, name: str) -> Entry | None:
    """Look for a file as a file system does that takes all spellings of a name for one."""
    found = [other for other in folder.names() if other.casefold() == name.casefold()]
    return replace(known, name=name) if found and (known := folder._stat(found[0])) is not None else None


@EITHER
async def test_killed_between_any_two_effects_the_next_run_comes_to_the_same(
    shelf: Shelf,
    site: Site,
    settings: Settings,
    library: Library,
    monkeypatch: pytest.MonkeyPatch,
    first: Sequence[str],
) -> None:
    monkeypatch.setattr(new_photos, "PORTION", 2)
    owner = owner_of(shelf, site, settings, library)
    photos: dict[int, tuple[str, str, tuple[str, ...]]] = {}
    for effects in range(KILLS):
        here, there = await owner.project(f"a{effects}"), await owner.project(f"b{effects}")
        expected = await moved_about(owner, here[0], there[0], here, effects)
        photos |= expected
        for job_type in first[:-1]:
            await owner.runner.do(job_type)
        command = await owner.runner.job("folder_check", here[1], there[1])
        died = await owner.runner.dies(command, effects)
        if died:
            await owner.runner.run(command)
        await owner.archive()
        assert seen_as(await owner.seen(), expected) == expected
        await owner.runner.do("folder_check", here[1], there[1])
        if not died:
            break
    else:
        pytest.fail("it dies at every point")
    seen = await owner.seen()
    assert seen_as(seen) | photos == seen_as(seen)
    told = [photo_id for photo_id, _ in await recognised(owner)]
    back = [data for data in await owner.said() if isinstance(data, PhotosRestored)]
    told += [photo.photo_id for data in back for photo in data.photos]
    assert sorted(told) == sorted(photos)
    new = [photo.photo_id for data in await owner.said() if isinstance(data, PhotosAdded) for photo in data.photos]
    assert sorted({*new, *photos}) == sorted(seen)
    assert len(set(new)) == len(new)
    asked = [data.targets.photo_ids or () for data in await owner.said() if isinstance(data, TaskRequested)]
    assert {photo for ids in asked for photo in ids} == {*new, *photos}


async def moved_about(
    owner: Owner, here: str, there: str, project: tuple[str, int], number: int
) -> dict[int, tuple[str, str, tuple[str, ...]]]:
    """Rename one photo, move two, bring one back that was cleaned away, and put a new one beside them.

    Says how they lie then.
    """
    gone = await owner.photo(project, f"G{number}", f"G{number}.jpg")
    owner.rename(f"{here}/G{number}.jpg", f"{there}/.G{number}.jpg")
    await owner.check_and_clean()
    owner.rename(f"{there}/.G{number}.jpg", f"{there}/H{number}.jpg")
    made: list[Photo] = []
    for letter in "RMN":
        name = f"{letter}{number}"
        made.append(await owner.photo(project, name, f"{name}.dng", f"{name}.jpg"))
    renamed, moved, other = made
    for ending in ("dng", "jpg"):
        owner.rename(f"{here}/R{number}.{ending}", f"{here}/T{number}.{ending}")
        owner.rename(f"{here}/M{number}.{ending}", f"{there}/M{number}.{ending}")
        owner.rename(f"{here}/N{number}.{ending}", f"{there}/O{number}.{ending}")
    put(owner.shelf.root / there / f"NEW{number}.jpg", bytes_of(f"NEW{number}.jpg"))
    return {
        gone.id: (there, f"H{number}", (f"H{number}.jpg",)),
        renamed.id: (here, f"T{number}", (f"T{number}.dng", f"T{number}.jpg")),
        moved.id: (there, f"M{number}", (f"M{number}.dng", f"M{number}.jpg")),
        other.id: (there, f"O{number}", (f"O{number}.dng", f"O{number}.jpg")),
    }
