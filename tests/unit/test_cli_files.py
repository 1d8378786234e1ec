"""Which files of a folder are sent."""

from pathlib import Path

from photobus_cli.upload import files_below


def test_files_at_any_depth_but_nothing_hidden_and_no_links(tmp_path: Path) -> None:
    for name in ("b/2.jpg", "b/1.jpg", "a.jpg", ".hidden.jpg", ".trash/old.jpg", "b/.cache/x.jpg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "link.jpg").symlink_to(tmp_path / "a.jpg")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in files_below(tmp_path)] == ["a.jpg", "b/1.jpg", "b/2.jpg"]
