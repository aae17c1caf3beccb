"""Real parts for tests, and the account of what was skipped for lack of one."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
from deployment import Deployment, Device

from iotops.store.database import Database

# Tests start iotops a hundred times. Where the environment forbids bytecode files, as in many containers, each start
# would compile a thousand and a half modules anew: three seconds of CPU instead of one.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

REQUIRE_REAL = os.environ.get("IOTOPS_REQUIRE_REAL") == "1"
RECORDED = Path(__file__).resolve().parents[2] / "shared" / "data"


def _find(program: str, *folders: str) -> str | None:
    return shutil.which(program) or next(
        (str(found) for folder in folders for found in sorted(Path("/").glob(f"{folder}/{program}"), reverse=True)),
        None,
    )


PROGRAMS = {
    "mosquitto": _find("mosquitto", "usr/sbin", "usr/local/sbin"),
    "postgresql": _find("initdb", "usr/lib/postgresql/*/bin", "usr/pgsql-*/bin"),
    "chromium": os.environ.get("IOTOPS_CHROMIUM") or _find("chromium") or _find("chromium-browser"),
    "openapi-python-client": shutil.which("openapi-python-client", path=Path(__file__).parents[1] / ".venv-client/bin"),
}
INSTALL = {
    "mosquitto": "apt-get install mosquitto mosquitto-clients",
    "postgresql": "apt-get install postgresql",
    "chromium": "apt-get install chromium",
    "openapi-python-client": "make .make/client",
}


def need(part: str) -> str:
    """Return the program of a real part; skip the test by name where it is absent, fail where it is required."""
    program = PROGRAMS[part]
    if program is not None:
        return program
    if REQUIRE_REAL:
        pytest.fail(f"{part} is not installed and IOTOPS_REQUIRE_REAL=1; install it: {INSTALL[part]}")
    pytest.skip(f"{part} is not installed; install it: {INSTALL[part]}")


LONGEST = frozenset({"faults", "flow"})
"""Folders whose tests take a minute each: whole processes, brokers that are killed, demonstrations."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests, so that short ones are left to share when workers come to their ends."""
    items.sort(key=lambda item: LONGEST.isdisjoint(item.path.parts[-2:-1]))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Check the real parts that a test is marked with."""
    for mark in item.iter_markers("real"):
        need(mark.args[0])
    if item.get_closest_marker("recorded") and not RECORDED.is_dir():
        pytest.skip(f"recorded data is not at {RECORDED}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what was skipped for lack of a real part, with the command that installs it."""
    skipped = [(report.nodeid, str(report.longrepr)) for report in terminalreporter.stats.get("skipped", ())]
    for part, command in INSTALL.items():
        tests = sorted({test for test, why in skipped if f"{part} is not installed" in why})
        if tests:
            terminalreporter.section(f"{len(tests)} skipped for lack of {part}; to run them: {command}")
            for test in tests:
                terminalreporter.write_line(test)


def wait_until(holds: Callable[[], object], within_s: float = 60.0, what: str = "the condition") -> None:
    """Return as soon as `holds()` is true; fail the test where it is not within `within_s` seconds.

    The limit bounds how long a failure takes and claims nothing: leave room for a busy machine.
    """
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not hold within {within_s:g} s")
        time.sleep(0.02)


@pytest.fixture(name="wait_until", scope="session")
def _wait_until() -> Callable[..., None]:
    return wait_until


def free_port() -> int:
    """Return a TCP port on loopback that nothing listens on right now, and that the kernel gives to nobody.

    Below 32768, where the ports of outgoing connections begin (Linux; elsewhere higher): one of those could take the
    port before its server comes, or while a broker is restarted, and a client that tries again and again to reach a
    server that is away would at last be connected with itself.
    """
    while True:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: what only lingers is free
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


@pytest.fixture(name="free_port", scope="session")
def _free_port() -> Callable[[], int]:
    return free_port


def accepts(port: int) -> bool:
    """Tell whether something listens on a loopback port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="session")
def chromium() -> str:
    """The program of the machine's Chromium."""
    return need("chromium")


class RealMosquitto:
    """A mosquitto of one test: own port, own persistence directory; can be stopped, killed and started again."""

    def __init__(self, program: str, directory: Path, extra: str = "") -> None:
        self.program = program
        self.directory = directory
        self.port = free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self.extra = extra
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, extra: str | None = None) -> None:
        """Start the broker and wait until it listens."""
        if extra is not None:
            self.extra = extra
        anonymous = "" if "allow_anonymous" in self.extra else "allow_anonymous true\n"
        config = self.directory / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} 127.0.0.1\n{anonymous}persistence true\npersistence_location {self.directory}/\n"
            "autosave_interval 60\nmax_queued_messages 0\nset_tcp_nodelay true\n"
            f"max_packet_size 1048576\nuser {'root' if os.geteuid() == 0 else ''}\n{self.extra}\n".replace(
                "user \n", ""
            )
        )
        with (self.directory / "mosquitto.log").open("ab") as log:
            self.process = subprocess.Popen([self.program, "-c", str(config)], stdout=log, stderr=log)
        wait_until(lambda: accepts(self.port) or self.process.poll() is not None, 60, "mosquitto listening")
        if self.process.poll() is not None:
            pytest.fail("mosquitto ended: " + (self.directory / "mosquitto.log").read_text()[-2000:])

    def stop(self, *, kill: bool = False) -> None:
        """End the broker: politely, so that it saves its state, or by SIGKILL."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            self.process.wait(60)
        self.process = None

    def account(self) -> str:
        """Return the end of its log, and whether it still runs."""
        status = None if self.process is None else self.process.poll()
        ended = "" if status is None else f"mosquitto has ended by itself with status {status}\n"
        return (self.directory / "mosquitto.log").read_text(errors="replace")[-4000:] + ended


@pytest.fixture
def mosquitto(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RealMosquitto]:
    """A running real mosquitto with persistence on; a test that fails shows the end of its log."""
    directory = tmp_path / "mosquitto"
    directory.mkdir()
    broker = RealMosquitto(need("mosquitto"), directory)
    broker.start()
    yield broker
    request.node.add_report_section("teardown", "log of mosquitto", broker.account())
    broker.stop()


class RealPostgres:
    """A throw-away PostgreSQL cluster on a loopback port, one per test run."""

    def __init__(self, initdb: str, directory: Path) -> None:
        self.bin = Path(initdb).parent
        self.directory = directory
        self.port = free_port()
        # PostgreSQL refuses to run as root.
        self._as: dict[str, Any] = {"user": "nobody", "extra_groups": []} if os.geteuid() == 0 else {}

    def start(self) -> None:
        """Create the cluster and wait until it answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if self._as:
            shutil.chown(self.directory, "nobody")
        cluster = self.directory / "cluster"
        self._run(
            str(self.bin / "initdb"),
            "-D",
            str(cluster),
            "-U",
            "iotops",
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
        )
        self.serve()

    def serve(self) -> None:
        """Start the server on the cluster that is there, and wait until it answers."""
        # It does not outlive the run, so nothing need reach the disk; a server that is killed loses nothing by it.
        lasting = "-c fsync=off -c full_page_writes=off"
        places = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        options = f"{places} -c max_connections=200 {lasting}"
        self._run(
            str(self.bin / "pg_ctl"),
            "-D",
            str(self.directory / "cluster"),
            "-o",
            options,
            "-l",
            str(self.directory / "log"),
            "-w",
            "start",
        )

    def stop(self) -> None:
        """End the cluster at once."""
        self._run(str(self.bin / "pg_ctl"), "-D", str(self.directory / "cluster"), "-m", "immediate", "stop")

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False, **self._as)
        if done.returncode:
            pytest.fail(f"{command[0]}: {done.stderr or done.stdout}")

    def new_database(self, template: str = "template1") -> str:
        """Create a database, empty or a copy of another one of ours, and return its URL."""
        name = f"t{uuid.uuid4().hex[:12]}"
        source = template.rpartition("/")[2]
        with psycopg.connect(f"postgresql://iotops@127.0.0.1:{self.port}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {source}".encode())
        return f"postgresql://iotops@127.0.0.1:{self.port}/{name}"


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPostgres]:
    """One throw-away PostgreSQL cluster for the whole run."""
    initdb = PROGRAMS["postgresql"]
    if initdb is None:
        need("postgresql")
    directory = (
        Path("/tmp" if sys.platform != "win32" else tmp_path_factory.mktemp("pg")) / f"iotops-pg-{uuid.uuid4().hex[:8]}"
    )
    server = RealPostgres(initdb, directory)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def postgresql_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh, empty PostgreSQL database."""
    need("postgresql")
    return request.getfixturevalue("postgres_server").new_database()


def with_tables(url: str) -> str:
    """Bring an empty database to the newest schema, and return its URL."""
    opened = Database.open(url)
    opened.upgrade()
    opened.close()
    return url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the newest tables and nothing in them: a copy of it is quicker than all migrations."""
    path = tmp_path_factory.mktemp("template") / "iotops.db"
    with_tables(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: RealPostgres) -> str:
    """The same on PostgreSQL."""
    return with_tables(postgres_server.new_database())


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a SQLite database with the newest tables and nothing in them."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'iotops.db')}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a database with the newest tables and nothing in them, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    need("postgresql")
    template = request.getfixturevalue("postgres_template")
    return request.getfixturevalue("postgres_server").new_database(template)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'iotops.db'}"
    return request.getfixturevalue("postgresql_url")


@pytest.fixture
def deploy(
    request: pytest.FixtureRequest, tmp_path: Path, free_port: Callable[[], int]
) -> Iterator[Callable[..., Deployment]]:
    """Make deployments that are ended with the test; one that fails shows the ends of their logs."""
    made: list[Deployment] = []

    def make(broker_url: str, database_url: str, rules: Mapping[str, str], *start: str) -> Deployment:
        deployment = Deployment(tmp_path / f"deployment-{len(made)}", broker_url, database_url, rules, free_port())
        made.append(deployment)
        for name in start:
            deployment.start(name)
        if start:
            deployment.wait_ready()
        return deployment

    yield make
    for deployment in made:
        request.node.add_report_section("teardown", f"logs of {deployment.folder.name}", deployment.account())
        deployment.stop_all()


@pytest.fixture
def device(mosquitto: Any) -> Iterator[Device]:
    """A device connected to this test's broker."""
    publisher = Device(mosquitto.url)
    yield publisher
    publisher.close()
