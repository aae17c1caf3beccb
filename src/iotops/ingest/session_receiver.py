"""A receiver over links: durable session, own network loop, acknowledgement when the worker says so."""

import threading
import time
from collections import deque
from collections.abc import Sequence

from iotops.clock import monotonic_ms, now_ms
from iotops.errors import ConfigurationError
from iotops.ingest.buffer import DeliveryBuffer
from iotops.ingest.confirmations import Confirmations
from iotops.ingest.connected_clock import ConnectedClock
from iotops.ingest.drops import DropWatch
from iotops.ingest.frames import Arrival
from iotops.ingest.link import Link, NewLink
from iotops.ingest.lull import Lull
from iotops.ingest.pace import Pace
from iotops.ingest.receiver import Delivery, ReceiverEvent, ReceiverEventKind, ReceiverStatus
from iotops.ingest.wake import SocketWatch, Wake
from iotops.settings import BrokerSettings

_TICK_MS = 500  # pings and the watchdog are looked at this often where nothing else happens
_BURST_MESSAGES = 2_000  # then acknowledgements get their turn
_REST_S = 0.003  # after a burst that left nothing behind: the next one is worth its system calls
_BUFFER_BYTES = 64 * 1_048_576
_EVENTS = 1_000


class SessionReceiver:
    """A `Receiver` over MQTT 5 (or 3.1.1) whose session outlives connections and processes.

    One thread connects, reads, writes and pings. It stops reading while the buffer is full, and never stops pinging
    and confirming. Confirmations are queued by the worker with the number of their connection (epoch): after a
    reconnect the broker counts its message ids afresh, and a late confirmation would confirm another message.

    A broker sends each message by itself, and to wake up for each costs several times what reading it does. So after a
    burst the thread rests for some milliseconds before it looks again, and the worker is woken when it has its fill.

    Args:
        new_link: makes a link for the next connection.
        settings: where the broker is, and as whom we come.
        unacked_after_ms: an unconfirmed message older than this forces a reconnect: a broker sends it again only then,
            and a reference that was lost would hold its place in the receive window for ever.
        connected_ms: where the count of connected time goes on.
        expects_session: the broker should know us; a first connection without a session is a loss then, too.
        buffer_messages: how many messages wait at most before reading stops; default: the receive maximum.
    """

    def __init__(
        self,
        new_link: NewLink,
        settings: BrokerSettings,
        *,
        unacked_after_ms: int = 120_000,
        connected_ms: int = 0,
        expects_session: bool = False,
        buffer_messages: int | None = None,
    ) -> None:
        self._new_link = new_link
        self._settings = settings
        self._unacked_after_ms = unacked_after_ms
        self._expects_session = expects_session
        self._wake = Wake()
        self._buffer = DeliveryBuffer(buffer_messages or settings.receive_maximum, _BUFFER_BYTES, self._wake.wake)
        self._clock = ConnectedClock(connected_ms)
        self._link: Link | None = None
        self._confirmations = Confirmations()
        self._pace, self._drops = Pace(), DropWatch()
        self._events: deque[ReceiverEvent] = deque(maxlen=_EVENTS)
        self._counts = dict.fromkeys(("received", "reconnects", "losses", "takeovers"), 0)
        self._last_error = self._fault = ""
        self._lull = Lull()
        self._was_subscribed = self._brought = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mqtt-receiver", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def take(self, max_messages: int, timeout_ms: int, linger_ms: int = 0) -> list[Delivery]:
        return self._buffer.take(max_messages, timeout_ms, linger_ms)

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        self._confirmations.queue(deliveries)
        self._wake.wake()

    def connected_ms(self) -> int:
        return self._clock.read(monotonic_ms())

    def events(self) -> list[ReceiverEvent]:
        return [self._events.popleft() for _ in range(len(self._events))]

    def stop_reading(self) -> None:
        self._buffer.close()

    def stop(self) -> None:
        self._stopping.set()
        self._wake.wake()
        if self._thread.is_alive():
            self._thread.join(15)
        if not self._thread.is_alive():
            self._wake.close()

    def status(self) -> ReceiverStatus:
        link = self._link
        return ReceiverStatus(
            kind=self._settings.receiver,
            connected=link is not None and link.accepted,
            subscribed=link is not None and link.subscribed,
            epoch=self._confirmations.epoch,
            connected_ms=self.connected_ms(),
            received=self._counts["received"],
            buffered=len(self._buffer),
            unacknowledged=len(self._confirmations),
            oldest_unacknowledged_ms=self._confirmations.oldest_ms(monotonic_ms()),
            stale_acknowledgements=self._confirmations.stale,
            reconnects=self._counts["reconnects"],
            session_losses=self._counts["losses"],
            takeovers=self._counts["takeovers"],
            broker_dropped=self._drops.count,
            drained=self._drained(link),
            last_error=self._last_error,
            fault=self._fault,
        )

    def _drained(self, link: Link | None) -> bool:
        return (
            link is not None
            and link.subscribed
            and not self._buffer
            # A backlog fills the receive window as fast as it is confirmed; live traffic leaves most of it free.
            and len(self._confirmations) < self._settings.receive_maximum // 2
            and self._lull.holds()
        )

    def _run(self) -> None:
        while not self._stopping.is_set():
            began_ms = monotonic_ms()
            link = self._connection()
            # Whoever pushed us out would be pushed out by us in turn, for ever: the one that waits longest yields.
            hopeless = link is None or bool(link.fault) or link.taken_over
            subscribed = link is not None and link.subscribed
            cut_off = link is not None and link.cut_off and subscribed
            self._pace.note(monotonic_ms() - began_ms, subscribed=subscribed, cut_off=cut_off, hopeless=hopeless)
            if self._pace.rival or (link is not None and link.taken_over):
                self._counts["takeovers"] += 1
                who = f"another client came as {self._settings.client_id!r}: are two ingests running?"
                self._note(ReceiverEventKind.TAKEN_OVER, who)
            self._stopping.wait(self._pace.next_wait_s())

    def _connection(self) -> Link | None:
        """Live through one connection, from the attempt to its end; None where the settings cannot work."""
        try:
            link = self._new_link(self._settings, self._drops)
        except ConfigurationError as error:
            self._last_error = self._fault = str(error)
            self._note(ReceiverEventKind.FAULT, str(error))
            return None
        self._confirmations.begin()
        self._link = link
        try:
            link.open()
            self._serve(link)
        except OSError as error:
            link.drop(f"cannot reach the broker: {error}")
        except Exception as error:  # noqa: BLE001  whatever a packet did to us must not end the loop
            link.drop(f"{type(error).__name__}: {error}")
            self._note(ReceiverEventKind.FAULT, link.ended)
        self._drops.ended()
        self._close(link)
        return link

    def _serve(self, link: Link) -> None:
        with SocketWatch(link, self._wake) as watch:
            while not link.ended and not self._stopping.is_set():
                room = self._buffer.room
                reading = room > 0 or not link.accepted
                self._wait(watch, link, reading=reading)
                if reading:
                    self._receive(link, min(room, _BURST_MESSAGES))
                self._send(link)
                if not link.ended:
                    link.beat(reading=reading)
                self._watch_over(link)
        self._send(link)
        link.close()

    def _wait(self, watch: SocketWatch, link: Link, *, reading: bool) -> None:
        if reading and not link.starved:
            return  # the last burst left something behind
        if reading:
            self._lull.caught_up()
        if self._brought:
            self._brought = False
            time.sleep(_REST_S)
        self._lull.waiting = reading
        watch.wait(_TICK_MS, reading=reading, writing=link.want_write())
        self._lull.waiting = False

    def _send(self, link: Link) -> None:
        mids = self._confirmations.due()
        if mids and not link.ended:
            link.confirm(mids)
        if link.want_write() and not link.ended:
            link.write()

    def _receive(self, link: Link, max_messages: int) -> None:
        was_subscribed, was_accepted = link.subscribed, link.accepted
        begun_ms = monotonic_ms()
        arrived = link.read(max_messages, Arrival(now_ms(), self._clock.read(begun_ms), self._confirmations.epoch))
        if link.accepted and not was_accepted:
            self._greet(link)
        if link.subscribed and not was_subscribed:
            self._begin(monotonic_ms())
        if arrived := self._drops.sift(arrived):
            self._brought = True
            self._confirmations.expect((delivery.mid for delivery in arrived if delivery.mid), begun_ms)
            self._counts["received"] += len(arrived)
            self._buffer.put(arrived)

    def _greet(self, link: Link) -> None:
        if not link.session_present and (self._was_subscribed or self._expects_session):
            self._counts["losses"] += 1
            self._note(ReceiverEventKind.SESSION_LOST, "the broker has forgotten what it kept for us")

    def _begin(self, now: int) -> None:
        if self._was_subscribed:
            self._counts["reconnects"] += 1
        self._was_subscribed = True
        self._last_error = self._fault = ""
        self._lull.subscribed()
        self._clock.run(now)
        self._note(ReceiverEventKind.SUBSCRIBED, ", ".join(self._settings.topics))

    def _watch_over(self, link: Link) -> None:
        oldest_ms = self._confirmations.oldest_ms(monotonic_ms())
        if oldest_ms > self._unacked_after_ms and not link.ended:
            link.drop(f"a message has been unconfirmed for {oldest_ms} ms; reconnecting makes the broker send it again")
            self._note(ReceiverEventKind.STUCK, link.ended)

    def _close(self, link: Link) -> None:
        self._clock.halt(monotonic_ms())
        self._last_error, self._fault, self._link = link.ended, link.fault, None
        if link.fault:
            self._note(ReceiverEventKind.REFUSED, link.fault)
        elif link.accepted:
            self._note(ReceiverEventKind.DISCONNECTED, link.ended)

    def _note(self, kind: ReceiverEventKind, detail: str) -> None:
        self._events.append(ReceiverEvent(kind, now_ms(), self.connected_ms(), self._confirmations.epoch, detail))
