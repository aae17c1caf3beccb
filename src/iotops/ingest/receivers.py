"""The receivers there are, and how they bring messages in."""

from collections.abc import Mapping
from typing import Any

from iotops.ingest.fast_link import FastLink
from iotops.ingest.link import NewLink
from iotops.ingest.paho_link import PahoLink
from iotops.ingest.session_receiver import SessionReceiver
from iotops.settings import BrokerSettings

LINKS: Mapping[str, NewLink] = {"fast": FastLink, "paho": PahoLink}


def new_receiver(settings: BrokerSettings, **options: Any) -> SessionReceiver:
    """Return the receiver that `broker.receiver` names; options as of `SessionReceiver`."""
    return SessionReceiver(LINKS[settings.receiver], settings, **options)
