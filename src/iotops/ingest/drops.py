"""How many messages the broker has thrown away, where it says so: mosquitto confirms them to devices all the same."""

from collections.abc import Sequence
from operator import attrgetter

from iotops.ingest.receiver import Delivery

DROPPED = "$SYS/broker/publish/messages/dropped"
"""mosquitto's count since its start; others have no such topic."""


class DropWatch:
    """Follows the broker's count over all connections of a receiver.

    Some brokers hang up on whoever asks for what it may not read: a question never answered is not asked again.

    Attributes:
        count: messages thrown away since the broker's start, None where it does not say.
    """

    def __init__(self) -> None:
        self.count: int | None = None
        self._curious = True
        self._open = False

    def asked(self) -> bool:
        """Return whether a connection is to ask, and note that it does."""
        self._open = self._curious
        return self._curious

    def answered(self) -> None:
        """Note an answer, whichever: who may not read the count works on without it."""
        self._open = False

    def ended(self) -> None:
        """Note that the connection is over."""
        self._curious = self._curious and not self._open
        self._open = False

    def sift(self, arrived: list[Delivery]) -> list[Delivery]:
        """Take the counts out of what arrived and return the messages of devices."""
        if all(map(_mid, arrived)) or not any(map(_is_count, arrived)):  # counts come with QoS 0, and so without an id
            return arrived
        self._note([each for each in arrived if _is_count(each)])
        return [each for each in arrived if not _is_count(each)]

    def _note(self, counts: Sequence[Delivery]) -> None:
        newest = counts[-1].message.payload
        self.count = int(newest) if newest.isdigit() else self.count


_mid = attrgetter("mid")


def _is_count(arrived: Delivery) -> bool:
    return not arrived.mid and arrived.message.topic == DROPPED
