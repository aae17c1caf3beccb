"""A PostgreSQL cluster on loopback, with the durability it comes with: thrown away, or kept in a folder."""

import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg


def find_initdb() -> Path | None:
    """Return the newest initdb that is installed."""
    on_path = shutil.which("initdb")
    folders = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin")
    found = sorted(each for folder in folders for each in Path("/").glob(f"{folder}/initdb"))
    return Path(on_path) if on_path else (found[-1] if found else None)


@contextmanager
def cluster(directory: Path, initdb: Path) -> Iterator[str]:
    """Run a server below a directory that everybody may enter, and give the URL of its empty database."""
    with server(directory / f"pg-{uuid.uuid4().hex[:8]}", initdb, stop="immediate") as url:
        yield url


@contextmanager
def server(home: Path, initdb: Path, *, stop: str = "fast") -> Iterator[str]:
    """Run a server over the cluster in a folder, made where there is none, and give the URL of its database."""
    port = free_port()
    runner = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []  # it refuses to run as root
    is_new = not home.exists()
    control = [*runner, str(initdb.parent / "pg_ctl"), "-D", str(home / "data"), "-w", "-t", "600"]
    if is_new:
        _make(home, initdb, runner)
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
    _run([*control, "-o", options, "-l", str(home / "log"), "start"])
    try:
        if is_new:
            with psycopg.connect(f"postgresql://iotops@127.0.0.1:{port}/postgres", autocommit=True) as connection:
                connection.execute("CREATE DATABASE bench")
        yield f"postgresql://iotops@127.0.0.1:{port}/bench"
    finally:
        _run([*control, "-m", stop, "stop"])


def _make(home: Path, initdb: Path, runner: list[str]) -> None:
    home.mkdir()
    if runner:
        shutil.chown(home, "nobody")
    _run([*runner, str(initdb), "-D", str(home / "data"), "-U", "iotops", "-A", "trust", "-E", "UTF8", "--locale=C"])


def free_port() -> int:
    """Return a TCP port on loopback that nothing listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(command: list[str]) -> None:
    # Into files, not pipes: the server that pg_ctl leaves behind would keep a pipe open for ever.
    subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL)
