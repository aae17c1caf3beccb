"""One MQTT connection, driven by its owner's thread: connect, subscribe, read, confirm, ping, close."""

import contextlib
import socket
from collections.abc import Sequence
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MessageType, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from iotops.broker.access import address, credentials, tls_context
from iotops.broker.closing_client import ClosingClient
from iotops.clock import monotonic_ms
from iotops.ingest.drops import DROPPED, DropWatch
from iotops.ingest.frames import Frame, publish_at
from iotops.settings import BrokerSettings

_READ_BYTES = 65_536
_BURST_BYTES = 1_048_576
_ANSWER_WITHIN_MS = 10_000  # for CONNACK; a broker under load answers in well under one second
_TAKEN_OVER = 0x8E  # MQTT 5, table 3.14.2.1: session taken over
_PUBACK = 0x40
_DISCONNECT = b"\xe0\x00"  # the same in MQTT 3.1.1 and 5, where it stands for a normal end
_FAREWELL_MS = 2_000
# MQTT 5, tables 3.2.2.2 and 3.9.3, and what paho makes of their 3.1.1 ancestors: the same CONNECT fails again.
_HOPELESS = frozenset({0x84, 0x85, 0x86, 0x87, 0x8A, 0x8C})


class PahoLink(ClosingClient):
    """One connection from CONNECT to its end; a new one is made for each attempt, so that nothing is carried over.

    paho's own loop reads one packet per system call, answers pings only while it reads, and reconnects without
    looking. Here the owner calls `read`, `write`, `confirm` and `beat` from one thread; no other may touch it.

    Attributes:
        accepted: the broker has sent CONNACK.
        session_present: ... and still had our session.
        subscribed: every subscription was granted with QoS 1.
        ended: why the connection is over, empty while it is not.
        fault: why the same attempt will fail again, empty where it may not.
        taken_over: it ended because another client came with our client id, as far as the broker says so.
        cut_off: the broker closed it without a word.
        starved: the last read left nothing behind on the socket.
    """

    def __init__(self, settings: BrokerSettings, drops: DropWatch) -> None:
        self._settings, self._drops = settings, drops
        self._address = address(settings)
        self._v5 = settings.protocol == MQTTProtocolVersion.MQTTv5
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            clean_session=None if self._v5 else False,
            protocol=MQTTProtocolVersion(settings.protocol),
            manual_ack=True,
            reconnect_on_failure=False,
        )
        self.accepted = self.session_present = self.subscribed = self.taken_over = self.cut_off = False
        self.starved = True
        self.ended = self.fault = ""
        self._arrived: list[Frame] = []
        self._chunk = b""
        self._taken = 0
        self._opened_ms = self._heard_ms = self._pinged_ms = monotonic_ms()
        self.suppress_exceptions = True  # a callback that fails must not end the loop; its message stays unconfirmed
        self.on_connect = self._accept
        self.on_subscribe = self._check_grants
        self.on_message = lambda _client, _userdata, message: self._arrived.append(_frame(message))
        self.on_disconnect = self._end
        proof, tls = credentials(settings), tls_context(settings)
        if proof is not None:
            self.username_pw_set(*proof)
        if tls is not None:
            self.tls_set_context(tls)

    def open(self) -> None:
        """Open the socket, TLS included, and send CONNECT.

        Raises:
            OSError: nobody listens, the name is unknown, or the certificate is not good.
        """
        host, port = self._address
        keepalive_s = max(1, self._settings.keepalive_ms // 1000)
        if self._v5:
            # Clean Start = 0 always: paho's default forgets the backlog at the first connection of a process.
            self.connect(host, port, keepalive_s, clean_start=False, properties=self._wishes())
        else:
            self.connect(host, port, keepalive_s)

    def read(self, max_messages: int) -> list[Frame]:
        """Read what is there and return the messages in it, at most `max_messages` or about a megabyte.

        Until CONNACK came, 0 reads too. The rest stays in the socket or with the broker: that is the back-pressure.
        """
        self.starved = False
        size = 0
        while not self.starved and not self.ended and (len(self._arrived) < max_messages or not self.accepted):
            count = len(self._arrived)
            if not self._take_publish():
                self._note(self.loop_read())
            size += sum(len(message.payload) for message in self._arrived[count:])
            if size > _BURST_BYTES:
                break
        arrived, self._arrived = self._arrived, []
        return self._drops.sift(arrived)

    def write(self) -> None:
        self._note(self.loop_write())

    def confirm(self, mids: Sequence[int]) -> None:
        """Send the PUBACK of each message, all in one write, in the given order."""
        burst = b"".join(bytes((_PUBACK, 2, mid >> 8, mid & 0xFF)) for mid in mids)
        self._note(self._packet_queue(MessageType.PUBACK, burst, mids[-1], 1))

    def beat(self, *, reading: bool) -> None:
        """Ping where it is time, and end the connection where the broker has gone silent.

        Not paho's loop_misc(): while reading stands still on purpose, the answers to pings wait behind messages, and it
        would take that for a dead broker.
        """
        now_ms = monotonic_ms()
        keepalive_ms = self.keepalive * 1000
        if not reading:
            self._heard_ms = now_ms
        if not self.accepted and now_ms - self._opened_ms > _ANSWER_WITHIN_MS:
            self.drop("the broker does not answer CONNECT")
        elif self.accepted and now_ms - self._heard_ms > keepalive_ms * 3 // 2:
            self.drop("the broker does not answer pings")
        elif self.accepted and now_ms - self._pinged_ms >= keepalive_ms // 2:
            self._pinged_ms = now_ms
            self._note(self._send_simple_command(MessageType.PINGREQ))

    def close(self) -> None:
        """Send DISCONNECT and wait a little until the broker has read it; it keeps the session.

        Whoever comes next with our client id may overtake confirmations that the broker has not read yet: its messages
        would come again. paho's own disconnect() closes the socket at once, hence the packet by hand.
        """
        sock = self.socket()
        if isinstance(sock, socket.socket) and not self.ended:
            sock.settimeout(_FAREWELL_MS / 1000)
            self._note(self._packet_queue(MessageType.PUBACK, _DISCONNECT, 0, 0))
            deadline_ms = monotonic_ms() + _FAREWELL_MS
            with contextlib.suppress(OSError):
                while not self.ended and monotonic_ms() < deadline_ms and sock.recv(_READ_BYTES):
                    pass  # messages that nobody waits for any more; unconfirmed, they come again
        self.drop("we disconnected")

    def drop(self, reason: str) -> None:
        self.ended = self.ended or reason
        self._sock_close()

    def _wishes(self) -> Properties:
        wishes = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # not annotated there
        wishes.SessionExpiryInterval = self._settings.session_expiry_ms // 1000
        wishes.ReceiveMaximum = self._settings.receive_maximum
        wishes.MaximumPacketSize = self._settings.max_packet_bytes
        return wishes

    def _accept(self, _client: Any, _userdata: Any, flags: mqtt.ConnectFlags, reason: ReasonCode, _more: Any) -> None:
        if reason.is_failure:
            self.ended = f"the broker refused the connection: {reason}"
            if reason.value in _HOPELESS:
                self.fault = f"{self.ended}; check user, password and client id"
            return
        self.accepted = True
        self.session_present = flags.session_present
        # Subscribing again also where the session is there: the topics of the settings may have changed. Retained
        # messages come for new subscriptions only (retain handling 1), and retain-as-published stays off: so the retain
        # flag means exactly that the message is a replayed last-known state, whatever flag its publisher had set.
        options = SubscribeOptions(qos=1, noLocal=True, retainAsPublished=False, retainHandling=1)
        topics = self._settings.topics
        self.subscribe([(t, options) for t in topics] if self._v5 else [(t, 1) for t in topics])

    def _check_grants(self, _client: Any, _userdata: Any, _mid: int, grants: Sequence[ReasonCode], _more: Any) -> None:
        denied = [f"{t} ({g})" for t, g in zip(self._settings.topics, grants, strict=False) if g.value != 1]
        if self.subscribed:
            self._drops.answered()
        elif denied:
            self.fault = f"the broker does not grant QoS 1 for {', '.join(denied)}; check its access list for our user"
            self.ended = self.fault
        else:
            self.subscribed = True
            if self._drops.asked():
                self.subscribe(DROPPED, qos=0)

    def _end(self, _client: Any, _userdata: Any, flags: mqtt.DisconnectFlags, reason: ReasonCode, _more: Any) -> None:
        self.taken_over = flags.is_disconnect_packet_from_server and reason.value == _TAKEN_OVER
        self.cut_off = not flags.is_disconnect_packet_from_server and not self.ended
        self.ended = self.ended or f"connection ended: {reason}"

    def _note(self, code: MQTTErrorCode) -> None:
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS or self.socket() is None:
            self.drop(mqtt.error_string(code))

    def _sock_recv(self, bufsize: int) -> bytes:
        # paho asks for a byte, for up to four, for the rest, each by a system call; this reads what there is and hands
        # out pieces, which also empties what TLS has decrypted ahead.
        if self._taken == len(self._chunk):
            self._fill()
        piece = self._chunk[self._taken : self._taken + bufsize]
        self._taken += len(piece)
        return piece

    def _fill(self) -> None:
        try:
            self._chunk = super()._sock_recv(_READ_BYTES)
        except BlockingIOError:
            self.starved = True
            raise
        self._taken = 0
        self._heard_ms = monotonic_ms()

    def _take_publish(self) -> bool:
        """Take the PUBLISH packet that comes next; return whether there was one, as a whole."""
        if self._in_packet["command"]:
            return False  # paho has begun with a packet
        if self._taken == len(self._chunk):
            with contextlib.suppress(OSError):  # paho meets it again, and knows what to do
                self._fill()
        found = publish_at(self._chunk, self._taken, v5=self._v5)
        if found is None:
            return False
        frame, self._taken = found
        self._arrived.append(frame)
        return True


def _frame(found: mqtt.MQTTMessage) -> Frame:
    try:
        topic = found.topic.encode()
    except UnicodeDecodeError as error:
        topic = error.object
    return Frame(topic, bytes(found.payload), found.qos, found.retain, found.dup, found.mid)
