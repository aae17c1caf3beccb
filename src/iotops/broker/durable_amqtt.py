"""amqtt made durable enough for a demonstration: what it keeps, in which order, and how much at once.

amqtt 0.12 forgets what a consumer has not confirmed within 5 s or when its connection ends, marks what it kept for an
absent consumer as retained, confirms a message that is still in its publisher's own queue, and sends every retained
message to everybody who connects. Here a message goes to the broker's queue first and is confirmed then; it stays in
the consumer's session until the consumer confirms it, at most `WINDOW` of them on the way.
"""

import hmac
from dataclasses import dataclass
from typing import Any

import amqtt.broker
from amqtt.broker import Broker, BrokerContext
from amqtt.mqtt.constants import QOS_1
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.mqtt.puback import PubackPacket
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import INCOMING, OutgoingApplicationMessage, Session

WINDOW = 4_000  # messages on the way to one consumer; as much as ingest asks of a broker that knows Receive Maximum


class OnePassword(BaseAuthPlugin):  # type: ignore[misc]  # amqtt is not annotated
    """Lets in whoever knows the one user and password.

    A plugin and not anonymous access: amqtt keeps no messages for an anonymous consumer that is away.
    """

    @dataclass
    class Config:
        """Set from the broker's configuration."""

        user: str = ""
        password: str = ""

    async def authenticate(self, *, session: Session) -> bool:
        """Tell whether a connection may come in."""
        user_fits = hmac.compare_digest((session.username or "").encode(), self.config.user.encode())
        password_fits = hmac.compare_digest((session.password or "").encode(), self.config.password.encode())
        return user_fits and password_fits


class DurableHandler(BrokerProtocolHandler):  # type: ignore[misc]  # amqtt has no types
    """One client's side of the broker; QoS 1 messages wait in its session until they are confirmed."""

    async def mqtt_publish(
        self, topic: str, data: bytes | bytearray, qos: int | None, retain: bool, ack_timeout: int | None = None
    ) -> OutgoingApplicationMessage:
        """Queue a QoS 1 message for this client and send as many as the window allows; others go out at once."""
        if qos != QOS_1 or self.session is None:
            return await super().mqtt_publish(topic, data, qos, retain, ack_timeout)
        message = OutgoingApplicationMessage(None, topic, qos, data, retain)
        self.session.retained_messages.put_nowait(message)
        await self.send_queued()
        return message

    async def send_queued(self) -> None:
        """Send what waits in the session, oldest first, up to the window."""
        session = self.session
        while session is not None and len(session.inflight_out) < WINDOW and not session.retained_messages.empty():
            queued = session.retained_messages.get_nowait()
            # What amqtt itself queued for an absent client is no OutgoingApplicationMessage, and not retained either.
            retain = isinstance(queued, OutgoingApplicationMessage) and queued.retain
            message = OutgoingApplicationMessage(session.next_packet_id, queued.topic, QOS_1, queued.data, retain)
            session.inflight_out[message.packet_id] = message
            message.publish_packet = message.build_publish_packet()
            await self._send_packet(message.publish_packet)

    async def handle_puback(self, puback: PubackPacket) -> None:
        """Forget a message that the client has confirmed, and send the next."""
        if self.session is not None:
            self.session.inflight_out.pop(puback.variable_header.packet_id, None)
            await self.send_queued()

    def handle_read_timeout(self) -> None:
        """End a connection that was silent for longer than its keep alive; its last will follows."""
        if self._disconnect_waiter is not None and not self._disconnect_waiter.done():
            self._disconnect_waiter.set_result(None)

    async def _handle_qos1_message_flow(self, app_message: Any) -> None:
        if app_message.direction == INCOMING:
            await self._distribute(app_message)
        else:  # after a reconnect, for each message that is still unconfirmed
            await self._send_packet(app_message.build_publish_packet(dup=True))

    async def _distribute(self, message: Any) -> None:
        broker: BrokerContext = self.plugins_manager.context
        await broker.broadcast_message(message.topic, message.data)
        if message.retain:
            await broker.retain_message(message.topic, message.data, message.qos)
        await self._send_packet(PubackPacket.build(message.packet_id))


class DurableBroker(Broker):  # type: ignore[misc]  # amqtt has no types
    """amqtt's broker with `DurableHandler` for every client."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        # The broker makes its handlers by this name of its module; it has no other place for a class of ours.
        amqtt.broker.BrokerProtocolHandler = DurableHandler

    async def _publish_session_retained_messages(self, session: Session) -> None:
        handler = self._get_handler(session)
        if handler is not None:
            await handler.send_queued()

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        subscribers = self._subscriptions.get(subscription[0], [])
        if any(subscriber.client_id == session.client_id for subscriber, _ in subscribers):
            await super()._publish_retained_messages_for_subscription(subscription, session)
