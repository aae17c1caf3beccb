"""Why a message cannot be used: the fixed list, each reason with its meaning."""

from collections.abc import Mapping
from types import MappingProxyType

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "no_mapping": "the topic is not iot/SITE/DEVICE/ and then telemetry, telemetry/METRIC, status or event",
        "bad_topic": "the topic has the right shape, but its site, device or metric is not a name that can be kept",
        "too_large": "the payload is longer than `max_payload_bytes`",
        "empty": "the payload is empty, or holds no reading, or a reading without any metric",
        "bad_utf8": "the payload is not UTF-8",
        "bad_json": "the payload is not JSON as RFC 8259 has it",
        "too_deep": "objects are nested deeper than `max_depth`",
        "too_many_fields": "one message names more than `max_metrics` metrics",
        "too_many_readings": "one array holds more than `max_readings` readings",
        "nan_inf": "a number is NaN or infinite, or grows infinite when read (1e999)",
        "out_of_range_int": "an integer does not fit into 64 bits with sign",
        "bad_type": "a member has a type that it cannot have, such as an array as a value",
        "bad_time": "`ts` is neither Unix seconds or milliseconds nor an RFC 3339 string of the years 1 to 9999",
        "bad_name": "a metric's name is empty, too long, not printable, or one of ours (`@online`, `@clock_ahead`)",
        "bad_text": "a text holds the character NUL, which PostgreSQL cannot keep",
        "text_too_long": "a text is longer than `max_text_chars`",
        "bad_scalar": "an object or an array stands where a bare value belongs",
        "bad_event": "an event has no member `event` with a text in it",
        "bad_status": "a status is neither `online` nor `offline`",
        "device_limit": "one device more than `max_devices`",
        "metric_limit": "one metric of this device more than `max_metrics_per_device`",
        "db_constraint": "the database refuses this reading whenever it is tried",
        "decoder_fault": "the decoder itself failed; please report it with the payload",
    }
)
"""Reason -> what it means. The decoder, the pipeline and the store use these and no others; each has a counter."""
