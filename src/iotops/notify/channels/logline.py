"""A line in the log of the process, for where nobody has set up anything else."""

import logging
from typing import Literal

from iotops.notify.channels.settings import ChannelSettings
from iotops.notify.message import Message

LOG = logging.getLogger(__name__)


class LogLine(ChannelSettings):
    """`kind: log`."""

    kind: Literal["log"] = "log"

    def send(self, message: Message, now_ms: int) -> None:  # noqa: ARG002  the same for every channel
        """Write every line of a message."""
        for line in message.text.splitlines():
            LOG.info("notification %s: %s", message.key, line)
