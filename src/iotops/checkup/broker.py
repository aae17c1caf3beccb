"""Whether the broker lets us in and gives us what the ingest needs, asked under a client id of our own."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from iotops.api.listening import is_loopback
from iotops.broker.access import address
from iotops.broker.visit import Visit
from iotops.checkup.check import Check
from iotops.errors import IotopsError, NotOurSession
from iotops.settings import BrokerSettings, Settings, redact
from iotops.wording import counted

_DROPPED = "$SYS/broker/publish/messages/dropped"
_DROPPED_WITHIN_S = 1.0  # it is retained, so it comes with the subscription, or not at all


def check_broker(settings: Settings) -> Iterator[Check]:
    """Connect, subscribe to the ingest's topics, and read how many messages the broker has thrown away."""
    broker = settings.broker
    yield from _in_the_clear(broker)
    try:
        with Visit(broker, "doctor") as visit:
            yield Check("broker", "ok", f"{redact(broker.url.get_secret_value())} lets us in")
            yield _grants(visit, broker)
            yield _dropped(visit)
    except NotOurSession:
        shown = redact(broker.url.get_secret_value())
        found = (
            f"{shown} lets us in but takes us for the ingest: it names clients after their users, so we left at once"
        )
        advice = "for all checks of the broker come as a user of your own that may read the same: IOTOPS_BROKER__URL"
        yield Check("broker", "warning", found, advice)
    except IotopsError as error:
        yield Check("broker", "failed", str(error))  # the text says what to do


def _in_the_clear(broker: BrokerSettings) -> Iterator[Check]:
    url = urlsplit(broker.url.get_secret_value())
    host, _ = address(broker)
    if url.scheme == "mqtt" and url.username and not is_loopback(host):
        found = f"the password for {host} and every message travel in the clear"
        yield Check("broker", "warning", found, "use mqtts:// and broker.ca_file")


def _grants(visit: Visit, broker: BrokerSettings) -> Check:
    denied = visit.subscribe(broker.topics)
    if denied:
        found = ", ".join(f"{topic}: {why}" for topic, why in denied.items())
        return Check("subscription", "failed", f"not granted: {found}", "let our user read these topics")
    return Check("subscription", "ok", f"granted: {', '.join(broker.topics)}")


def _dropped(visit: Visit) -> Check:
    denied = visit.subscribe([_DROPPED], retained=True)
    payload = None if denied else visit.receive(_DROPPED_WITHIN_S)
    if payload is None or not payload.isdigit():
        found = "the broker reports no dropped messages; mosquitto would, to users who may read $SYS"
        return Check("dropped", "ok", found)
    if int(payload):
        found = f"the broker has dropped {counted(int(payload), 'message')} since its start"
        advice = "raise max_queued_messages, or look for subscribers that are gone for good"
        return Check("dropped", "warning", found, advice)
    return Check("dropped", "ok", "the broker has dropped no message since its start")
