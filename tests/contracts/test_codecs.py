"""What holds for every codec of the table."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotops.errors import DecodeError
from iotops.telemetry.codecs import CODECS, Sample
from iotops.telemetry.decode import REASONS, Limits
from iotops.telemetry.reading import DeviceKey
from iotops.telemetry.topic import Topic

GOOD = {
    "json": (Topic(DeviceKey("s", "d"), "telemetry"), b'{"ts": 1, "t": 1}'),
    "event": (Topic(DeviceKey("s", "d"), "event"), b'{"ts": 1, "event": "door_forced"}'),
    "scalar": (Topic(DeviceKey("s", "d"), "telemetry", "t"), b"23.4"),
    "status": (Topic(DeviceKey("s", "d"), "status"), b'{"state": "online", "type": "pump"}'),
}

each_codec = pytest.mark.parametrize("name", CODECS)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
).map(lambda value: json.dumps(value).encode())


def test_every_codec_has_an_example():
    """A codec that is added to the table joins these tests."""
    assert GOOD.keys() == CODECS.keys()


@each_codec
def test_good_payload_gives_samples_with_values(name):
    """At least one sample comes out, and each has a value."""
    topic, payload = GOOD[name]

    samples = CODECS[name](topic, payload, Limits())

    assert samples
    assert all(isinstance(sample, Sample) and sample.values for sample in samples)


@each_codec
@given(payload=st.binary(max_size=200) | _JSON)
def test_any_bytes_give_samples_or_a_named_reason(name, payload):
    """No codec raises anything but a DecodeError with a reason of the list, and equal bytes give equal samples."""
    topic, _ = GOOD[name]
    try:
        samples = CODECS[name](topic, payload, Limits())
    except DecodeError as refused:
        samples = None
        reason = refused.reason

    if samples is None:
        assert reason in REASONS
    else:
        assert samples == CODECS[name](topic, payload, Limits())


@each_codec
@given(cut=st.integers(0, 60), junk=st.binary(max_size=4))
def test_damaged_payload_is_no_surprise(name, cut, junk):
    """A good payload cut anywhere and continued with anything raises nothing but DecodeError."""
    topic, payload = GOOD[name]

    with contextlib.suppress(DecodeError):
        assert CODECS[name](topic, payload[:cut] + junk, Limits())
