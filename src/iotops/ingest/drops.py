"""How many messages the broker has thrown away, where it says so: mosquitto confirms them to devices all the same."""

from collections.abc import Sequence

from iotops.ingest.frames import Frame

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

    def sift(self, frames: list[Frame]) -> list[Frame]:
        """Take the counts out of what arrived and return the messages of devices."""
        if not any(map(_is_count, frames)):
            return frames
        self._note([frame for frame in frames if _is_count(frame)])
        return [frame for frame in frames if not _is_count(frame)]

    def _note(self, counts: Sequence[Frame]) -> None:
        newest = counts[-1].payload
        self.count = int(newest) if newest.isdigit() else self.count


def _is_count(frame: Frame) -> bool:
    return not frame.qos and frame.topic == DROPPED.encode()
