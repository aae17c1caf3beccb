"""A throw-away PostgreSQL cluster on loopback, with the durability it comes with."""

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
    port = free_port()
    home = directory / f"pg-{uuid.uuid4().hex[:8]}"
    home.mkdir()
    runner: list[str] = []
    if os.geteuid() == 0:  # it refuses to run as root
        runner = ["runuser", "-u", "nobody", "--"]
        shutil.chown(home, "nobody")
    control = [*runner, str(initdb.parent / "pg_ctl"), "-D", str(home / "data"), "-w"]
    _run([*runner, str(initdb), "-D", str(home / "data"), "-U", "iotops", "-A", "trust", "-E", "UTF8", "--locale=C"])
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
    _run([*control, "-o", options, "-l", str(home / "log"), "start"])
    try:
        with psycopg.connect(f"postgresql://iotops@127.0.0.1:{port}/postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE bench")
        yield f"postgresql://iotops@127.0.0.1:{port}/bench"
    finally:
        _run([*control, "-m", "immediate", "stop"])


def free_port() -> int:
    """Return a TCP port on loopback that nothing listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(command: list[str]) -> None:
    # Into files, not pipes: the server that pg_ctl leaves behind would keep a pipe open for ever.
    subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL)
