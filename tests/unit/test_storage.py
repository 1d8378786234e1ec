"""Project folders by descriptor, behind the library's sentinel, on a real file system."""

import asyncio
import errno
import fcntl
import os
import subprocess
import sys
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from shelf import forbid

from photobus_common.errors import ConfigurationError, PhotobusError, StorageUnavailableError
from photobus_common.storage import (
    PREVIEWS,
    SENTINEL,
    TEMPORARY_PREFIX,
    THUMBNAILS,
    FileMissingError,
    FolderMissingError,
    Library,
    LockedError,
    Manifest,
    NameTakenError,
    ProjectFolder,
    StorageFullError,
    TenantLibrary,
    renaming,
    trash_folder,
    trashed_at,
)
from photobus_common.storage.errors import is_about_one_file, storage_errors

TENANT = "user_0"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "library"


@pytest.fixture
def tenant_library(root: Path) -> TenantLibrary:
    return Library(root).init_tenant(TENANT, uuid4())


@pytest.fixture
def path(root: Path, tenant_library: TenantLibrary) -> Path:
    """The folder of the project."""
    tenant_library.create_project("Trip").close()
    return root / TENANT / "Trip"


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


class TestLibrary:
    def test_made_twice_it_is_the_same(self, root: Path) -> None:
        library_id = uuid4()
        Library(root).init_tenant(TENANT, library_id)
        Library(root).init_tenant(TENANT, library_id)
        assert (root / TENANT / SENTINEL).read_text().strip() == str(library_id)
        assert names_in(root) == [TENANT]

    def test_a_folder_found_is_only_adopted_on_its_owners_word(self, root: Path) -> None:
        (root / TENANT).mkdir(parents=True)
        with pytest.raises(ConfigurationError):
            Library(root).init_tenant(TENANT, uuid4())
        assert names_in(root / TENANT) == []
        adopted = Library(root).init_tenant(TENANT, uuid4(), adopt=True)
        assert list(adopted.project_folders()) == []

    def test_another_library_is_never_made_ours(self, root: Path, tenant_library: TenantLibrary) -> None:
        with pytest.raises(ConfigurationError):
            Library(root).init_tenant(TENANT, uuid4(), adopt=True)
        assert (root / TENANT / SENTINEL).read_text().strip() == str(tenant_library.library_id)

    @pytest.mark.usefixtures("path")
    @pytest.mark.parametrize("how", ["unmounted", "no sentinel", "another sentinel", "a link", "no root"])
    def test_a_library_that_is_away_opens_nothing(
        self, how: str, root: Path, tenant_library: TenantLibrary, tmp_path: Path
    ) -> None:
        ours = root / TENANT
        match how:
            case "unmounted":
                ours.rename(tmp_path / "away")
                ours.mkdir()
            case "no sentinel":
                (ours / SENTINEL).unlink()
            case "another sentinel":
                (ours / SENTINEL).write_text(str(uuid4()))
            case "a link":
                ours.rename(tmp_path / "away")
                ours.symlink_to(tmp_path / "away")
            case _:
                root.rename(tmp_path / "away")
        for attempt in (tenant_library.open_uploads, tenant_library.project_folders, tenant_library.self_test):
            with pytest.raises(StorageUnavailableError):
                attempt()
        with pytest.raises(StorageUnavailableError):
            tenant_library.open_project("Trip")
        with pytest.raises(StorageUnavailableError):
            tenant_library.create_project("New")

    @pytest.mark.usefixtures("path")
    def test_projects_are_folders_and_not_links_or_hidden(self, root: Path, tenant_library: TenantLibrary) -> None:
        (root / TENANT / "link").symlink_to("/etc")
        (root / TENANT / "file").write_text("x")
        (root / TENANT / ".hidden").mkdir()
        assert list(tenant_library.project_folders()) == ["Trip"]
        for name in ("link", "file", ".hidden", "..", ".", "", "Trip/../Trip", "missing"):
            with pytest.raises(FolderMissingError):
                tenant_library.open_project(name)
        with pytest.raises(NameTakenError):
            tenant_library.create_project("link")


class TestFolder:
    def test_only_regular_files_are_files(self, tenant_library: TenantLibrary, path: Path) -> None:
        (path / "b.jpg").write_bytes(b"12")
        (path / ".hidden").write_bytes(b"")
        (path / "link.jpg").symlink_to("/etc/passwd")
        os.mkfifo(path / "pipe.jpg")
        (path / "folder.jpg").mkdir()
        with tenant_library.open_project("Trip") as folder:
            assert [(entry.name, entry.size) for entry in folder.list()] == [("b.jpg", 2)]
            assert [entry.name for entry in folder.list(hidden=True)] == [".hidden", "b.jpg"]
            for name in ("link.jpg", "pipe.jpg", "folder.jpg", "missing.jpg"):
                assert folder.stat(name) is None
                with pytest.raises(FileMissingError):
                    folder.open(name)
            assert folder.taken("link.jpg")
            os.close(folder.open("b.jpg"))

    @pytest.mark.usefixtures("path")
    @pytest.mark.parametrize("name", ["../b", "a/b", "", ".", ".."])
    def test_no_name_leads_outside(self, name: str, tenant_library: TenantLibrary) -> None:
        with tenant_library.open_project("Trip") as folder:
            for call in (folder.open, folder.stat, folder.create, folder.remove, folder.subfolder):
                with pytest.raises(StorageUnavailableError):
                    call(name)

    def test_a_name_that_is_not_text_is_seen_as_such(self, tenant_library: TenantLibrary, path: Path) -> None:
        (path / os.fsdecode(b"a\xff.jpg")).write_bytes(b"")
        with tenant_library.open_project("Trip") as folder:
            assert [entry.is_text for entry in folder.list()] == [False]

    def test_a_folder_renamed_meanwhile_stays_the_same(self, tenant_library: TenantLibrary, path: Path) -> None:
        with tenant_library.open_project("Trip") as folder:
            path.rename(path.with_name("Elsewhere"))
            path.mkdir()
            folder.write_manifest(Manifest(id=7, name="Trip", created_at=datetime(2024, 1, 1, tzinfo=UTC)))
            assert (path.with_name("Elsewhere") / ".project.yaml").exists()
            assert names_in(path) == []

    def test_writing_replaces_in_one_step_and_an_error_leaves_the_old(
        self, tenant_library: TenantLibrary, path: Path
    ) -> None:
        class Breaking(BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                raise OSError(errno.EIO, f"broken after {size} bytes")

        with tenant_library.open_project("Trip") as folder:
            folder.write_derivative(THUMBNAILS, "a.jpg", b"old")
            folder.write_derivative(THUMBNAILS, "a.jpg", BytesIO(b"new"))
            with pytest.raises(StorageUnavailableError):
                folder.write_derivative(THUMBNAILS, "a.jpg", Breaking())
            entry = folder.stat_derivative(THUMBNAILS, "a.jpg")
            assert entry is not None
            assert entry.size == 3
            assert folder.stat_derivative(PREVIEWS, "a.jpg") is None
            fd = folder.open_derivative(THUMBNAILS, "a.jpg")
            assert os.read(fd, 9) == b"new"
            os.close(fd)
            assert folder.remove_derivative(THUMBNAILS, "a.jpg")
            assert not folder.remove_derivative(PREVIEWS, "a.jpg")
        assert names_in(path / THUMBNAILS) == []

    def test_a_derivative_folder_that_is_a_link_is_not_written_through(
        self, tenant_library: TenantLibrary, path: Path, tmp_path: Path
    ) -> None:
        (path / THUMBNAILS).symlink_to(tmp_path)
        with tenant_library.open_project("Trip") as folder, pytest.raises(StorageUnavailableError):
            folder.write_derivative(THUMBNAILS, "a.jpg", b"x")
        assert not (tmp_path / "a.jpg").exists()

    @pytest.mark.parametrize(
        ("number", "error"), [(errno.ENOSPC, StorageFullError), (errno.EIO, StorageUnavailableError)]
    )
    def test_a_full_disk_is_told_from_one_that_is_away(self, number: int, error: type[Exception]) -> None:
        with pytest.raises(error), storage_errors("writing"):
            raise OSError(number, os.strerror(number))


class TestPlacing:
    @pytest.fixture
    def folder(self, tenant_library: TenantLibrary, path: Path) -> ProjectFolder:
        (path.parent / ".uploads").mkdir()
        (path.parent / ".uploads" / "temporary").write_bytes(b"new")
        return tenant_library.open_project("Trip")

    def test_nothing_is_replaced(self, folder: ProjectFolder, tenant_library: TenantLibrary, path: Path) -> None:
        (path / "taken.jpg").write_bytes(b"old")
        (path / "link.jpg").symlink_to("nowhere")
        with folder, tenant_library.open_uploads() as uploads:
            for name in ("taken.jpg", "link.jpg", "../outside.jpg"):
                with pytest.raises(NameTakenError):
                    folder.place(uploads, "temporary", name)
            entry = folder.place(uploads, "temporary", "free.jpg")
            assert entry.same_file(uploads.stat("temporary"))
            with pytest.raises(FileMissingError):
                folder.place(uploads, "missing", "other.jpg")
        assert (path / "taken.jpg").read_bytes() == b"old"
        assert (path / "free.jpg").read_bytes() == b"new"

    def test_without_hard_links_the_file_is_renamed(
        self, folder: ProjectFolder, tenant_library: TenantLibrary, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def no_links(*_args: object, **_options: object) -> None:
            raise OSError(errno.EPERM, "no links here")

        monkeypatch.setattr(os, "link", no_links)
        (path / "taken.jpg").write_bytes(b"old")
        with folder, tenant_library.open_uploads() as uploads:
            with pytest.raises(NameTakenError):
                folder.place(uploads, "temporary", "taken.jpg")
            folder.place(uploads, "temporary", "free.jpg")
            assert uploads.stat("temporary") is None
        assert (path / "free.jpg").read_bytes() == b"new"

    def test_without_the_kernels_rename_a_link_serves(
        self, folder: ProjectFolder, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(renaming, "_renameat2", None)
        (path / "a.jpg").write_bytes(b"a")
        (path / "b.jpg").write_bytes(b"b")
        with folder:
            with pytest.raises(NameTakenError):
                folder.rename("a.jpg", folder, "b.jpg")
            folder.rename("a.jpg", folder, "c.jpg")
        assert names_in(path) == ["b.jpg", "c.jpg"]

    def test_the_trash_replaces_nothing_and_tells_its_time(self, folder: ProjectFolder, path: Path) -> None:
        name = trash_folder(datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC), UUID(int=1))
        assert trashed_at(name) == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
        assert trashed_at("something else") is None
        with folder:
            kept = []
            for content in (b"first", b"second"):
                (path / "a.jpg").write_bytes(content)
                kept.append(folder.trash("a.jpg", name))
            assert [(path / place).read_bytes() for place in kept] == [b"first", b"second"]
            assert kept[0] == folder.trash_path("a.jpg", name)
            found = folder.stat_trashed("a.jpg", name)
            assert found is not None
            assert found.size == 5
            assert folder.stat_trashed("a.jpg", "other") is None
            with pytest.raises(FileMissingError):
                folder.trash("a.jpg", name)


class TestLocks:
    @pytest.mark.usefixtures("path")
    async def test_two_openings_exclude_each_other_and_closing_lets_go(self, tenant_library: TenantLibrary) -> None:
        first, second = tenant_library.open_project("Trip"), tenant_library.open_project("Trip")
        with second:
            assert first.try_lock()
            assert not second.try_lock()
            with pytest.raises(LockedError):
                async with second.locked(0.02):
                    pass
            first.close()
            async with second.locked(0):
                pass

    @pytest.mark.usefixtures("path")
    async def test_waiters_get_it_one_after_the_other(self, tenant_library: TenantLibrary) -> None:
        inside: list[int] = []

        async def enter(number: int) -> None:
            with tenant_library.open_project("Trip") as folder:
                async with folder.locked(10):
                    inside.append(number)
                    await asyncio.sleep(0)
                    assert inside[-1] == number

        await asyncio.gather(*(enter(number) for number in range(8)))
        assert sorted(inside) == list(range(8))

    def test_a_process_that_dies_lets_go(self, tenant_library: TenantLibrary, path: Path) -> None:
        program = (
            "import fcntl, os, sys, time\n"
            "fd = os.open(sys.argv[1], os.O_RDONLY)\n"
            "fcntl.flock(fd, fcntl.LOCK_EX)\n"
            "print('locked', flush=True)\n"
            "sys.stdin.read()\n"
        )
        holder = subprocess.Popen(
            [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        with tenant_library.open_project("Trip") as folder:
            assert not folder.try_lock()
            holder.kill()
            holder.communicate()
            assert folder.try_lock()

    @pytest.mark.parametrize("answer", [None, errno.EOPNOTSUPP, errno.ENOLCK, errno.EBADF])
    def test_a_file_system_without_locks_is_refused(
        self, tenant_library: TenantLibrary, monkeypatch: pytest.MonkeyPatch, answer: int | None
    ) -> None:
        def flock(_fd: int, _operation: int) -> None:
            """Keep no lock, and say so or not."""
            if answer is not None:
                raise OSError(answer, os.strerror(answer))

        tenant_library.self_test()
        monkeypatch.setattr(fcntl, "flock", flock)
        with pytest.raises(ConfigurationError):
            tenant_library.self_test()


@pytest.mark.parametrize(
    ("number", "about_one_file"),
    [
        (errno.ENAMETOOLONG, True),
        (errno.EACCES, True),
        (errno.EILSEQ, True),
        (errno.EIO, False),
        (errno.ENOSPC, False),
        (errno.EROFS, False),
        (errno.ESTALE, False),
        (errno.ENOTCONN, False),
    ],
)
def test_what_one_file_is_refused_for_is_told_from_a_storage_that_is_away(number: int, about_one_file: bool) -> None:
    with pytest.raises(PhotobusError) as raised, storage_errors("looking"):
        raise OSError(number, os.strerror(number))
    assert is_about_one_file(raised.value) is about_one_file


@pytest.mark.parametrize(("number", "code"), [(errno.EACCES, "file_unreadable"), (errno.EIO, "storage_unavailable")])
def test_a_file_that_may_not_be_read_is_told_from_storage_that_is_away(
    path: Path, tenant_library: TenantLibrary, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    (path / "a.jpg").write_bytes(b"a")
    with tenant_library.open_project("Trip") as folder:
        forbid(monkeypatch, "a.jpg", number)
        with pytest.raises(StorageUnavailableError) as raised:
            folder.open("a.jpg")
        assert raised.value.code == code


def test_only_old_temporary_files_are_leftovers(path: Path, tenant_library: TenantLibrary) -> None:
    old, young = f"{TEMPORARY_PREFIX}{uuid4().hex}", f"{TEMPORARY_PREFIX}{uuid4().hex}"
    folders = [path, path / THUMBNAILS, path / PREVIEWS]
    others = [old[:-1], f"{old}x", SENTINEL, ".project.yaml", "a.jpg"]
    for folder in folders:
        folder.mkdir(exist_ok=True)
        for name in (old, young, *others):
            (folder / name).write_bytes(b"")
            os.utime(folder / name, ns=(0, 1000 if name == young else 999))
    with tenant_library.open_project("Trip") as project:
        fd, being_written = project.create_temporary()
        os.utime(path / being_written, ns=(0, 0))
        assert project.remove_leftovers(before_ns=1000) == len(folders)
        assert project.stat(being_written) is not None
        os.close(fd)
        assert project.remove_leftovers(before_ns=1000) == 1
        assert project.remove_leftovers(before_ns=1000) == 0
    assert all({file.name for file in folder.iterdir() if file.is_file()} == {young, *others} for folder in folders)
