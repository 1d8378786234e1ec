"""What an undo takes back: planned purely, from what the log says that a task did and from how the photo is now."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from undone_world import (
    NONE,
    PROJECTS,
    Told,
    World,
    about,
    committing,
    keeping,
    moving,
    photo,
    project,
    tagging,
    undoing,
)

from photobus_common.catalogue_changes import MAX_TAGS_OF_PHOTO, KeepWish, Kinds
from photobus_common.deeds import Deed, Place, deeds_of
from photobus_common.events import EventData
from photobus_common.events.projects import FilesTrashed, KeptKinds, PhotosRemoved, TrashedFile
from photobus_common.reconciliation import CatalogueFile
from photobus_common.removal import DeletedRow, removed_photo
from photobus_common.undoing import GONE, Situation, Undo, plan_undo, told

NAMES = ("A.JPG", "A.ARW", "A.png", "A.ARW.xmp", "A.xmp")
TAGS = ("alps", "sea", "sun")
RAW = Kinds(jpg=False, raw=True, other=False)


def plan(world: World, events: Sequence[EventData], namesakes: dict[Place, str] | None = None) -> Undo:
    deed = deeds_of(events).get(9, Deed(9))
    return plan_undo(deed, Situation(world.photo, PROJECTS, namesakes or {}))


kinds = st.builds(Kinds, st.booleans(), st.booleans(), st.booleans())
worlds = st.builds(photo, st.lists(st.sampled_from(NAMES), unique=True), kinds, st.sets(st.sampled_from(TAGS)))
wishes = st.builds(KeepWish, *[st.none() | st.booleans()] * 3)
tags = st.sets(st.sampled_from(TAGS))
TASKS = ("keep", "tags", "move", "commit")


@st.composite
def tasks(draw: st.DrawFn, words: Sequence[str] = TASKS) -> tuple[str, object, object]:
    match draw(st.sampled_from(words)):
        case "keep":
            return "keep", draw(wishes), None
        case "tags":
            return "tags", draw(tags), draw(tags)
        case "move":
            return "move", draw(st.sampled_from((2, 3))), draw(st.sampled_from(("A", "A (2)")))
        case word:
            return word, None, None


def do(world: World, task: tuple[str, object, object]) -> Told:
    if world.photo is None:
        return world, []
    match task:
        case ("keep", KeepWish() as wish, _):
            return keeping(world, wish)
        case ("tags", set() as add, set() as remove):
            return tagging(world, add, remove)
        case ("move", int() as project_id, str() as filename) if world.photo.project_id != project_id:
            return moving(world, project_id, filename)
        case ("commit", _, _):
            return committing(world)
    return world, []


@given(worlds, tasks())
def test_an_undo_restores_the_start_and_an_undo_of_it_the_end(start: World, task: tuple[str, object, object]) -> None:
    end, events = do(start, task)
    first = plan(end, events)
    assert first.status == ("unchanged" if end.state == start.state else "restores")
    back, undone = undoing(end, first)
    assert back.state == start.state
    again, redone = undoing(back, plan(back, undone))
    assert again.state == end.state
    assert undoing(again, plan(again, redone))[0].state == start.state


@given(worlds, tasks())
def test_an_undo_that_is_planned_a_second_time_has_nothing_to_do(
    start: World, task: tuple[str, object, object]
) -> None:
    end, events = do(start, task)
    back, _ = undoing(end, plan(end, events))
    assert plan(back, events).status == "unchanged"


@given(worlds, st.data(), st.permutations(("keep", "tags", "move")), st.permutations(("keep", "tags", "move")))
def test_independent_changes_are_undone_in_any_order(
    start: World, data: st.DataObject, done: Sequence[str], undone: Sequence[str]
) -> None:
    world, told_of = start, {}
    for word in done:
        world, told_of[word] = do(world, data.draw(tasks((word,))))
    for word in undone:
        world, _ = undoing(world, plan(world, told_of[word]))
    assert world.state == start.state


@given(worlds, tasks(), st.lists(tasks(), max_size=4))
def test_whatever_came_in_between_an_undo_takes_back_no_more_than_its_task(
    start: World, task: tuple[str, object, object], between: Sequence[tuple[str, object, object]]
) -> None:
    world, events = do(start, task)
    deed = deeds_of(events).get(9, Deed(9))
    for other in between:
        world, _ = do(world, other)
    undo = plan(world, events)
    after, _ = undoing(world, undo)
    assert undo.does_something == (after.state != world.state)
    assert undo.does_something == bool(list(told(undo)))
    assert (undo.status == "refused") == bool(undo.refused)
    if world.photo is not None and after.photo is not None:
        assert set(after.photo.tags) - set(world.photo.tags) <= deed.tags_removed
        assert set(world.photo.tags) - set(after.photo.tags) <= deed.tags_added
        assert {file.name for file in after.photo.files} - {file.name for file in world.photo.files} <= set(
            deed.trashed
        ) | {file.name for file in start.known.files}
        first, last = deed.keep or (world.photo.keep, world.photo.keep)
        untouched = [number for number in range(3) if first[number] == last[number]]
        assert [after.photo.keep[one] for one in untouched] == [world.photo.keep[one] for one in untouched]
    if task[0] in ("keep", "tags"):
        assert after.photo is None or after.photo.files == world.known.files


def committed(names: Iterable[str] = ("A.JPG",), keep: Kinds = NONE) -> Told:
    return committing(photo(names, keep))


def test_a_photo_whose_name_another_has_is_told_and_stays_in_the_trash() -> None:
    world, events = committed()
    undo = plan(world, events, {Place(1, "A"): "P2"})
    assert (undo.status, undo.refused) == ("refused", ("Another photo is called A now, in P2.",))
    assert not undo.does_something


def test_a_photo_that_lies_elsewhere_by_now_does_not_get_files_of_another_project() -> None:
    world, events = committed(("A.JPG", "A.ARW"), RAW)
    moved, _ = moving(world, 2, "A")
    renamed = replace(world, photo=replace(world.known, filename="A (2)"))
    assert plan(moved, events).refused == ("It lies in P2 now.",)
    assert plan(renamed, events).refused == ("It is called A (2) now.",)


def test_a_photo_removed_by_something_else_is_not_brought_back() -> None:
    world, events = committed(("A.JPG", "A.ARW"), RAW)
    gone = replace(world, photo=None)
    assert plan(gone, events).refused == (GONE,)
    for word in ("keep", "tags", "move"):
        _, told_of = do(photo(), {"keep": ("keep", KeepWish(jpg=False), None)}.get(word, (word, 2, "A")))
        if told_of:
            assert plan(World(None), told_of).refused == (GONE,)


def test_a_photo_of_a_deleted_project_is_not_brought_back() -> None:
    world, events = committed()
    (deed,) = deeds_of(events).values()
    undo = plan_undo(deed, Situation(world.photo, {1: project(1, active=False)}))
    assert undo.refused == ("Its project P1 was deleted.",)
    kept, told_of = keeping(photo(), KeepWish(jpg=False))
    undo = plan_undo(deeds_of(told_of)[9], Situation(kept.photo, {1: project(1, active=False)}))
    assert undo.refused == (GONE,)


def test_a_photo_is_told_where_it_lies_or_lay_before() -> None:
    moved, events = moving(photo(), 2, "A")
    assert plan(moving(moved, 3, "A")[0], events).project_folder == "P3"
    assert plan(replace(moved, photo=None), events).project_folder == "P2"
    gone, events = committed()
    assert (gone.photo, plan(gone, events).project_folder) == (None, "P1")


def test_a_move_is_not_taken_back_from_elsewhere_nor_into_a_deleted_project() -> None:
    moved, events = moving(photo(), 2, "A")
    assert plan(moving(moved, 3, "A")[0], events).refused == ("It has moved on to P3.",)
    assert plan(moving(moved, 1, "A")[0], events).status == "unchanged"
    undo = plan_undo(deeds_of(events)[9], Situation(moved.photo, PROJECTS | {1: project(1, active=False)}))
    assert undo.refused == ("Its project P1 was deleted.",)


def test_a_photo_that_got_a_number_gets_its_name_back_but_one_renamed_since_keeps_that() -> None:
    moved, events = moving(photo(), 2, "A (2)")
    undo = plan(moved, events)
    assert undo.move is not None
    assert undo.move.wish.filename == "A"
    assert list(told(undo)) == ["goes back to P1"]
    assert list(told(undo, "A (3)")) == ["goes back to P1 as A (3), since A is taken"]
    renamed, _ = moving(moved, 2, "B")
    undo = plan(renamed, events)
    assert undo.move is not None
    assert undo.move.wish.filename == "B"


def test_another_file_of_the_same_name_stays() -> None:
    world, events = committed(("A.JPG", "A.ARW"), RAW)
    other = CatalogueFile("A.JPG", "jpg", 2, "another")
    assert world.photo is not None
    world = replace(world, photo=replace(world.photo, files=(*world.photo.files, other)))
    assert plan(world, events).refused == ("It has another file of the same name now: A.JPG.",)


def test_what_is_to_be_kept_by_now_does_not_go_to_the_trash_again() -> None:
    world, events = committed(("A.JPG", "A.ARW"))
    back, undone = undoing(world, plan(world, events))
    kept, _ = keeping(back, KeepWish(jpg=True))
    undo = plan(kept, undone)
    assert undo.refused == ("To be kept by now: A.JPG.",)
    assert list(told(undo)) == ["A.ARW goes to the trash again"]


def test_what_was_said_since_of_a_kind_that_the_task_did_not_touch_stands() -> None:
    world, events = keeping(photo(), KeepWish(jpg=False))
    since, _ = keeping(world, KeepWish(raw=False))
    after, _ = undoing(since, plan(since, events))
    assert after.known.keep == Kinds(jpg=True, raw=False, other=True)


def test_only_what_came_back_goes_again() -> None:
    world, events = committed(("A.JPG", "A.ARW"), RAW)
    back, undone = undoing(world, plan(world, events))
    pending, _ = keeping(back, KeepWish(raw=False))
    assert list(told(plan(pending, undone))) == ["A.JPG goes to the trash again"]


def test_a_photo_that_an_undo_found_there_is_not_removed_for_what_the_disk_lost_since() -> None:
    world, events = committed(("A.JPG",), RAW)
    back, undone = undoing(world, plan(world, events))
    lost = replace(back, photo=replace(back.known, keep=NONE, files=()))
    assert plan(lost, undone).status == "unchanged"


def test_what_the_disk_lost_is_no_deed_of_a_commit() -> None:
    gone = removed_photo(photo(()).known, DeletedRow(2, {}))
    cleaned = PhotosRemoved(**about(1), cause="manifest_cleaning", photos=(gone,))
    assert plan(World(None), [cleaned]).status == "unchanged"
    world, events = committed(("A.JPG", "A.ARW"), RAW)
    undo = plan(replace(world, photo=None), [*events, cleaned])
    assert list(told(undo)) == ["is in the catalogue again", "A.JPG comes back from the trash"]


def test_a_photo_whose_files_had_gone_before_is_not_brought_back_without_them() -> None:
    gone = removed_photo(photo().known, DeletedRow(2, {}))
    removed = PhotosRemoved(**about(1), cause="file_removal", photos=(gone,))
    assert plan(World(None), [removed]).refused == ("None of its files went to the trash.",)


def test_what_an_upload_replaced_is_no_deed_of_a_task() -> None:
    trashed = TrashedFile(photo_id=9, name="A.JPG", trash_path=".trash/1/A.JPG", size=1)
    replaced = FilesTrashed(**about(1), reason="overwritten", files=(trashed,))
    assert deeds_of([replaced])[9] == Deed(9)


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (("keep", KeepWish(jpg=False), None), ["jpg is kept again"]),
        (("tags", {"sea"}, {"alps"}), ["gets the tag alps back", "loses the tag sea"]),
        (("move", 2, "A"), ["goes back to P1"]),
    ],
)
def test_what_is_taken_back_is_said_in_words(task: tuple[str, object, object], words: list[str]) -> None:
    world, events = do(photo(tags={"alps"}), task)
    assert list(told(plan(world, events))) == words


def test_tags_for_which_there_is_no_room_any_more_are_told_and_the_rest_is_taken_back() -> None:
    names = {f"{number}" for number in range(MAX_TAGS_OF_PHOTO - 1)}
    world, events = do(photo(tags={"alps", *names}), ("tags", set(), {"alps", "0"}))
    world, said = do(world, ("keep", KeepWish(jpg=False), None))
    world, _ = do(world, ("tags", {"sea", "lake"}, set()))
    undo = plan(world, [*events, *said])
    assert undo.refused == ("A photo has at most 200 tags; this one would have 202.",)
    assert list(told(undo)) == ["jpg is kept again"]


def test_what_is_said_of_files() -> None:
    world, events = committed()
    undo = plan(world, events)
    assert list(told(undo)) == ["is in the catalogue again", "A.JPG comes back from the trash"]
    back, undone = undoing(world, undo)
    assert list(told(plan(back, undone))) == ["A.JPG goes to the trash again", "leaves the catalogue again"]
    assert undo.comeback is not None
    assert undo.comeback.row is not None
    assert undo.comeback.row.keep == KeptKinds(**NONE._asdict())
