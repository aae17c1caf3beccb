"""What became of the messages of one batch, in messages."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from iotops.telemetry.decode import Decoded
from iotops.telemetry.message import Message


def tally(messages: Sequence[Message], decoded: Decoded, repeated: Collection[int]) -> Mapping[str, int]:
    """Count a batch's messages: each is exactly one of stored, duplicates, dead_lettered, retained and empty.

    Args:
        messages: of the batch.
        decoded: what they hold.
        repeated: rows of `decoded.readings` that were stored before; a message is a duplicate if all of its are.

    Returns:
        The counts that are not 0; beside the five, `messages`, `readings` (newly stored) and `redelivered` (sent to us
        before, as far as the broker knows).
    """
    fresh: set[int] = set()
    known: set[int] = set()
    retained: set[int] = set()
    readings = 0
    for row, reading in enumerate(decoded.readings):
        if reading.retained:
            retained.add(reading.message)
        elif row in repeated:
            known.add(reading.message)
        else:
            fresh.add(reading.message)
            readings += 1
    found = Counter(
        messages=len(messages),
        readings=readings,
        stored=len(fresh),
        duplicates=len(known - fresh),
        dead_lettered=len(decoded.dead_letters),
        retained=len(retained),
        empty=len(decoded.empty),
        redelivered=sum(message.dup for message in messages),
    )
    return {name: count for name, count in found.items() if count}
