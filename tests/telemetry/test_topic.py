"""Topics: whose message it is, and what it is about."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotops.errors import DecodeError
from iotops.telemetry.topic import Topic, parse_topic


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("iot/s1/d1/telemetry", Topic(("s1", "d1"), "telemetry")),
        ("iot/s1/d1/telemetry/temp", Topic(("s1", "d1"), "telemetry", "temp")),
        ("iot/s1/d1/telemetry/Temperatur außen", Topic(("s1", "d1"), "telemetry", "Temperatur außen")),
        ("iot/s1/d1/status", Topic(("s1", "d1"), "status")),
        ("iot/s1/d1/event", Topic(("s1", "d1"), "event")),
        (f"iot/{'s' * 64}/A-Z_0.9:x/status", Topic(("s" * 64, "A-Z_0.9:x"), "status")),
    ],
)
def test_topic_of_the_convention_names_device_leaf_and_metric(topic, expected):
    """The four kinds of topics say whose they are and what they are about."""
    assert expected == parse_topic(topic)


def test_topic_names_its_site_and_device():
    """Site and device are the second and third level."""
    topic = parse_topic("iot/shop-1/freezer-7/status")

    assert (topic.site, topic.device) == ("shop-1", "freezer-7")


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "iot",
        "iot/s1/d1",
        "iot/s1/d1/command",
        "iot/s1/d1/command/reply",
        "iot/s1/d1/telemetry/a/b",
        "iot/s1/d1/status/x",
        "IOT/s1/d1/telemetry",
        "/iot/s1/d1/telemetry",
        "iot/s1/d1/telemetry\n",
        "$SYS/broker/uptime",
        "a/" * 1_000,
        "x" * 65_535,
    ],
)
def test_topic_outside_the_convention_has_no_mapping(topic):
    """Whatever is not one of the four kinds of topics is refused as `no_mapping`."""
    with pytest.raises(DecodeError) as refused:
        parse_topic(topic)

    assert refused.value.reason == "no_mapping"
    assert len(refused.value.detail) < 1_500


@pytest.mark.parametrize(
    "topic",
    [
        "iot//d1/telemetry",
        "iot/s 1/d1/telemetry",
        f"iot/s1/{'d' * 65}/telemetry",
        "iot/s1/+/status",
        "iot/s1/#/event",
        "iot/s1/'; DROP TABLE devices; --/event",
        "iot/s1/\\xff/telemetry",
        "iot/s1/\u202egnp/status",
        "iot/s1/\uff11\uff12/status",
        "iot/s1/d1/telemetry/",
        "iot/s1/d1/telemetry/a\x07b",
        f"iot/s1/d1/telemetry/{'m' * 129}",
        "iot/s1/d1\n/telemetry",
    ],
)
def test_name_that_cannot_be_kept_is_a_bad_topic(topic):
    """A topic of our shape with a name outside the allowed characters is refused as `bad_topic`."""
    with pytest.raises(DecodeError) as refused:
        parse_topic(topic)

    assert refused.value.reason == "bad_topic"
    assert refused.value.detail.isprintable()


@given(st.text(st.characters(), max_size=200))
def test_any_text_is_a_topic_or_a_named_refusal(text):
    """No topic raises anything but DecodeError."""
    with contextlib.suppress(DecodeError):
        topic = parse_topic(text)

        assert text.startswith(f"iot/{topic.site}/{topic.device}/{topic.leaf}")
