"""What a client remembers of unfinished uploads, and what that may not stop."""

from pathlib import Path

from photobus_client import Journal


def test_what_was_put_is_found_by_the_next_run_until_the_file_is_another(tmp_path: Path) -> None:
    kept, photo = tmp_path / "state" / "journal.json", tmp_path / "photo.jpg"
    photo.write_text("photo")
    Journal(kept).put(photo, "/api/projects/Trip/uploads/1")
    assert Journal(kept).get(photo) == "/api/projects/Trip/uploads/1"
    photo.write_text("another")
    assert Journal(kept).get(photo) is None


def test_a_place_that_cannot_be_written_costs_only_the_memory(tmp_path: Path) -> None:
    photo, barred = tmp_path / "photo.jpg", tmp_path / "barred"
    photo.write_text("photo")
    barred.write_text("no folder")
    journal = Journal(barred / "journal.json")
    journal.put(photo, "/api/projects/Trip/uploads/1")
    assert journal.get(photo) == "/api/projects/Trip/uploads/1"


def test_a_file_that_is_gone_is_none_that_was_being_sent(tmp_path: Path) -> None:
    journal = Journal()
    journal.drop(tmp_path / "gone.jpg")
    assert journal.get(tmp_path / "gone.jpg") is None
