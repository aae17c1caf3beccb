"""The table of channels: a new one is one file here and one line below."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from iotops.notify.channels.apprise_services import AppriseServices
from iotops.notify.channels.email import Email
from iotops.notify.channels.logline import LogLine
from iotops.notify.channels.settings import ChannelSettings
from iotops.notify.channels.webhook import Webhook

CHANNELS: Mapping[str, type[ChannelSettings]] = {
    "log": LogLine,
    "email": Email,
    "webhook": Webhook,
    "apprise": AppriseServices,
}
"""The word of `kind` -> what sends; each is its own settings, and has `send(message, now_ms)`."""

Channel = Annotated[LogLine | Email | Webhook | AppriseServices, Field(discriminator="kind")]
