"""Everything the demonstration runs on: a folder, a broker, ingest and API, all on loopback."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from iotops.broker.embedded import EmbeddedBroker
from iotops.broker.mosquitto import Broker, Mosquitto, accepts, find_mosquitto
from iotops.errors import ConfigurationError, IotopsError
from iotops.processes import Child, Report, Supervisor, checkout_folder, iotops_command

READY_S = 60
_NOT_OURS = ("IOTOPS_",)  # settings of the user's own installation must not leak into the demonstration


class DemoError(IotopsError):
    """The demonstration could not be set up; the text holds what the failing part said."""


class GivenBroker:
    """A broker that somebody else runs."""

    protocol = 5
    children: tuple[Child, ...] = ()

    def __init__(self, url: str) -> None:
        self.url = url

    def start(self) -> None:
        """Leave it as it is."""

    def stop(self) -> None:
        """Leave it as it is."""


def choose_broker(choice: str | None, directory: Path) -> Broker:
    """Return the broker that was asked for, else mosquitto where it is on PATH, else the embedded one.

    Raises:
        ConfigurationError: mosquitto was asked for and is not installed.
    """
    if choice is not None and "://" in choice:
        return GivenBroker(choice)
    program = find_mosquitto() if choice == "mosquitto" else shutil.which("mosquitto")
    if choice == "mosquitto" and program is None:
        msg = "demo: mosquitto is not installed; install it, or use --broker embedded"
        raise ConfigurationError(msg)
    if choice == "embedded" or program is None:
        return EmbeddedBroker(directory, free_port())
    return Mosquitto(directory, free_port(), program)


class Stage:
    """The parts, started in order and stopped in reverse; what ends by itself is started again, as `iotops up` does.

    Args:
        directory: for everything the run writes.
        broker: see `choose_broker`.
        port: of the API; 0: any free one.
        fleet: whose devices are declared beside the copied rules.
    """

    def __init__(self, directory: Path, broker: Broker, port: int, fleet: str) -> None:
        self.directory = directory
        self.broker = broker
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.fleet = fleet
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_OURS)}
        self._ingest: Child | None = None
        self._supervisor: Supervisor | None = None

    def start(self) -> None:
        """Start broker, ingest and API, and return when the whole is ready.

        Raises:
            DemoError: something ended, or is not ready in time.
        """
        if accepts(self.port):
            msg = f"demo: port {self.port} is taken by another program; choose another with --port, or --port 0"
            raise DemoError(msg)
        self.broker.start()
        self.env |= {
            "IOTOPS_BROKER__URL": self.broker.url,
            "IOTOPS_BROKER__PROTOCOL": str(self.broker.protocol),
            "IOTOPS_BROKER__CLIENT_ID": f"iotops-demo-{secrets.token_hex(4)}",
            "IOTOPS_DATABASE__URL": f"sqlite:///{self.directory / 'iotops.db'}",
            "IOTOPS_AUDIT__ANCHOR_FILE": str(self.directory / "iotops.anchors"),
            "IOTOPS_API__LISTEN": f"127.0.0.1:{self.port}",
            "IOTOPS_RULES__DIRECTORY": str(self._copied_rules()),
        }
        self.run(iotops_command("db", "upgrade"))
        self._ingest = self.child("ingest", iotops_command("ingest"))
        api = self.child("api", iotops_command("api", "--supervised"))
        children = (*self.broker.children, self._ingest, api)
        self._supervisor = Supervisor(children, Report())
        self._supervisor.start()
        self._wait_ready(children)

    def watch(self) -> None:
        """Start again what has ended by itself; call it a few times a second."""
        if self._supervisor is not None:
            self._supervisor.watch()

    @property
    def ready(self) -> bool:
        """Tell whether all parts are there and do their work."""
        return not self._unready()

    def stop_ingest(self) -> None:
        """Have the ingest finish what it received, and end it; nobody may `watch` after that."""
        if self._ingest is not None:
            self._ingest.stop()

    def stop(self) -> None:
        """End everything that runs."""
        if self._supervisor is not None:
            self._supervisor.stop()
        self.broker.stop()

    def child(self, name: str, command: Sequence[str], output: Path | None = None) -> Child:
        """Return a child with the demonstration's settings; it writes to a log of its own."""
        log = self.directory / f"{name}.log"
        return Child(name, command, env=self.env, output=output or log, errors=log, cwd=self.directory)

    def run(self, command: Sequence[str], *, finds: bool = False) -> str:
        """Run a command with the demonstration's settings to its end and return its standard output.

        Args:
            command: program and arguments.
            finds: status 1 says that the command found something amiss, not that it failed.

        Raises:
            DemoError: it failed.
        """
        done = subprocess.run(  # noqa: S603  the commands are ours
            command, env=self.env, cwd=self.directory, capture_output=True, text=True, check=False
        )
        if done.returncode and not (finds and done.returncode == 1 and done.stdout):
            msg = f"demo: {' '.join(command[1:])} ended with status {done.returncode}: {done.stderr.strip()}"
            raise DemoError(msg)
        return done.stdout

    def _copied_rules(self) -> Path:
        """Copy the shipped rules, unmodified, and declare the fleet's devices beside them, as an operator would."""
        rules = self.directory / "rules"
        shutil.copytree(checkout_folder("rules"), rules)
        declared = self.run((sys.executable, "-m", "simulators", "devices", "--fleet", self.fleet))
        (rules / "devices.yaml").write_text(declared)
        return rules

    def _wait_ready(self, children: Sequence[Child]) -> None:
        deadline_s = time.monotonic() + READY_S
        while said := self._unready():
            for child in children:
                if not child.running:
                    raise DemoError(
                        f"demo: {child.name} ended with status {child.exit_status}: {self._tail(child.name)}"
                    )
            if time.monotonic() > deadline_s:
                msg = f"demo: not ready after {READY_S} s: {said}"
                raise DemoError(msg)
            time.sleep(0.05)

    def _unready(self) -> str:
        """Return why the whole does not do its work yet, or again; empty where it does."""
        try:
            answer = httpx.get(f"{self.url}/health/ready", timeout=2)
        except httpx.HTTPError as error:
            return str(error) or type(error).__name__
        return "" if answer.is_success else answer.text

    def _tail(self, name: str) -> str:
        log = self.directory / f"{name}.log"
        return log.read_text(errors="replace")[-1_500:].strip() if log.is_file() else "it left no log"


def free_port() -> int:
    """Return a TCP port on loopback that nothing listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
