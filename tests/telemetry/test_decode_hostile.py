"""What hostile or broken devices send: refused with a named reason, or kept in a form that every database takes."""

import json
import sqlite3

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iotops.telemetry.decode import REASONS, Limits, decode_all
from iotops.telemetry.message import Message

SCALAR = "iot/s1/d1/telemetry/x"
EVENT = "iot/s1/d1/event"
STATUS = "iot/s1/d1/status"
JSON = "iot/s1/d1/telemetry"


def outcome(payload, topic=JSON, limits=None):
    decoded = decode_all([Message(topic, payload, 1_767_225_600_000)], limits or Limits())
    return [letter.reason for letter in decoded.dead_letters] or [dict(reading.values) for reading in decoded.readings]


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        (JSON, b"", "empty"),
        (JSON, b"[]", "empty"),
        (JSON, b"{}", "empty"),
        (JSON, b'{"ts": 5, "seq": 1}', "empty"),
        (JSON, b'{"a": {}}', "empty"),
        (JSON, b" ", "bad_json"),
        (JSON, b"x", "bad_json"),
        (JSON, b"{", "bad_json"),
        (JSON, b'{"t": 1,}', "bad_json"),
        (JSON, b'{"t": 1} {}', "bad_json"),
        (JSON, b'{"t": 01}', "bad_json"),
        (JSON, b"{'t': 1}", "bad_json"),
        (JSON, b'{"t": 1_000}', "bad_json"),
        (JSON, b'{"t": +1}', "bad_json"),
        (JSON, b'{"t": 0x10}', "bad_json"),
        (JSON, '{"t": \uff11}'.encode(), "bad_json"),
        (JSON, b'{"t": "a\nb"}', "bad_json"),
        (JSON, b'{"t": 1}\x00', "bad_json"),
        (JSON, b'\xef\xbb\xbf{"t": 1}', "bad_json"),
        (JSON, b'{"t": "\\ud800"}', "bad_json"),
        (JSON, b'{"\\udc00": 1}', "bad_json"),
        (JSON, b'{"t": "\\ude00\\ud83d"}', "bad_json"),
        (JSON, '{"t": 1}'.encode("utf-16"), "bad_utf8"),
        (JSON, '{"t": 1}'.encode("utf-16-le"), "bad_json"),
        (JSON, b'{"t": "\xff"}', "bad_utf8"),
        (JSON, b'{"\xff": 1}', "bad_utf8"),
        (JSON, b'{"t": "\xed\xa0\x80"}', "bad_utf8"),
        (JSON, b'{"t": "\xc0\x80"}', "bad_utf8"),
        (JSON, b'{"t": "\\u0000"}', "bad_text"),
        (JSON, b'{"t\\u0000": 1}', "bad_name"),
        (JSON, b'{"": 1}', "bad_name"),
        (JSON, b'{"a": {"": 1}}', "bad_name"),
        (JSON, b'{"a\\nb": 1}', "bad_name"),
        (JSON, '{"\u202egnp": 1}'.encode(), "bad_name"),
        (JSON, b'{"' + b"n" * 129 + b'": 1}', "bad_name"),
        (JSON, b'{"' + b"n" * 65 + b'": {"' + b"m" * 65 + b'": 1}}', "bad_name"),
        (JSON, b'{"t": "' + b"x" * 1_025 + b'"}', "text_too_long"),
        (JSON, b'{"t": NaN}', "nan_inf"),
        (JSON, b'{"t": Infinity}', "nan_inf"),
        (JSON, b'{"t": -Infinity}', "nan_inf"),
        (JSON, b'{"t": 1e999}', "nan_inf"),
        (JSON, b'{"t": -1e999}', "nan_inf"),
        (JSON, b'{"t": 9223372036854775808}', "out_of_range_int"),
        (JSON, b'{"t": -9223372036854775809}', "out_of_range_int"),
        (JSON, b'{"t": ' + b"9" * 5_000 + b"}", "out_of_range_int"),
        (JSON, b'{"t": 1, "seq": 9223372036854775808}', "out_of_range_int"),
        (JSON, b'{"t": 1, "boot": 9223372036854775808}', "out_of_range_int"),
        (JSON, b'{"t": 1, "seq": 1.0}', "bad_type"),
        (JSON, b'{"t": 1, "seq": true}', "bad_type"),
        (JSON, b'{"t": 1, "seq": "1"}', "bad_type"),
        (JSON, b'{"t": 1, "boot": ""}', "bad_type"),
        (JSON, b'{"t": 1, "boot": true}', "bad_type"),
        (JSON, b'{"t": 1, "boot": "' + b"b" * 65 + b'"}', "bad_type"),
        (JSON, b'{"t": 1, "boot": "\\u0000"}', "bad_text"),
        (JSON, b'{"t": 1, "ts": true}', "bad_time"),
        (JSON, b'{"t": 1, "ts": "yesterday"}', "bad_time"),
        (JSON, b'{"t": 1, "ts": [1]}', "bad_time"),
        (JSON, b'{"t": [1, 2]}', "bad_type"),
        (JSON, b"5", "bad_type"),
        (JSON, b"null", "bad_type"),
        (JSON, b'"text"', "bad_type"),
        (JSON, b"[1]", "bad_type"),
        (JSON, b"[[]]", "bad_type"),
        (JSON, b"[" * 100_000, "too_deep"),
        (JSON, b'{"a":' * 40_000 + b"1" + b"}" * 40_000, "too_deep"),
        (JSON, b'{"a":' * 9 + b"1" + b"}" * 9, "too_deep"),
        (JSON, b"[" + b"{}," * 1_000 + b"{}]", "too_many_readings"),
        (JSON, json.dumps({f"m{i}": i for i in range(10_001)}).encode(), "too_many_fields"),
        (JSON, json.dumps([{f"m{i}": i for i in range(6_000)}] * 2).encode(), "too_many_fields"),
        (JSON, b" " * 262_145, "too_large"),
        (SCALAR, b"", "empty"),
        (SCALAR, b" \n", "empty"),
        (SCALAR, b"nan", "nan_inf"),
        (SCALAR, b" NaN ", "nan_inf"),
        (SCALAR, b"-inf", "nan_inf"),
        (SCALAR, b"Infinity", "nan_inf"),
        (SCALAR, b"1e999", "nan_inf"),
        (SCALAR, b"9223372036854775808", "out_of_range_int"),
        (SCALAR, b"9" * 5_000, "out_of_range_int"),
        (SCALAR, b'{"t": 1}', "bad_scalar"),
        (SCALAR, b"[1]", "bad_scalar"),
        (SCALAR, b"\xff", "bad_utf8"),
        (SCALAR, b"a\x00b", "bad_text"),
        (SCALAR, b'"a\\u0000b"', "bad_text"),
        (SCALAR, b"x" * 1_025, "text_too_long"),
        (EVENT, b'{"ts": 1}', "empty"),
        (EVENT, b'{"t": 1}', "bad_event"),
        (EVENT, b'{"event": 5}', "bad_event"),
        (EVENT, b'{"event": " "}', "bad_event"),
        (EVENT, b'[{"event": "a"}, {"event": null}]', "bad_event"),
        (EVENT, b"door_forced", "bad_json"),
        (STATUS, b"up", "bad_status"),
        (STATUS, b'""', "bad_status"),
        (STATUS, b"true", "bad_status"),
        (STATUS, b'{"state": true}', "bad_status"),
        (STATUS, b'{"type": "x"}', "bad_status"),
        (STATUS, b'[{"state": "online"}, {"state": "offline"}]', "bad_status"),
        (STATUS, b"\xff", "bad_utf8"),
        (STATUS, b'{"state": "online", "type": "\\u0000"}', "bad_text"),
        (STATUS, b'{"state": "online", "": "x"}', "bad_name"),
        (STATUS, b'{"state": "online", "ts": "now"}', "bad_time"),
        (STATUS, b" ", "empty"),
        (STATUS, b'{"state": "online", "type": "' + b"x" * 257 + b'"}', "text_too_long"),
        (STATUS, b'{"state": "online", "' + b"n" * 65 + b'": "x"}', "text_too_long"),
        (STATUS, json.dumps({"state": "online"} | {f"l{i}": "x" for i in range(33)}).encode(), "too_many_fields"),
        ("iot/s1/d1/command", b"{}", "no_mapping"),
        ("iot/s 1/d1/telemetry", b"{}", "bad_topic"),
    ],
)
def test_broken_payload_is_one_dead_letter_with_its_reason(topic, payload, reason):
    """Each kind of broken payload has its own reason."""
    assert outcome(payload, topic) == [reason]


@pytest.mark.parametrize(
    ("payload", "values"),
    [
        (b'{"t": 1, "t": 2}', {"t": 2}),
        (b'{"a": {"b": 1}, "a.b": 2}', {"a.b": 2}),
        (b'{"t": 9223372036854775807}', {"t": 2**63 - 1}),
        (b'{"t": -9223372036854775808}', {"t": -(2**63)}),
        (b'{"t": 1e-999}', {"t": 0.0}),
        (b'{"t": 12345678901234567890.0}', {"t": 12345678901234567890.0}),
        (b'{"t": "\\ud83d\\ude00"}', {"t": "\U0001f600"}),
        (b'{"t": true}', {"t": True}),
        (b'{"t": ""}', {"t": ""}),
        (b'{"t": "<img src=x onerror=alert(1)>"}', {"t": "<img src=x onerror=alert(1)>"}),
        (b'{"a":' * 8 + b"1" + b"}" * 8, {"a.a.a.a.a.a.a.a": 1}),
    ],
)
def test_odd_payload_is_coerced_as_documented(payload, values):
    """The last of equal names counts; the rest of what JSON allows and both databases keep is kept."""
    (found,) = outcome(payload)

    assert found == values
    assert [type(value) for value in found.values()] == [type(value) for value in values.values()]


_HOSTILE_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
).map(lambda value: json.dumps(value).encode())
_TOPICS = st.sampled_from([JSON, SCALAR, EVENT, STATUS]) | st.text(max_size=40)


@given(topic=_TOPICS, payload=st.binary(max_size=300) | _HOSTILE_JSON, retain=st.booleans())
@example(topic=JSON, payload=b'{"ts": -1e11, "t": -0.0}', retain=False)
def test_any_bytes_are_wholly_stored_or_one_dead_letter(topic, payload, retain):
    """Whatever arrives is exactly one of readings, dead letter or deletion, and what is read binds on SQLite."""
    decoded = decode_all([Message(topic, payload, 1_767_225_600_000, retain=retain)], Limits())

    assert bool(decoded.readings) + len(decoded.dead_letters) + len(decoded.empty) == 1
    assert all(letter.reason in REASONS and letter.detail.isprintable() for letter in decoded.dead_letters)
    for reading in decoded.readings:
        rows = [(reading.at_ms, reading.seq, reading.boot, name, value) for name, value in reading.values.items()]
        with sqlite3.connect(":memory:") as database:
            database.execute("CREATE TABLE v (at_ms INT, seq INT, boot TEXT, name TEXT, value)")
            database.executemany("INSERT INTO v VALUES (?, ?, ?, ?, ?)", rows)
            kept = database.execute("SELECT name, value FROM v").fetchall()
        database.close()
        assert [(name, value) for *_, name, value in rows] == kept
        assert not any("\0" in text for row in rows for text in row if isinstance(text, str))
