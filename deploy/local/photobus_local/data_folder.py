"""The data folder of the local stack: what lies where, one stack at a time, and what scripts find while it runs."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from photobus_common.errors import ConfigurationError
from photobus_local.secrets_file import write_private

_LARGEST_LOG_BYTES: Final = 32 * 1024**2


@dataclass(frozen=True)
class Record:
    """What the data folder remembers of its library. Until ``made``, the library's folder is still to be made.

    ``root`` is where a library lies that was there before; None for one of the stack's own.
    """

    library_id: str
    made: bool
    root: str | None = None


class DataFolder:
    """Everything the stack keeps, below ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.postgres = self.root / "postgres"
        self.nats = self.root / "nats"
        self.library = self.root / "library"
        self.logs = self.root / "logs"
        self.run = self.root / "run"
        self.token = self.root / "token"
        self.record = self.root / "stack.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder if need be and hold it; raises ``ConfigurationError`` while another stack does."""
        try:
            _make(self.root)
            descriptor = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigurationError(
                f"The data folder {self.root} cannot be used ({error.strerror}); choose another with PHOTOBUS_DATA.",
            ) from error
        with os.fdopen(descriptor):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ConfigurationError(
                    f"A photobus runs on {self.root} already; stop it, or choose another folder with PHOTOBUS_DATA.",
                ) from error
            for folder in (self.logs, self.run):
                folder.mkdir(mode=0o700, exist_ok=True)
            self.clear_run()
            try:
                yield
            finally:
                self.clear_run()

    def remembered(self) -> Record | None:
        """Return what is known of the library since the first start; None before it."""
        return Record(**json.loads(self.record.read_text())) if self.record.exists() else None

    def remember(self, record: Record) -> None:
        """Keep what is known of the library."""
        write_private(self.record, json.dumps(asdict(record)) + "\n")

    def log(self, name: str) -> Path:
        """Where the program ``name`` writes its log; a large one is put aside first, replacing the one before it."""
        path = self.logs / f"{name}.log"
        if path.exists() and path.stat().st_size > _LARGEST_LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path

    def publish_pids(self, pids: Mapping[str, int]) -> None:
        """Tell scripts which process is which."""
        write_private(self.run / "pids", json.dumps(pids, indent=2) + "\n")

    def publish_servers(self, dsn: str, nats_url: str) -> None:
        """Tell scripts of the owner where the servers are, passwords included."""
        write_private(self.run / "dsn", dsn + "\n")
        write_private(self.run / "nats", nats_url + "\n")

    def publish_address(self, address: str, token: str) -> None:
        """Tell scripts where the stack listens and what opens it; its presence says that the stack is ready."""
        write_private(self.run / "token", token + "\n")
        write_private(self.run / "address", address + "\n")

    def clear_run(self) -> None:
        """Forget what only holds while the stack runs."""
        for path in self.run.glob("*"):
            path.unlink(missing_ok=True)


def _make(folder: Path) -> None:
    """Make ``folder`` and those above it where they are missing, for the owner alone.

    Made by root, the user that Postgres runs as passes through all of them, whatever the umask.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.geteuid() == 0:
        for path in missing:
            path.chmod(0o711)
