"""The servers from the wheels: private, durable over a kill, clear about what they cannot do."""

import asyncio
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import asyncpg
import mounting
import nats
import nats.js.errors
import psutil
import pytest

from photobus_common.errors import ConfigurationError
from photobus_local.child import Child, Owner, Program, barred_folder
from photobus_local.nats import EmbeddedNats
from photobus_local.ports import is_free
from photobus_local.postgres import EmbeddedPostgres
from photobus_local.supervisor import Supervisor


def addresses(pid: int) -> set[str]:
    """Where a process listens."""
    return {c.laddr.ip for c in psutil.Process(pid).net_connections() if c.status == psutil.CONN_LISTEN}


def mode(path: Path) -> int:
    """The permission bits of a file."""
    return stat.S_IMODE(path.stat().st_mode)


async def test_postgres_keeps_what_was_committed_over_a_kill(folder_of_servers: Path) -> None:
    server = EmbeddedPostgres(folder_of_servers / "postgres")
    await server.start()
    port = server.port
    try:
        connection = await asyncpg.connect(server.dsn)
        assert await connection.fetchval("SHOW fsync") == "on"
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        await server.kill()
        await server.start()
        assert server.port == port
        connection = await asyncpg.connect(server.dsn)
        assert await connection.fetchval("SELECT answer FROM kept") == 42
        await connection.close()
    finally:
        await server.stop()
    assert is_free(port)


async def test_postgres_wants_the_password_and_listens_on_loopback_only(postgres_server: EmbeddedPostgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"postgresql://photobus:wrong@127.0.0.1:{postgres_server.port}/photobus")
    assert addresses(postgres_server.pid) == {"127.0.0.1"}
    assert mode(postgres_server.directory / "password") == 0o600


async def test_nats_keeps_streams_over_a_kill(folder_of_servers: Path) -> None:
    server = EmbeddedNats(folder_of_servers / "nats")
    await server.start()
    try:
        client = await nats.connect(server.url, user=server.user, password=server.password)
        assert client.max_payload == 1024**2
        await client.jetstream().add_stream(name="KEPT", subjects=["kept"])
        await client.jetstream().publish("kept", b"42")
        await client.close()
        await server.kill()
        await server.start()
        client = await nats.connect(server.url, user=server.user, password=server.password)
        message = await client.jetstream().get_msg("KEPT", 1)
        await client.close()
        assert message.data == b"42"
    finally:
        await server.stop()


@pytest.fixture
def small_disk(folder_of_servers: Path) -> Iterator[Path]:
    """A file system that a test can fill."""
    place = folder_of_servers / "disk"
    place.mkdir()
    if not mounting.can_mount(place):
        pytest.skip("this user may not mount, and so has no disk to fill")
    mounting.memory(place, 32 * 1024**2)
    yield place
    mounting.detach(place)


async def test_a_nats_whose_disk_was_full_is_started_anew_and_takes_messages_again(small_disk: Path) -> None:
    """The server itself does not: its stream takes nothing more, also when there is room again."""
    server = EmbeddedNats(small_disk / "nats", log=small_disk.parent / "nats.log")
    supervisor = Supervisor(lambda _line: None, lambda _pids: None)
    await supervisor.start((server,))
    first, ballast = server.pid, small_disk / "ballast"
    try:
        client = await nats.connect(server.private_url, reconnect_time_wait=0.05, max_reconnect_attempts=-1)
        await client.jetstream().add_stream(name="KEPT", subjects=["kept"])
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(64 * 1024))
        with pytest.raises((nats.errors.Error, TimeoutError)):
            await client.jetstream().publish("kept", bytes(500_000), timeout=1)
        ballast.unlink()
        async with asyncio.timeout(60):
            while True:
                with suppress(nats.errors.Error, nats.js.errors.Error, TimeoutError):
                    if await client.jetstream().publish("kept", b"42", timeout=1):
                        break
        assert server.pid != first
        await client.close()
    finally:
        await supervisor.stop()


async def test_a_nats_that_was_started_on_a_full_disk_takes_messages_once_there_is_room(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize - 2**18)
    server = EmbeddedNats(small_disk / "nats", log=small_disk.parent / "nats.log")
    await server.start()
    ballast.unlink()
    try:
        client = await nats.connect(server.private_url)
        await client.jetstream().add_stream(name="KEPT", subjects=["kept"])
        for number in range(1, 5):
            assert (await client.jetstream().publish("kept", bytes(500_000))).seq == number
        await client.close()
    finally:
        await server.stop()


async def test_a_process_id_left_by_a_power_cut_that_is_another_s_by_now(folder_of_servers: Path) -> None:
    """Postgres itself refuses to start while any process of its user has the id."""
    server = EmbeddedPostgres(folder_of_servers / "postgres", durable=False)
    await server.start()
    pid_file = folder_of_servers / "postgres" / "cluster" / "postmaster.pid"
    left = pid_file.read_text().partition("\n")[2]
    await server.kill()
    sleeping = Program("sleep", ("/bin/sleep", "1000"), {}, server._owner)
    another = await Child.start(sleeping, folder_of_servers / "sleep.log")
    try:
        pid_file.write_text(f"{another.pid}\n{left}")
        await server.start()
        assert another.running
    finally:
        await another.kill()
        await server.stop()


async def test_the_servers_run_in_a_folder_of_any_name(folder_of_servers: Path) -> None:
    place = folder_of_servers / 'Zoë\'s $HOME "#1" \\ 写真'
    place.mkdir()
    place.chmod(0o711)  # whatever the umask would leave of it
    servers = (EmbeddedNats(place / "nats"), EmbeddedPostgres(place / "postgres", durable=False))
    try:
        for server in servers:
            await server.start()
        client = await nats.connect(servers[0].url, user=servers[0].user, password=servers[0].password)
        await client.jetstream().add_stream(name="KEPT", subjects=["kept"])
        await client.close()
        assert list((place / "nats" / "store").rglob("KEPT"))
    finally:
        for server in servers:
            await server.stop()


async def test_nats_wants_the_password_and_listens_on_loopback_only(nats_server: EmbeddedNats) -> None:
    with pytest.raises(nats.errors.Error):
        await nats.connect(nats_server.url, user=nats_server.user, password="wrong", allow_reconnect=False)  # noqa: S106 - the wrong one
    assert addresses(nats_server.pid) == {"127.0.0.1"}
    async with aiohttp.ClientSession() as session:
        for path in ("/healthz", "/connz", "/jsz"):
            async with session.get(f"http://127.0.0.1:{nats_server._health_port}{path}") as answer:
                assert answer.status == 404
    assert mode(nats_server.directory / "nats.conf") == mode(nats_server.directory / "password") == 0o600


async def test_a_cluster_of_another_version_is_refused_with_its_name(folder_of_servers: Path) -> None:
    cluster = folder_of_servers / "cluster"
    cluster.mkdir()
    (cluster / "PG_VERSION").write_text("12\n")
    with pytest.raises(ConfigurationError, match=r"made by Postgres 12.*Postgres 18"):
        await EmbeddedPostgres(folder_of_servers).start()


async def test_the_reason_of_a_failed_start_is_pointed_at(folder_of_servers: Path) -> None:
    server = EmbeddedPostgres(folder_of_servers)
    await server.start()
    await server.stop()
    (folder_of_servers / "cluster" / "postgresql.conf").write_text("no such setting")
    with pytest.raises(ConfigurationError, match=r"ended while it started.*postgres\.log"):
        await server.start()


async def test_a_folder_that_the_owner_of_the_server_may_not_enter_is_found(folder_of_servers: Path) -> None:
    """As root the owner is another user; as anybody else a folder without the bit bars its owner too."""
    entry = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    owner = Owner(entry.pw_name, entry.pw_uid, entry.pw_gid)
    home = folder_of_servers / "home"
    (home / "data").mkdir(parents=True)
    for folder in (home, home / "data"):
        folder.chmod(0o755)  # whatever the umask left of it
    assert await barred_folder(owner, home / "data") is None
    home.chmod(0o600)
    try:
        assert await barred_folder(owner, home / "data") == home
    finally:
        home.chmod(0o700)


async def test_a_data_folder_that_only_root_can_enter_is_refused_to_root_alone(folder_of_servers: Path) -> None:
    home = folder_of_servers / "home"
    home.mkdir(mode=0o700)
    server = EmbeddedPostgres(home / "data" / "postgres")
    if os.geteuid() == 0:
        with pytest.raises(ConfigurationError, match=rf"user pgserver, which may not enter {home} .*set PHOTOBUS_DATA"):
            await server.start()
    else:
        await server.start()
        await server.stop()
