"""Event times: seconds, milliseconds, RFC 3339."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotops.errors import DecodeError
from iotops.telemetry.instant import event_time_ms


@pytest.mark.parametrize(
    ("found", "expected_ms"),
    [
        (None, None),
        (0, 0),
        (-1, -1_000),
        (1_767_225_600, 1_767_225_600_000),
        (1_767_225_600.123, 1_767_225_600_123),
        (1_767_225_600_123, 1_767_225_600_123),
        (1_767_225_600_123.7, 1_767_225_600_124),
        (99_999_999_999, 99_999_999_999_000),
        (100_000_000_000, 100_000_000_000),
        ("2026-01-01T00:00:00Z", 1_767_225_600_000),
        ("2026-01-01t00:00:00z", 1_767_225_600_000),
        ("2026-01-01 00:00:00", 1_767_225_600_000),
        ("2026-01-01T01:00:00+01:00", 1_767_225_600_000),
        ("2025-12-31T18:30:00.5-05:30", 1_767_225_600_500),
        ("2026-01-01T00:00:00.123456789Z", 1_767_225_600_123),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ("1969-12-31T23:59:59.250Z", -750),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
    ],
)
def test_time_in_any_allowed_form_is_milliseconds(found, expected_ms):
    """Seconds, milliseconds and RFC 3339 give the same count; a string without an offset is UTC."""
    assert expected_ms == event_time_ms(found)


@pytest.mark.parametrize(
    "found",
    [
        True,
        False,
        "",
        "now",
        "1767225600",
        "2026-01-01",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00+25:00",
        "2026-01-01T00:00:00Z\n",
        "\uff12\uff10\uff12\uff16-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        1e308,
        -1e308,
        253_402_300_800_000,
        1_767_225_600_000_000,
        2**70,
        [],
        {},
    ],
)
def test_time_in_no_allowed_form_is_refused(found):
    """Truth values, microseconds, days, numbers in strings and times outside the years 1-9999 are `bad_time`."""
    with pytest.raises(DecodeError) as refused:
        event_time_ms(found)

    assert refused.value.reason == "bad_time"


@given(
    at=st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)),  # noqa: DTZ001  hypothesis wants naive bounds
    offset_minutes=st.integers(-23 * 60, 23 * 60),
)
def test_every_written_time_is_read_as_python_reads_it(at, offset_minutes):
    """Our reader of RFC 3339 agrees with the standard library's, cut to milliseconds."""
    sign = "-" if offset_minutes < 0 else "+"
    offset = f"{sign}{abs(offset_minutes) // 60:02d}:{abs(offset_minutes) % 60:02d}"
    expected = (datetime.fromisoformat(f"{at.isoformat()}{offset}") - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        milliseconds=1
    )

    assert expected == event_time_ms(f"{at.isoformat()}{offset}")
