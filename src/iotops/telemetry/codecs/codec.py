"""What a codec is: a function from one payload to what it says."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from iotops.telemetry.limits import Limits
from iotops.telemetry.reading import Value
from iotops.telemetry.topic import Topic


class Sample(NamedTuple):
    """What a payload says at one instant, before anything is known of when and how it arrived.

    `sent_ms` is the event time as sent, Unix milliseconds, None where none was sent. `content` is what the sample
    was read from, as JSON values: equal contents are the same sample.
    """

    values: Mapping[str, Value | None]
    content: Any
    sent_ms: int | None = None
    boot: str | None = None
    seq: int | None = None
    labels: Mapping[str, str] | None = None


class Codec(Protocol):
    """A function from a payload to its samples, at least one, in the payload's order. Pure: equal in, equal out."""

    def __call__(self, topic: Topic, payload: bytes, limits: Limits) -> Sequence[Sample]:
        """Return what the payload says.

        Raises:
            DecodeError: with one of `iotops.telemetry.decode.REASONS`, and nothing else.
        """
