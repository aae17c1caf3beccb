"""The many services that the Apprise library knows."""

import importlib
import logging
from typing import Annotated, Literal

from pydantic import Field

from iotops.errors import DeliveryFailed
from iotops.notify.channels.settings import ChannelSettings
from iotops.notify.message import Message
from iotops.notify.secrets import Address

# Its log names addresses with what is secret in them; what went wrong is ours to say.
logging.getLogger("apprise").setLevel(logging.CRITICAL)


class AppriseServices(ChannelSettings):
    """`kind: apprise`. `urls` as Apprise spells them; each service gets every message."""

    kind: Literal["apprise"]
    urls: Annotated[list[Address], Field(min_length=1, max_length=20)]

    def send(self, message: Message, now_ms: int) -> None:  # noqa: ARG002  the same for every channel
        """Send a message to every service; tried again, all of them get it again.

        Raises:
            DeliveryFailed: a service cannot be used, or refuses.
        """
        apprise = importlib.import_module("apprise")  # large, and few have such a channel: nobody else loads it
        services = apprise.Apprise()
        for place, url in enumerate(self.urls, 1):
            if not services.add(url.get_secret_value()):
                msg = f"urls: entry {place} is nothing that Apprise knows"
                raise DeliveryFailed(msg)
        if not services.notify(title=message.subject, body=message.text, body_format=apprise.NotifyFormat.TEXT):
            msg = f"Apprise: at least one of {len(self.urls)} services did not take the message"
            raise DeliveryFailed(msg)
