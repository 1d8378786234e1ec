"""A folder that was there before photobus: what makes it a library, what is refused, that nothing else is touched."""

import os
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from shelf import forbid
from typer.testing import CliRunner

from photobus_cli.main import app
from photobus_common.errors import ConfigurationError
from photobus_common.storage import renaming
from photobus_common.storage.library import SENTINEL, Library
from photobus_local.data_folder import DataFolder, Record
from photobus_local.existing_library import init, marks, refuse_if_another
from photobus_local.options import Options
from photobus_local.stack import library_root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with photos of two people, and more beside them."""
    root = tmp_path / "photos"
    for folder in ("user_0/Trip", "user_12/Sea", "user_x", "others/user_3"):
        (root / folder).mkdir(parents=True)
    (root / "user_0/Trip/IMG.jpg").write_bytes(b"photo")
    (root / "user_7").write_bytes(b"no folder")
    return root


def everything(root: Path) -> dict[str, tuple[int, bytes]]:
    """Inode and content of all that lies in a folder."""
    return {
        str(path.relative_to(root)): (path.lstat().st_ino, path.read_bytes() if path.is_file() else b"")
        for path in sorted(root.rglob("*"))
    }


def options(data: Path, library: Path | None = None) -> Options:
    """What a caller asks for."""
    return Options(data, 8080, {}, library)


class TestInit:
    def test_each_users_folder_gets_a_mark_and_nothing_else_is_touched(self, root: Path) -> None:
        before = everything(root)
        marked = {one.tenant: one for one in init(root)}
        assert [(one.tenant, one.new, one.library_id is None) for one in marked.values()] == [
            ("user_0", True, False),
            ("user_12", True, False),
        ]
        after = everything(root)
        assert after.keys() - before.keys() == {f"user_0/{SENTINEL}", f"user_12/{SENTINEL}"}
        assert {path: after[path] for path in before} == before
        for tenant in ("user_0", "user_12"):
            library_id = marked[tenant].library_id
            assert library_id is not None
            Library(root).tenant(tenant, library_id).self_test()

    def test_again_changes_nothing(self, root: Path) -> None:
        first = init(root)
        before = everything(root)
        again = init(root)
        assert [(one.tenant, one.library_id) for one in again] == [(one.tenant, one.library_id) for one in first]
        assert not any(one.new for one in again)
        assert everything(root) == before

    @pytest.mark.parametrize("there", ["", "lost+found", ".hidden"])
    def test_an_empty_folder_gets_a_first_user(self, tmp_path: Path, there: str) -> None:
        root = tmp_path / "new" / "photos"
        (root / there).mkdir(parents=True)
        [one] = init(root)
        assert (one.tenant, one.new) == ("user_0", True)
        assert marks(root, known=False) == {"user_0": one.library_id}

    def test_a_new_folder_is_made(self, tmp_path: Path) -> None:
        [one] = init(tmp_path / "new" / "photos")
        assert one.tenant == "user_0"

    def test_a_foreign_mark_is_kept_and_said(self, root: Path) -> None:
        (root / "user_0" / SENTINEL).write_bytes(b"the library of another program\n")
        before = everything(root / "user_0")
        marked = {one.tenant: one for one in init(root)}
        assert marked["user_0"].library_id is None
        assert "not of photobus" in marked["user_0"].refusal
        assert marked["user_12"].new
        assert everything(root / "user_0") == before

    def test_a_mark_is_there_whole_or_not_at_all(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def dying(*_: object) -> None:
            raise OSError(5, "Input/output error")

        with monkeypatch.context() as patch:
            patch.setattr(renaming, "rename_no_replace", dying)
            assert init(root)[0].refusal == "Input/output error"
        assert not (root / "user_0" / SENTINEL).exists()
        assert init(root)[0].new

    def test_a_link_is_not_followed(self, root: Path) -> None:
        (root / "user_1").symlink_to("others")
        [refused] = [one for one in init(root) if one.tenant == "user_1"]
        assert "is a link" in refused.refusal
        assert not (root / "others" / SENTINEL).exists()

    def test_a_folder_of_projects_is_told_how_it_becomes_a_library(self, tmp_path: Path) -> None:
        (tmp_path / "Trip").mkdir()
        before = everything(tmp_path)
        with pytest.raises(ConfigurationError, match=r"holds no user_<n>/ but Trip\..*/user_0/"):
            init(tmp_path)
        assert everything(tmp_path) == before

    def test_what_is_no_folder_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        for root in (tmp_path / "file", tmp_path / "file" / "below"):
            with pytest.raises(ConfigurationError, match="is not a folder"):
                init(root)

    def test_what_may_not_be_read_is_told_in_the_systems_words(
        self, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refusing(_path: object) -> None:
            raise PermissionError(13, "Permission denied")

        with monkeypatch.context() as patch:
            patch.setattr(os, "scandir", refusing)
            with pytest.raises(ConfigurationError, match=rf"The library {root} cannot be read: Permission denied\."):
                init(root)
        forbid(monkeypatch, SENTINEL)
        assert "Permission denied" in init(root)[0].refusal

    def test_the_command_says_what_it_did(self, root: Path) -> None:
        (root / "user_7").unlink()
        (root / "user_7").symlink_to("others")
        result = CliRunner().invoke(app, ["library", "init", str(root)])
        assert result.exit_code == 1
        assert "user_0 is now the library " in result.output
        assert "user_7 was left as it is: user_7 is a link" in result.output
        (root / "user_7").unlink()
        again = CliRunner().invoke(app, ["library", "init", str(root)])
        assert again.exit_code == 0
        assert "user_0 is already the library " in again.output
        assert f"photobus up --library {root}" in again.output


class TestMarks:
    def test_a_folder_without_marks_is_told_how_it_gets_them(self, root: Path) -> None:
        with pytest.raises(ConfigurationError, match=f"photobus library init {root}$"):
            marks(root, known=False)

    def test_the_library_that_was_there_is_more_likely_away(self, root: Path) -> None:
        with pytest.raises(ConfigurationError, match="is it mounted"):
            marks(root, known=True)

    def test_users_without_a_mark_are_none(self, root: Path) -> None:
        init(root / "others")
        assert marks(root / "others", known=False).keys() == {"user_3"}

    def test_a_folder_that_may_only_be_read_is_refused(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        init(root)
        monkeypatch.setattr(os, "access", lambda _path, mode: not mode & os.W_OK)
        with pytest.raises(ConfigurationError, match="user_0 may not be written to"):
            marks(root, known=False)


A, B = uuid4(), uuid4()


@pytest.mark.parametrize(
    ("found", "bound", "refused"),
    [
        ({"user_0": A}, {}, False),
        ({"user_0": A}, {"user_0": A}, False),
        ({"user_0": A, "user_1": B}, {"user_0": A}, False),
        ({"user_0": A}, {"user_0": A, "user_1": B}, False),
        ({"user_0": A}, {"user_0": B}, True),
        ({"user_0": A, "user_1": B}, {"user_0": A, "user_1": A}, True),
        ({"user_1": A}, {"user_0": A}, True),
    ],
)
def test_a_data_folder_of_another_library_is_refused(
    found: Mapping[str, UUID], bound: Mapping[str, UUID], refused: bool
) -> None:
    if not refused:
        refuse_if_another(Path("data"), Path("photos"), found, bound)
        return
    with pytest.raises(ConfigurationError, match="another library"):
        refuse_if_another(Path("data"), Path("photos"), found, bound)


class TestWhereThePhotosLie:
    def test_by_default_in_the_data_folder(self, tmp_path: Path) -> None:
        folder = DataFolder(tmp_path)
        assert library_root(options(tmp_path), folder) == folder.library
        folder.remember(Record(str(A), made=True))
        assert library_root(options(tmp_path), folder) == folder.library

    def test_where_the_caller_says(self, tmp_path: Path, root: Path) -> None:
        init(root)
        assert library_root(options(tmp_path, root), DataFolder(tmp_path)) == root

    def test_where_they_lay_the_last_time(self, tmp_path: Path, root: Path) -> None:
        init(root)
        folder = DataFolder(tmp_path / "data")
        folder.root.mkdir()
        folder.remember(Record(str(A), made=True, root=str(root)))
        assert library_root(options(folder.root), folder) == root
        root.rename(root.with_name("away"))
        root.mkdir()
        with pytest.raises(ConfigurationError, match="is it mounted"):
            library_root(options(folder.root), folder)
        assert library_root(options(folder.root, root.with_name("away")), folder) == root.with_name("away")
