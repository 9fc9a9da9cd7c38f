"""How does a test get a real PostgreSQL? A cluster of its own in a folder, on loopback."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BINARIES = Path("/usr/lib/postgresql/15/bin")  # where Debian's package postgresql-15 puts them
START_SECONDS_MAX = 60


@contextmanager
def postgresql() -> Iterator[str]:
    """A running server; its address without a database, such as `postgresql://headgate@…:5433`.

    As root it runs as `postgres` or `nobody`, since PostgreSQL refuses to run as root.

    Raises:
        RuntimeError: PostgreSQL 15 is not installed, or does not start; with its words.
    """
    if not (BINARIES / "postgres").exists():
        raise RuntimeError(
            f"PostgreSQL 15 is not in {BINARIES}: install Debian's package postgresql-15"
        )
    folder = Path(tempfile.mkdtemp(prefix="headgate-postgresql-"))
    user = _unprivileged_user()
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    identity = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid}
    cluster = folder / "cluster"
    port = _free_port()
    options = ["--auth=trust", "--username=headgate", "--no-sync", "--encoding=UTF8"]
    made = subprocess.run(
        [BINARIES / "initdb", "--pgdata", cluster, *options],
        capture_output=True,
        text=True,
        cwd=folder,
        env=_environment(folder),
        **identity,
    )
    if made.returncode != 0:
        raise RuntimeError(f"initdb failed: {made.stderr}")
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": folder,
        "fsync": "off",
        "max_connections": 50,
    }
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [BINARIES / "postgres", "-D", cluster]
            + [part for name, value in settings.items() for part in ("-c", f"{name}={value}")],
            stdout=subprocess.DEVNULL,
            stderr=log,
            cwd=folder,
            env=_environment(folder),
            **identity,
        )
    try:
        _wait_until_ready(server, port, folder / "server.log")
        yield f"postgresql://headgate@127.0.0.1:{port}"
    finally:
        server.send_signal(2)  # SIGINT: fast shutdown
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def create_database(server: str, name: str) -> str:
    """A new empty database; its address."""
    subprocess.run(
        [BINARIES / "psql", "--quiet", "-c", f'CREATE DATABASE "{name}"', f"{server}/postgres"],
        check=True,
        capture_output=True,
    )
    return f"{server}/{name}"


def _wait_until_ready(server: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    check = [BINARIES / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    while subprocess.run(check, check=False).returncode != 0:
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}")
        time.sleep(0.05)


def _unprivileged_user() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL refuses to run as root, and there is no user postgres or nobody")


def _environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
