"""A publisher that costs little: packets are made beforehand, acknowledgements come in order. Run as a process.

    python -m benchmarks.publisher BROKER_URL MESSAGES LEDGER [--rate N] [--devices N] [--sites N] [--every-ms MS]

It says `ready`, waits for a line on standard input, publishes at QoS 1, says what it took, writes the ledger, says
`written`, and ends with its input.
"""

import argparse
import hashlib
import json
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from benchmarks import fleet
from iotops.clock import now_ms
from iotops.durations import format_instant
from iotops.ledger import COLUMNS

WINDOW = 1_000
_CHUNK = 100  # messages written at once


def main() -> None:
    """Publish as the arguments say."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    arguments.add_argument("url")
    arguments.add_argument("messages", type=int)
    arguments.add_argument("ledger", type=Path)
    arguments.add_argument("--rate", type=int, default=0, help="messages a second; 0: as fast as acknowledged")
    arguments.add_argument("--devices", type=int, default=fleet.DEVICES)
    arguments.add_argument("--sites", type=int, default=fleet.SITES)
    arguments.add_argument(
        "--every-ms", type=int, default=fleet.EVERY_MS, help="event time between a device's messages"
    )
    chosen = arguments.parse_args()
    messages = list(fleet.sent(chosen.messages, now_ms(), chosen.devices, chosen.every_ms, chosen.sites))
    packets = [packet(number, message) for number, message in enumerate(messages)]
    with connect(chosen.url) as sock:
        print("ready", flush=True)
        sys.stdin.readline()
        start, sent_ms = time.perf_counter(), now_ms()
        acked = publish(sock, packets, chosen.rate)
        spent = time.perf_counter() - start
    print(json.dumps({"published": acked, "seconds": spent}), flush=True)
    write_ledger(chosen.ledger, messages[:acked], sent_ms)
    print("written", flush=True)
    sys.stdin.readline()  # whoever measures us looks at what we used before we are gone


def publish(sock: socket.socket, packets: Sequence[bytes], rate: int) -> int:
    """Send packets with at most `WINDOW` unacknowledged ones; return how many were acknowledged.

    Raises:
        RuntimeError: an acknowledgement is not the next one, or the broker hung up.
    """
    start = time.perf_counter()
    sent = acked = 0
    rest = b""
    while acked < len(packets):
        allowed = len(packets) if not rate else min(len(packets), int((time.perf_counter() - start) * rate) + 1)
        until = min(allowed, acked + WINDOW, sent + _CHUNK)
        if until > sent:
            sock.sendall(b"".join(packets[sent:until]))
            sent = until
            if sent < min(allowed, acked + WINDOW - _CHUNK):
                continue
        elif sent == acked:
            time.sleep(0.001)
            continue
        answers = rest + sock.recv(65_536)
        if answers == rest:
            raise RuntimeError(f"the broker hung up after {acked} acknowledgements")
        whole = len(answers) // 4 * 4
        for at in range(0, whole, 4):
            expected = b"\x40\x02" + _mid(acked)
            if answers[at : at + 4] != expected:
                raise RuntimeError(f"expected {expected.hex()} from the broker, found {answers[at : at + 4].hex()}")
            acked += 1
        rest = answers[whole:]
    return acked


def connect(url: str, client: str = "iotops-bench") -> socket.socket:
    """Connect as a client of its own.

    Raises:
        RuntimeError: the broker does not want it.
    """
    # MQTT 3.1.1, as a broker that speaks 5 would allow 20 messages in flight.
    parts = urlsplit(url)
    fields = (client, unquote(parts.username or ""), unquote(parts.password or ""))
    body = _text("MQTT") + b"\x04\xc2\x00\x3c" + b"".join(map(_text, fields))
    sock = socket.create_connection((parts.hostname or "", parts.port or 1883), timeout=60)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(b"\x10" + _length(len(body)) + body)
    answer = sock.recv(4)
    if answer != b"\x20\x02\x00\x00":
        raise RuntimeError(f"the broker refused the connection: {answer.hex()}")
    return sock


def packet(number: int, message: fleet.Sent) -> bytes:
    """Return a message as it is published at QoS 1; `number`: how many this client published before."""
    body = _text(message.topic) + _mid(number) + message.payload
    return b"\x32" + _length(len(body)) + body


def _mid(number: int) -> bytes:
    return (number % 65_535 + 1).to_bytes(2, "big")


def _text(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(2, "big") + raw


def _length(length: int) -> bytes:
    return bytes((length,)) if length < 128 else bytes((length % 128 | 128, length // 128))


def write_ledger(file: Path, messages: Sequence[fleet.Sent], sent_ms: int) -> None:
    """Write down what the broker acknowledged, after what others wrote; `sent_ms`: when the first one was sent."""
    sent_at, acked_at = format_instant(sent_ms), format_instant(now_ms())
    begun = file.exists()
    with file.open("a", encoding="utf-8") as ledger:
        if not begun:
            ledger.write(",".join(COLUMNS) + "\n")
        for key, seq, ts, payload in messages:
            digest = hashlib.sha256(payload).hexdigest()
            ledger.write(f"{key.site},{key.device},b1,{seq},{ts},{digest},{sent_at},{acked_at}\n")


if __name__ == "__main__":
    main()
