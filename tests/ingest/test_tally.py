"""Every message of a batch is counted once."""

from iotops.ingest.tally import tally
from iotops.telemetry.decode import Decoded
from iotops.telemetry.message import Message
from iotops.telemetry.reading import DeviceKey, Reading

KEY = DeviceKey("s", "d")


def reading(message, *, retained=False):
    return Reading(KEY, 0, 0, {"t": 1}, message=message, retained=retained)


def test_message_with_one_new_reading_is_stored():
    """An array whose second element is new is a stored message, not a duplicate."""
    messages = [Message("t", b"", 0), Message("t", b"", 0, dup=True), Message("t", b"", 0), Message("t", b"", 0)]
    decoded = Decoded((reading(0), reading(0), reading(1), reading(2, retained=True)), (), (3,))

    found = tally(messages, decoded, {0, 2})

    assert found == {
        "messages": 4,
        "readings": 1,
        "stored": 1,
        "duplicates": 1,
        "retained": 1,
        "empty": 1,
        "redelivered": 1,
    }
