"""What lies in the trash of projects of tests."""

from pathlib import Path

from shelf import Shelf, put

from photobus_common.storage.project_folder import TRASH

DONE = "SELECT count(*) FROM file_operations WHERE kind = 'trash' AND state = 'done'"


def fill(project: Path, folder: str, *names: str) -> Path:
    """Put files into a trash folder of the project; their own times say nothing."""
    path = project / TRASH / folder
    path.mkdir(parents=True, exist_ok=True)
    for name in names or ("A.jpg",):
        put(path / name, b"12345")
    return path


def lying(project: Path) -> list[str]:
    """Return what lies in the trash of the project."""
    return sorted(path.name for path in (project / TRASH).iterdir())


async def project(shelf: Shelf, name: str = "a") -> tuple[int, Path]:
    return await shelf.project(name), shelf.root / name
