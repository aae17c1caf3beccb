"""The broker of `iotops demo` where mosquitto is not installed: amqtt, in a child process."""

import asyncio
import logging
import signal
import sys
from pathlib import Path

from iotops.broker.credentials import Credentials, write_secret
from iotops.broker.durable_amqtt import DurableBroker
from iotops.broker.mosquitto import start_child
from iotops.processes import Child

_LOG = "embedded-broker.log"
_SECRET = "embedded-broker.password"  # noqa: S105  the name of a file
_GRACE_S = 15  # added to a client's keep alive before it counts as gone


class EmbeddedBroker:
    """A broker on loopback that carries a demonstration over MQTT 3.1.1 with QoS 1, retained messages and last wills.

    While it runs, a consumer with a durable session gets everything that was published while it was away, and again
    what it had not confirmed. What it does not promise:

    - nothing outlives it: sessions, queues and retained messages are in memory, and a stop or a crash loses them;
    - queues have no bound but memory, and a queue's length shows nowhere;
    - no MQTT 5: no session expiry, no receive maximum, no reason codes; a second client with the same id pushes out the
      first without a word to it;
    - no TLS, no access list, one user for everybody; QoS 2 is amqtt's own, with its 5 s of patience;
    - one process in pure Python: mosquitto carries more, with far less work.

    Args:
        directory: for its password and its log; made where it is missing.
        port: on 127.0.0.1.
    """

    protocol = 4

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self.port = port
        self._credentials = Credentials()
        self.url = self._credentials.url(port)
        self.log = directory / _LOG
        command = (sys.executable, "-m", "iotops.broker.embedded", str(directory), str(port))
        self._child = Child("embedded broker", command)
        self.children: tuple[Child, ...] = (self._child,)

    def start(self) -> None:
        """Start it, empty, and return when it accepts connections.

        Raises:
            BrokerError: it ended, or does not answer.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        write_secret(self.directory / _SECRET, self._credentials.password)
        start_child(self._child, self.port, self.log)

    def stop(self) -> None:
        """End it; everything that it kept is gone."""
        self._child.stop()


async def serve(port: int, user: str, password: str) -> None:
    """Be the broker until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    broker = DurableBroker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "timeout_disconnect_delay": _GRACE_S,
            "plugins": {"iotops.broker.durable_amqtt.OnePassword": {"user": user, "password": password}},
        }
    )
    await broker.start()
    await stop.wait()
    await broker.shutdown()


def main(directory: str, port: str) -> None:
    """Run the broker that `EmbeddedBroker` starts."""
    logging.basicConfig(filename=Path(directory) / _LOG, level=logging.WARNING)
    credentials = Credentials(password=(Path(directory) / _SECRET).read_text())
    asyncio.run(serve(int(port), credentials.user, credentials.password))


if __name__ == "__main__":
    main(*sys.argv[1:])
