"""Codec `event`: something happened, named by the text member `event`."""

from iotops.errors import DecodeError
from iotops.telemetry.codecs.codec import Sample
from iotops.telemetry.codecs.telemetry_json import decode_json
from iotops.telemetry.limits import Limits
from iotops.telemetry.topic import Topic


def decode_event(topic: Topic, payload: bytes, limits: Limits) -> list[Sample]:
    """Return samples as `decode_json` does, each of which has a text metric `event`.

    Raises:
        DecodeError: `bad_event` where it is missing, empty or not text; and what `decode_json` raises.
    """
    samples = decode_json(topic, payload, limits)
    for sample in samples:
        event = sample.values.get("event")
        if type(event) is not str or not event.strip():
            raise DecodeError(
                "bad_event", f"event is {ascii(event)[:80]}; expected its name as text, such as 'door_forced'"
            )
    return samples
