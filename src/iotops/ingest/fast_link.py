"""One MQTT connection on a plain socket: what came with one system call is read as one."""

import contextlib
import socket
import ssl
from collections.abc import Sequence

from iotops.broker.access import address, tls_context
from iotops.ingest import answers, packets
from iotops.ingest.drops import DROPPED, DropWatch
from iotops.ingest.frames import Arrival, PublishReader, number_at
from iotops.ingest.link import HOPELESS, TAKEN_OVER, await_hangup, too_large, ungranted
from iotops.ingest.pulse import Pulse
from iotops.ingest.receiver import Delivery
from iotops.settings import BrokerSettings

_READ_BYTES = 262_144
_CONNECT_WITHIN_S = 5.0
_V5 = 5
_CONNACK, _PUBLISH, _SUBACK, _PINGRESP, _DISCONNECT = 0x20, 0x30, 0x90, 0xD0, 0xE0
_MALFORMED, _PROTOCOL_ERROR, _TOO_LARGE = 0x81, 0x82, 0x95  # MQTT 5, table 3.14.2.1
_MOST_LENGTH_BYTES = 4
_MOST_BYTES = 268_435_460  # MQTT 3.1.1 cannot agree on less
_WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class FastLink:
    """A `Link` that reads messages in bursts, and copies nothing of them but topic and payload.

    What a broker must not send (MQTT 5, section 4.13) ends the connection with the reason, which it is told, too.
    """

    def __init__(self, settings: BrokerSettings, drops: DropWatch) -> None:
        self._settings, self._drops = settings, drops
        self._v5 = settings.protocol == _V5
        self._connect, self._tls = packets.connect(settings), tls_context(settings)
        self._sock: socket.socket | None = None
        self._publishes = PublishReader(settings.max_packet_bytes if self._v5 else _MOST_BYTES, v5=self._v5)
        self._pulse = Pulse(settings.keepalive_ms)
        self._outgoing = bytearray()
        self._chunk = b""
        self._at = 0  # where the next packet begins in it
        self._begun = bytearray()  # of a packet that was cut in two by the end of a read
        self._needed = 0  # bytes of that packet, as far as known
        self._emptied = True
        self.accepted = self.session_present = self.subscribed = self.taken_over = self.cut_off = False
        self.starved = True
        self.ended = self.fault = ""

    def open(self) -> None:
        host, port = address(self._settings)
        sock = socket.create_connection((host, port), timeout=_CONNECT_WITHIN_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            sock = self._tls.wrap_socket(sock, server_hostname=host)  # closes it where that fails
        sock.setblocking(False)
        self._sock = sock
        self._send(self._connect)

    def fileno(self) -> int:
        return -1 if self._sock is None else self._sock.fileno()

    def read(self, max_messages: int, arrival: Arrival) -> list[Delivery]:
        found: list[Delivery] = []
        if self._at == len(self._chunk):
            self._fill()
        more = self._at < len(self._chunk)
        while more and not self.ended and (len(found) < max_messages or not self.accepted):
            more = self._take(found, max_messages if self.accepted else 0, arrival) and self._at < len(self._chunk)
        self.starved = self._emptied and self._at == len(self._chunk)
        return found

    def want_write(self) -> bool:
        return bool(self._outgoing)

    def write(self) -> None:
        try:
            while self._outgoing and self._sock is not None:
                del self._outgoing[: self._sock.send(self._outgoing)]
        except _WOULD_BLOCK:
            pass
        except OSError as error:
            self._lose(str(error))

    def confirm(self, mids: Sequence[int]) -> None:
        self._outgoing += packets.puback(mids)

    def beat(self, *, reading: bool) -> None:
        if silence := self._pulse.silence(accepted=self.accepted, reading=reading):
            self.drop(silence)
        elif self.accepted and self._pulse.ping_due():
            self._send(packets.PINGREQ)

    def close(self) -> None:
        if self._sock is not None and not self.ended:
            with contextlib.suppress(OSError):
                self._sock.settimeout(_CONNECT_WITHIN_S)
                self._sock.sendall(self._outgoing + packets.DISCONNECT)
                await_hangup(self._sock)
        self.drop("we disconnected")

    def drop(self, reason: str) -> None:
        self.ended = self.ended or reason
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _send(self, packet: bytes) -> None:
        self._outgoing += packet
        self.write()

    def _fill(self) -> None:
        """Have what the socket holds in `_chunk`, without a packet that is not there as a whole yet."""
        self._chunk, self._at = b"", 0
        try:
            received = self._receive()
        except OSError as error:
            self._lose(str(error))
            return
        if received:
            self._pulse.hear()
        if self._begun:
            self._begun += received
            if len(self._begun) < self._needed:
                return
            received = bytes(self._begun)
            self._begun.clear()
        self._chunk = received

    def _receive(self) -> bytes:
        """Return what the socket holds, at most a quarter of a megabyte; nothing also where the broker hung up."""
        parts: list[bytes] = []
        size = 0
        self._emptied = False
        while self._sock is not None and not self._emptied and size < _READ_BYTES:
            try:
                part = self._sock.recv(_READ_BYTES - size)
            except _WOULD_BLOCK:
                self._emptied = True
                break
            if not part:
                if not parts:
                    self._lose("the broker closed it without a word")
                break
            parts.append(part)
            size += len(part)
            self._emptied = self._tls is None  # a record of TLS is mostly one message, and the next one waits behind it
        return b"".join(parts)

    def _take(self, found: list[Delivery], max_messages: int, arrival: Arrival) -> bool:
        """Take the messages that come next, or the packet; return whether there was one as a whole."""
        messages, self._at = self._publishes.read(self._chunk, self._at, max_messages - len(found), arrival)
        found += messages
        return bool(messages) or self._take_packet()

    def _take_packet(self) -> bool:
        """Take the packet that begins at `_at` and is no message; return whether it was there as a whole."""
        length, body = number_at(self._chunk, self._at + 1)
        known = body > 0
        end = body + length if known else self._at + 2
        if not known and len(self._chunk) - self._at > _MOST_LENGTH_BYTES:
            self._refuse(_MALFORMED, "the broker sent a packet whose length makes no sense")
        elif self._v5 and end - self._at > self._settings.max_packet_bytes:
            self._refuse(_TOO_LARGE, too_large(end - self._at, self._settings))
        elif not known or end > len(self._chunk):
            self._begun += memoryview(self._chunk)[self._at :]
            self._needed = max(end - self._at, len(self._begun) + 1)
            self._at = len(self._chunk)
        else:
            packet, self._at = (self._chunk[self._at], self._chunk[body:end]), end
            self._handle(*packet)
            return True
        return False

    def _handle(self, flags: int, body: bytes) -> None:
        kind = flags & 0xF0
        try:
            if kind == _CONNACK and not self.accepted:
                self._accept(answers.greeting(body, v5=self._v5))
            elif kind == _SUBACK and self.subscribed:
                answers.denied(body, (DROPPED,), v5=self._v5)  # granted or not: that it makes sense is what counts
                self._drops.answered()
            elif kind == _SUBACK and self.accepted:
                self._check_grants(answers.denied(body, self._settings.topics, v5=self._v5))
            elif kind == _DISCONNECT and self._v5:
                code, words = answers.farewell(body)
                self.taken_over = code == TAKEN_OVER
                self.drop(f"connection ended: {words}")
            elif kind == _PUBLISH:
                self._refuse(_MALFORMED, "the broker sent a PUBLISH that makes no sense, or with what nobody asked for")
            elif kind != _PINGRESP:
                self._refuse(_PROTOCOL_ERROR, f"the broker sent a packet of kind {kind >> 4} that nobody waits for")
        except answers.Malformed as error:
            self._refuse(_MALFORMED, f"the broker sent what makes no sense: {error}")

    def _accept(self, greeting: answers.Greeting) -> None:
        if greeting.refusal:
            reason = f"the broker refused the connection: {greeting.refusal}"
            if greeting.code in HOPELESS:
                self.fault = f"{reason}; check user, password and client id"
            self.drop(reason)
            return
        self.accepted = True
        self.session_present = greeting.session_present
        self._pulse.keepalive_ms = greeting.keepalive_ms or self._pulse.keepalive_ms
        # Also where the session is there: the topics of the settings may have changed.
        self._send(packets.subscribe(self._settings.topics, v5=self._v5))

    def _check_grants(self, denied: Sequence[str]) -> None:
        if denied:
            self.fault = ungranted(denied)
            self.drop(self.fault)
        else:
            self.subscribed = True
            if self._drops.asked():
                self._send(packets.subscribe_count(DROPPED, v5=self._v5))

    def _refuse(self, code: int, why: str) -> None:
        if self._v5:
            self._send(bytes((_DISCONNECT, 1, code)))
        self.drop(why)

    def _lose(self, how: str) -> None:
        self.cut_off = not self.ended
        self.drop(f"connection ended: {how}")
