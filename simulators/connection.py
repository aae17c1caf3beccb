"""One MQTT connection with its queue: a gateway's, or that of a device of its own."""

import random
from collections.abc import Callable
from enum import Enum
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from iotops.errors import BrokerError
from simulators.device import Utterance
from simulators.endpoint import Endpoint
from simulators.outbox import Outbox

WINDOW = 20  # unacknowledged messages on the wire: mosquitto's default limit, which paho does not learn from the broker
KEEPALIVE_S = 30
CONNECT_TIMEOUT_S = 2.0  # connecting blocks the loop; a silent broker must not hold it
ANSWER_MS = 10_000  # no CONNACK for this long: try again
GUESS_MS = 2_000  # the same while we do not know which protocol the broker speaks: some say nothing to version 5
DENIALS = ("Not authorized", "Bad user name or password", "Banned")
FIRST_DELAY_MS, LONGEST_DELAY_MS = 200, 15_000


class Line(Enum):
    """How a connection stands."""

    WAITING = "waiting"  # tries again when its delay is over
    CALLING = "calling"  # CONNECT sent, no CONNACK yet
    UP = "up"
    CUT = "cut"  # its device is off; stays so until restored


class Connection:
    """Publishes its outbox at QoS 1, at most `WINDOW` at a time, and reconnects with growing, jittered delays.

    The paho client is thrown away with each connection: the outbox alone knows what the broker has not answered yet,
    and publishes it again on the next one. Its identity in the payload tells the receiver where that is a duplicate.

    Args:
        will: topic of the retained last will `offline`, None for a connection that stands for no single device.
        answered: called with message, sent and acknowledged time (Unix ms) when a PUBACK has come; acknowledged is
            None where the broker refused the message for good.
        reconnected: called when the connection is up again, so that a device with a will can say `online`.
        watch: called with this connection and its socket when one opened (True) and before it closes (False).
    """

    def __init__(
        self,
        endpoint: Endpoint,
        client_id: str,
        *,
        will: str | None,
        outbox: Outbox,
        answered: Callable[[Utterance, int, int | None], None],
        reconnected: Callable[[], None],
        watch: Callable[["Connection", Any, bool], None],
    ) -> None:
        self.outbox = outbox
        self.line = Line.WAITING
        self.wills = 0
        self.refused = 0
        self.calls = 0
        self.last_error = ""
        self._denied = False
        self._endpoint = endpoint
        self._client_id = client_id
        self._will = will
        self._answered = answered
        self._reconnected = reconnected
        self._watch = watch
        self._client: Client | None = None
        self._due_ms = 0
        self._delay_ms = FIRST_DELAY_MS
        self._now_ms = 0
        self._protocol = endpoint.protocol or 5
        self._cutting = False
        self._rebooting = False

    @property
    def socket(self) -> Any:
        """Return the open socket (or TLS socket), None without one."""
        return self._client.socket() if self._client is not None else None

    @property
    def _guessing(self) -> bool:
        return self._endpoint.protocol is None and not self.calls

    @property
    def wants_write(self) -> bool:
        """Tell whether bytes wait for the socket to take them."""
        return self._client is not None and self._client.want_write()

    def tend(self, now_ms: int) -> None:
        """Connect, ping, or give up waiting for an answer, whatever is due; call it about every 50 ms."""
        self._now_ms = now_ms
        if self.line is Line.WAITING and now_ms >= self._due_ms:
            self._call()
        elif self.line is Line.CALLING and now_ms >= self._due_ms:
            self._lost("no CONNACK")
        elif self.line is Line.UP and self._client is not None:
            self._check(self._client.loop_misc())

    def read(self, now_ms: int) -> None:
        """Take in what the socket has."""
        self._now_ms = now_ms
        if self._client is not None:
            self._check(self._client.loop_read())

    def write(self) -> None:
        """Give the socket what waits for it."""
        if self._client is not None:
            self._check(self._client.loop_write())

    def pump(self, now_ms: int) -> int:
        """Publish from the outbox as far as the window allows; return how many were sent."""
        count = 0
        while self.line is Line.UP and self._client and self.outbox.ready and self.outbox.in_flight < WINDOW:
            message = self.outbox.take()
            answer = self._client.publish(message.topic, message.payload, qos=1, retain=message.retain)
            self.outbox.sent(answer.mid, message, now_ms)
            count += 1
            if answer.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._lost(f"publish: {answer.rc.name}")
        if self._cutting and not len(self.outbox):
            self._cut_now()
        return count

    def cut(self) -> None:
        """Drop the line without a word, as a power cut does, once what was said before is through; the will fires."""
        self._cutting = True

    def restore(self) -> None:
        """Power is back: connect again."""
        self._cutting = False
        if self.line is Line.CUT:
            self._rebooting = True
            self.line, self._due_ms, self._delay_ms = Line.WAITING, 0, FIRST_DELAY_MS

    def close(self) -> None:
        """Say goodbye: the broker throws the will away."""
        if self._client is not None and self.line is Line.UP:
            self._client.disconnect()
        self._drop()

    def _cut_now(self) -> None:
        self.wills += self.line is Line.UP and self._will is not None
        self._drop()
        self.line, self._cutting = Line.CUT, False

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None and (sock := client.socket()) is not None:
            self._watch(self, sock, False)
            client.on_socket_close = None
            sock.close()
        self.line = Line.WAITING

    def _call(self) -> None:
        client = self._new_client()
        self._client, self.line = client, Line.CALLING
        self._due_ms = self._now_ms + (GUESS_MS if self._guessing else ANSWER_MS)
        options: dict[str, Any] = {"clean_start": True} if self._protocol == MQTTProtocolVersion.MQTTv5 else {}
        try:
            client.connect(self._endpoint.host, self._endpoint.port, KEEPALIVE_S, **options)
        except OSError as error:
            self.line = Line.WAITING  # nobody there: says nothing about the protocol
            self._lost(f"{error}")

    def _new_client(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=MQTTProtocolVersion(self._protocol),
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(WINDOW)
        client.on_socket_open = lambda _client, _userdata, sock: self._watch(self, sock, True)
        client.on_socket_close = lambda _client, _userdata, sock: self._watch(self, sock, False)
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        if self._will is not None:
            client.will_set(self._will, b"offline", qos=1, retain=True)
        if self._endpoint.user is not None:
            client.username_pw_set(self._endpoint.user, self._endpoint.password)
        if self._endpoint.tls:
            client.tls_set()
        return client

    def _on_connect(self, _client: Client, _userdata: object, _flags: object, code: ReasonCode, _more: object) -> None:
        if code.is_failure:
            self.last_error = f"refused: {code}"
            self._denied = str(code) in DENIALS and not self.calls
            return
        self.line, self._delay_ms, self.last_error = Line.UP, FIRST_DELAY_MS, ""
        self.calls += 1
        if self.calls > 1 and self._will is not None and not self._rebooting:
            self._reconnected()
        self._rebooting = False

    def _on_publish(self, _client: Client, _userdata: object, mid: int, code: ReasonCode, _more: object) -> None:
        settled = self.outbox.settle(mid)
        if settled is None:
            return
        if code.is_failure:  # for instance not authorised; sending it again would change nothing
            self.refused += 1
            self.last_error = f"publish refused: {code}"
        self._answered(*settled, None if code.is_failure else self._now_ms)

    def _check(self, code: MQTTErrorCode) -> None:
        if self._denied:
            msg = f"broker {self._endpoint.host}:{self._endpoint.port} {self.last_error}; check user and password"
            raise BrokerError(msg)
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._lost(code.name)

    def _lost(self, why: str) -> None:
        if self.line is Line.CALLING and self._guessing:
            # An MQTT 3.1.1 broker answers a version 5 CONNECT with a refusal or by hanging up; try the other one.
            self._protocol = 9 - self._protocol
        self.last_error = self.last_error or why
        self._drop()
        self.outbox.unsend()
        self._due_ms = self._now_ms + int(self._delay_ms * (0.5 + random.random()))
        self._delay_ms = min(self._delay_ms * 2, LONGEST_DELAY_MS)
