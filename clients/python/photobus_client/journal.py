"""What a client remembers of unfinished uploads, so that another run of it goes on where this one broke off."""

import json
import os
from contextlib import suppress
from pathlib import Path


class Journal:
    """Addresses of unfinished uploads by file. ``path`` None remembers nothing beyond this process.

    A file is known by its path, size and time: one that was changed is another file.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known: dict[str, str] = _read(path) if path else {}

    def get(self, file: Path) -> str | None:
        """Return where ``file`` was being sent to, if it was."""
        return self._known.get(_key(file))

    def put(self, file: Path, location: str) -> None:
        """Remember that ``file`` is being sent to ``location``."""
        self._known[_key(file)] = location
        self._write()

    def drop(self, file: Path) -> None:
        """Forget ``file``: it has ended, well or not."""
        if self._known.pop(_key(file), None) is not None:
            self._write()

    def _write(self) -> None:
        """Write what is known; where that cannot be written, it holds for this process alone."""
        if self._path is None:
            return
        with suppress(OSError):
            if not self._known:
                self._path.unlink(missing_ok=True)
                return
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
            draft.write_text(json.dumps(self._known), encoding="utf-8")
            draft.replace(self._path)


def _read(path: Path) -> dict[str, str]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in known.items()} if isinstance(known, dict) else {}


def _key(file: Path) -> str:
    try:
        about = file.stat()
    except OSError:
        return f"{file.absolute()}:gone"
    return f"{file.absolute()}:{about.st_size}:{about.st_mtime_ns}"
