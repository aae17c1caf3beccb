"""A real mosquitto as a child process: the broker of `iotops demo` where it is installed."""

import os
import shutil
import socket
import time
from pathlib import Path
from typing import Protocol

from iotops.broker.credentials import Credentials, write_secret
from iotops.errors import BrokerError
from iotops.processes import Child

_READY_S = 15
_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")  # Debian keeps it off the PATH of users


class Broker(Protocol):
    """A broker of our own, on loopback, that ends with us; `children`: the processes that it is, to be supervised."""

    url: str
    protocol: int
    children: tuple[Child, ...]

    def start(self) -> None:
        """Start it and return when it accepts connections.

        Raises:
            BrokerError: it ended, or does not answer; the text holds the end of its log.
        """

    def stop(self) -> None:
        """End it."""


def find_mosquitto() -> str | None:
    """Return the mosquitto program where it is installed."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path=os.pathsep.join(_FOLDERS))


class Mosquitto:
    """A mosquitto with a generated configuration: loopback, one user with a random password, state kept on disk.

    Args:
        directory: for configuration, state and log; made where it is missing.
        port: on 127.0.0.1.
        program: the mosquitto to run.
    """

    protocol = 5

    def __init__(self, directory: Path, port: int, program: str = "mosquitto") -> None:
        self.directory = directory
        self.port = port
        self._credentials = Credentials()
        self.url = self._credentials.url(port)
        self._configuration = directory / "mosquitto.conf"
        self.log = directory / "mosquitto.log"
        # What it says before it has read its configuration goes beside its log, not into our output.
        command = (program, "-c", str(self._configuration))
        self._child = Child("mosquitto", command, output=directory / "mosquitto.out")
        self.children: tuple[Child, ...] = (self._child,)

    def start(self) -> None:
        """Start it and return when it accepts connections; what it kept is there again.

        Raises:
            BrokerError: it ended, or does not answer.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        write_secret(self.directory / "passwords", self._credentials.mosquitto_line())
        self._configuration.write_text(self._settings())
        start_child(self._child, self.port, self.log)

    def stop(self) -> None:
        """End it politely: it saves its state."""
        self._child.stop()

    def _settings(self) -> str:
        where = self.directory.resolve()
        lines = [
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous false",
            f"password_file {where / 'passwords'}",
            "persistence true",
            f"persistence_location {where}/",
            "autosave_interval 60",
            "persistent_client_expiration 14d",
            "max_queued_messages 0",
            "max_packet_size 262144",
            "set_tcp_nodelay true",
            f"log_dest file {where / 'mosquitto.log'}",
            *(f"log_type {kind}" for kind in ("error", "warning", "notice")),
        ]
        if os.geteuid() == 0:
            # As root it would become the user mosquitto, who may not write here; and a change of user makes the kernel
            # forget that it is to end with its parent.
            lines.append("user root")
        return "\n".join(lines) + "\n"


def start_child(child: Child, port: int, log: Path) -> None:
    """Start a broker and return when it accepts connections on a loopback port.

    Raises:
        BrokerError: the port is taken, it ended, or it does not answer within 15 s.
    """
    # Looked at first, because whoever listens there would pass for our broker below, and be sent our password.
    if not child.running and accepts(port):
        raise BrokerError(
            f"{child.name}: port {port} is taken by another program; choose another port, or end that program"
        )
    child.start()
    deadline_s = time.monotonic() + _READY_S
    while not accepts(port):
        if not child.running or time.monotonic() > deadline_s:
            how = "does not answer" if child.running else f"ended with status {child.exit_status}"
            child.stop()
            said = log.read_text(errors="replace")[-1_000:].strip() if log.is_file() else ""
            raise BrokerError(f"{child.name} on port {port} {how}: {said or 'it left no log'}")
        time.sleep(0.02)


def accepts(port: int) -> bool:
    """Tell whether something listens on a loopback port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
