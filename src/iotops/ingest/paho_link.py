"""One MQTT connection by paho-mqtt."""

import contextlib
import socket
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MessageType, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from iotops.broker.access import address, credentials, tls_context
from iotops.broker.closing_client import ClosingClient
from iotops.ingest.drops import DROPPED, DropWatch
from iotops.ingest.frames import Arrival, PublishReader, number_at
from iotops.ingest.link import HOPELESS, TAKEN_OVER, await_hangup, too_large, ungranted
from iotops.ingest.packets import DISCONNECT, puback, wishes
from iotops.ingest.pulse import Pulse
from iotops.ingest.receiver import Delivery
from iotops.settings import BrokerSettings
from iotops.telemetry.message import Message

_READ_BYTES = 65_536
_BURST_BYTES = 1_048_576
_FAREWELL_S = 2.0


class PahoLink(ClosingClient):
    """A `Link` of paho-mqtt, driven packet by packet.

    paho's own loop reads one packet per system call, answers pings only while it reads, and reconnects without
    looking.
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
        self._publishes = PublishReader(settings.max_packet_bytes, v5=self._v5)
        self._pulse = Pulse(settings.keepalive_ms)
        self._arrived: list[Delivery] = []
        self._arrival = Arrival(0, 0, 0)
        self._chunk = b""
        self._taken = 0
        self._size = 0
        self.suppress_exceptions = True  # a callback that fails must not end the loop; its message stays unconfirmed
        self.on_connect = self._accept
        self.on_subscribe = self._check_grants
        self.on_message = self._keep
        self.on_disconnect = self._end
        proof, tls = credentials(settings), tls_context(settings)
        if proof is not None:
            self.username_pw_set(*proof)
        if tls is not None:
            self.tls_set_context(tls)

    def open(self) -> None:
        host, port = self._address
        keepalive_s = max(1, self._settings.keepalive_ms // 1000)
        if self._v5:
            # Clean Start = 0 always: paho's default forgets the backlog at the first connection of a process.
            self.connect(host, port, keepalive_s, clean_start=False, properties=wishes(self._settings))
        else:
            self.connect(host, port, keepalive_s)

    def fileno(self) -> int:
        sock = self.socket()
        return -1 if sock is None else sock.fileno()

    def read(self, max_messages: int, arrival: Arrival) -> list[Delivery]:
        self._arrival = arrival
        self.starved = False
        self._size = 0
        while not self.starved and not self.ended and (len(self._arrived) < max_messages or not self.accepted):
            if not self._take_messages(max_messages - len(self._arrived)):
                self._note(self.loop_read())
                self._check_size(self._in_packet["remaining_length"])
            if self._size > _BURST_BYTES:
                break
        arrived, self._arrived = self._arrived, []
        return arrived

    def write(self) -> None:
        self._note(self.loop_write())

    def confirm(self, mids: Sequence[int]) -> None:
        self._note(self._packet_queue(MessageType.PUBACK, puback(mids), mids[-1], 1))

    def beat(self, *, reading: bool) -> None:
        # Not paho's loop_misc(): while reading stands still on purpose, the answers to pings wait behind messages, and
        # it would take that for a dead broker.
        self._pulse.keepalive_ms = self.keepalive * 1000 or self._pulse.keepalive_ms  # the broker may have set another
        if silence := self._pulse.silence(accepted=self.accepted, reading=reading):
            self.drop(silence)
        elif self.accepted and self._pulse.ping_due():
            self._note(self._send_simple_command(MessageType.PINGREQ))

    def close(self) -> None:
        # paho's own disconnect() closes the socket at once, hence the packet by hand.
        sock = self.socket()
        if isinstance(sock, socket.socket) and not self.ended:
            sock.settimeout(_FAREWELL_S)
            self._note(self._packet_queue(MessageType.PUBACK, DISCONNECT, 0, 0))
            if not self.ended:
                await_hangup(sock)
        self.drop("we disconnected")

    def drop(self, reason: str) -> None:
        self.ended = self.ended or reason
        self._sock_close()

    def _accept(self, _client: Any, _userdata: Any, flags: mqtt.ConnectFlags, reason: ReasonCode, _more: Any) -> None:
        if reason.is_failure:
            self.ended = f"the broker refused the connection: {reason}"
            if reason.value in HOPELESS:
                self.fault = f"{self.ended}; check user, password and client id"
            return
        self.accepted = True
        self.session_present = flags.session_present
        # Also where the session is there: the topics of the settings may have changed; options as in `packets`.
        options = SubscribeOptions(qos=1, noLocal=True, retainAsPublished=False, retainHandling=1)
        topics = self._settings.topics
        self.subscribe([(t, options) for t in topics] if self._v5 else [(t, 1) for t in topics])

    def _check_grants(self, _client: Any, _userdata: Any, _mid: int, grants: Sequence[ReasonCode], _more: Any) -> None:
        denied = [f"{t} ({g})" for t, g in zip_longest(self._settings.topics, grants) if getattr(g, "value", 0) != 1]
        if self.subscribed:
            self._drops.answered()
        elif denied:
            self.fault = self.ended = ungranted(denied)
        else:
            self.subscribed = True
            if self._drops.asked():
                self.subscribe(DROPPED, qos=0)

    def _end(self, _client: Any, _userdata: Any, flags: mqtt.DisconnectFlags, reason: ReasonCode, _more: Any) -> None:
        self.taken_over = flags.is_disconnect_packet_from_server and reason.value == TAKEN_OVER
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
        self._size += len(self._chunk)
        self._pulse.hear()

    def _take_messages(self, most: int) -> bool:
        """Take the messages that come next, each as a whole; return whether there were any."""
        if self._in_packet["command"]:
            return False  # paho has begun with a packet
        if self._taken == len(self._chunk):
            with contextlib.suppress(OSError):  # paho meets it again, and knows what to do
                self._fill()
        found, self._taken = self._publishes.read(self._chunk, self._taken, most, self._arrival)
        self._arrived += found
        if not found and self._taken + 1 < len(self._chunk):
            self._check_size(number_at(self._chunk, self._taken + 1)[0])
        return bool(found)

    def _check_size(self, length: int) -> None:
        if self._v5 and length > self._settings.max_packet_bytes and not self.ended:
            self.drop(too_large(length, self._settings))

    def _keep(self, _client: Any, _userdata: Any, found: mqtt.MQTTMessage) -> None:
        """Take a message that was cut in two by the end of a read."""
        try:
            topic = found.topic
        except UnicodeDecodeError as error:
            topic = error.object.decode("utf-8", "backslashreplace")
        if not topic:
            self.drop("the broker sent a topic alias, which was not asked for")
            return
        received_ms, connected_ms, epoch = self._arrival
        message = Message(topic, bytes(found.payload), received_ms, connected_ms, found.qos, found.retain, found.dup)
        self._arrived.append(Delivery(message, epoch, found.mid))
