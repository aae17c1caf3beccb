"""A short stay at the broker under a client id of its own: to look around, or to send something."""

import secrets
import ssl
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from threading import Condition
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from iotops.broker.access import address, credentials, tls_context
from iotops.broker.closing_client import ClosingClient
from iotops.errors import BrokerError, NotOurSession
from iotops.settings import BrokerSettings, redact

_ANSWER_WITHIN_S = 10.0
_NO_RETAINED = 2  # MQTT 5, 3.8.3.1: retained messages are not sent for this subscription


class Visit:
    """One connection that leaves nothing behind: a clean session under a client id that nobody else has.

    Never the ingest's id: the broker would cut it off and forget what it keeps for it. A broker may name clients
    after their users, though (mosquitto's `use_username_as_clientid`, which docs/mosquitto-production.conf sets); so
    the first connection asks for whatever session there is and looks whether somebody has it.
    `with Visit(settings, "doctor") as visit: ...`
    """

    def __init__(self, settings: BrokerSettings, purpose: str) -> None:
        self._settings = settings
        self._v5 = settings.protocol == MQTTProtocolVersion.MQTTv5
        self._changed = Condition()
        self._answers: dict[tuple[str, int], Any] = {}
        self._ended = ""
        self._arrived: SimpleQueue[mqtt.MQTTMessage] = SimpleQueue()
        self._client_id = f"iotops-{purpose}-{secrets.token_hex(4)}"
        self._client = self._new_client(clean=True)

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            BrokerError: nobody listens, or the broker refuses us; `NotOurSession` where it gave us another's.
            ConfigurationError: password or certificates cannot be read.
        """
        guest = self._new_client(clean=False)
        if self._connect(guest, clean=False):
            self._leave(guest)  # confirmed is nothing, and the session lasts: its owner finds all of it again
            raise NotOurSession(
                f"{self._where}: it names clients after their users and took us for the ingest; nothing changed, but "
                "the ingest had to connect again. Come as another user with IOTOPS_BROKER__URL"
            )
        self._leave(guest)
        self._ended = ""
        self._connect(self._client, clean=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave(self._client)

    def subscribe(self, topics: Sequence[str], *, retained: bool = False) -> dict[str, str]:
        """Subscribe with QoS 1 and return topic -> why it is not granted, empty where all are."""
        options = SubscribeOptions(qos=1, noLocal=True, retainHandling=0 if retained else _NO_RETAINED)
        wishes = [(topic, options) for topic in topics] if self._v5 else [(topic, 1) for topic in topics]
        _, mid = self._client.subscribe(wishes)
        grants = self._answer("SUBSCRIBE", mid or 0)
        return {topic: str(grant) for topic, grant in zip(topics, grants, strict=True) if grant.is_failure}

    def receive(self, within_s: float) -> bytes | None:
        """Return the payload of the next message, None where none comes in time."""
        try:
            return bytes(self._arrived.get(timeout=within_s).payload)
        except Empty:
            return None

    def publish(self, messages: Sequence[tuple[str, bytes]]) -> list[str]:
        """Publish topics with payloads at QoS 1, and return for each why the broker did not take it, "" where it did.

        Raises:
            BrokerError: the broker does not answer; some may have been taken.
        """
        mids = [self._client.publish(topic, payload, qos=1).mid for topic, payload in messages]
        reasons = [self._answer("PUBLISH", mid) for mid in mids]
        return [str(reason) if reason.is_failure else "" for reason in reasons]

    @property
    def _where(self) -> str:
        return f"broker {redact(self._settings.url.get_secret_value())}"

    def _connect(self, client: mqtt.Client, *, clean: bool) -> bool:
        """Connect, and return whether the broker had a session under our client id; undone where it fails."""
        host, port = address(self._settings)
        try:
            if self._v5:
                client.connect(host, port, 30, clean_start=clean, properties=self._wishes(clean=clean))
            else:
                client.connect(host, port, 30)
        except (OSError, ValueError) as error:
            self._leave(client)
            msg = f"{self._where}: cannot connect ({error}); {_what_to_check(error)}"
            raise BrokerError(msg) from error
        client.loop_start()
        try:
            reason, known = self._answer("CONNECT")
        except BrokerError:
            self._leave(client)
            raise
        if reason.is_failure:
            self._leave(client)
            raise BrokerError(f"{self._where}: the broker refused us: {reason}; check user and password")
        return bool(known)

    def _wishes(self, *, clean: bool) -> Properties:
        wishes = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # not annotated there
        # A session that is another's must not end sooner by our having been there; one of our own ends with the next.
        wishes.SessionExpiryInterval = 0 if clean else self._settings.session_expiry_ms // 1000
        wishes.ReceiveMaximum = 65_535 if clean else 1
        return wishes

    def _new_client(self, *, clean: bool) -> mqtt.Client:
        client = ClosingClient(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=None if self._v5 else clean,
            protocol=MQTTProtocolVersion(self._settings.protocol),
            reconnect_on_failure=False,
            manual_ack=not clean,
        )
        # Callbacks run on paho's thread; a failed CONNECT ends the connection too, and its reason is the better one.
        client.on_connect = lambda _client, _userdata, flags, reason, _more: self._note(
            "CONNECT", 0, (reason, flags.session_present)
        )
        client.on_subscribe = lambda _client, _userdata, mid, grants, _more: self._note("SUBSCRIBE", mid, grants)
        client.on_publish = lambda _client, _userdata, mid, reason, _more: self._note("PUBLISH", mid, reason)
        client.on_disconnect = self._end
        if clean:
            client.on_message = lambda _client, _userdata, message: self._arrived.put(message)
        proof, tls = credentials(self._settings), tls_context(self._settings)
        if proof is not None:
            client.username_pw_set(*proof)
        if tls is not None:
            client.tls_set_context(tls)
        return client

    def _answer(self, question: str, mid: int = 0) -> Any:
        """Return what the broker answered, once it did.

        Raises:
            BrokerError: it does not, or ended the connection.
        """
        key = (question, mid)
        with self._changed:
            self._changed.wait_for(lambda: key in self._answers or self._ended, _ANSWER_WITHIN_S)
            if key in self._answers:
                return self._answers.pop(key)
        why = self._ended or f"no answer within {_ANSWER_WITHIN_S:g} s"
        raise BrokerError(f"{self._where}: {question} failed: {why}")

    def _note(self, question: str, mid: int, answer: Any) -> None:
        with self._changed:
            self._answers[question, mid] = answer
            self._changed.notify_all()

    def _end(self, _client: Any, _userdata: Any, _flags: Any, reason: ReasonCode, _more: Any) -> None:
        with self._changed:
            self._ended = f"the connection ended: {reason}"
            self._changed.notify_all()

    @staticmethod
    def _leave(client: mqtt.Client) -> None:
        client.disconnect()
        client.loop_stop()
        client._reset_sockets()  # noqa: SLF001  else its wake-up pair stays open until the garbage collector comes


def _what_to_check(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "check broker.ca_file, and the broker's certificate: who signed it, for which names, and until when"
    if isinstance(error, ssl.SSLError | ConnectionResetError):
        return "check whether this port speaks TLS and the URL says the same, and broker.certificate_file"
    return "check that the broker runs, and broker.url"
