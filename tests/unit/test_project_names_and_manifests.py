"""What a project's folder is called, and what its manifest says."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photobus_common.storage import (
    MAX_NAME_BYTES,
    Library,
    Manifest,
    ManifestBrokenError,
    TenantLibrary,
    folder_name,
    numbered,
)

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


class TestManifest:
    @pytest.mark.usefixtures("path")
    def test_it_reads_as_it_was_written(self, tenant_library: TenantLibrary) -> None:
        manifest = Manifest(id=12, name="Été: à la mer", created_at=datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC))
        with tenant_library.open_project("Trip") as folder:
            assert folder.read_manifest() is None
            folder.write_manifest(manifest)
            assert folder.read_manifest() == manifest

    @pytest.mark.parametrize(
        "content",
        [
            *(b"", b"id: [", b"\xff\xfe", b"a: &a [*a]\n", b"x" * 100_000, b"- 1\n"),
            b"id: x\nname: y\ncreated_at: 2024-01-02T03:04:05+00:00\n",
            b"id: 0\nname: y\ncreated_at: 2024-01-02T03:04:05+00:00\n",
            b"id: 9223372036854775808\nname: y\ncreated_at: 2024-01-02T03:04:05+00:00\n",
        ],
    )
    def test_what_is_no_manifest_is_broken(self, content: bytes, tenant_library: TenantLibrary, path: Path) -> None:
        (path / ".project.yaml").write_bytes(content)
        with tenant_library.open_project("Trip") as folder, pytest.raises(ManifestBrokenError):
            folder.read_manifest()


class TestNames:
    @pytest.mark.parametrize(
        ("project", "folder"),
        [
            ("Trip", "Trip"),
            ("a/b\\c:d", "a_b_c_d"),
            ("  spaces  ", "spaces"),
            ("...", "Project"),
            (".hidden", "_hidden"),
            ("", "Project"),
            ("ends.", "ends"),
            ("tab\there", "tab_here"),
            ("e\u0301te\u0301", "\u00e9t\u00e9"),
        ],
    )
    def test_folder_names(self, project: str, folder: str) -> None:
        assert folder_name(project) == folder

    @given(st.text(max_size=400), st.integers(1, 12_000))
    def test_any_project_name_makes_a_folder_name(self, project: str, number: int) -> None:
        name = numbered(folder_name(project), number)
        assert 0 < len(name.encode()) <= MAX_NAME_BYTES
        assert not name.startswith(".")
        assert not name.endswith((" ", "."))
        assert "/" not in name
        assert "\0" not in name
        assert folder_name(name) == name
