"""A client that publishes single messages, and knows when."""

import socket
import time
from pathlib import Path

from benchmarks import publisher
from benchmarks.fleet import Sent
from iotops.clock import now_ms
from iotops.telemetry.reading import DeviceKey


class Probe:
    """A client of the broker at an address, beside the publisher of the fleet."""

    def __init__(self, url: str) -> None:
        self.sent: list[Sent] = []
        self._began_ms = now_ms()
        self._socket: socket.socket = publisher.connect(url, "iotops-probe")

    def publish(self, key: DeviceKey, seq: int, pressure: float) -> float:
        """Publish a message, and return when (`time.perf_counter`) as soon as the broker has acknowledged it."""
        ts = now_ms()
        message = Sent(key, seq, ts, f'{{"ts":{ts},"boot":"b1","seq":{seq},"pressure":{pressure}}}'.encode())
        packet = publisher.packet(len(self.sent), message)
        at_s = time.perf_counter()
        self._socket.sendall(packet)
        answer = self._socket.recv(4, socket.MSG_WAITALL)
        if answer[:2] != b"\x40\x02":
            raise RuntimeError(f"expected an acknowledgement from the broker, found {answer.hex()}")
        self.sent.append(message)
        return at_s

    def close(self, ledger: Path) -> None:
        """Disconnect, and write down what was acknowledged."""
        self._socket.close()
        publisher.write_ledger(ledger, self.sent, self._began_ms)
