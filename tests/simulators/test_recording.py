"""Recorded CSV files."""

import pytest

from simulators.recording import BadRow, Columns, RecordingError, Row, read_recording


def rows(tmp_path, text, **columns):
    file = tmp_path / "r.csv"
    file.write_text(text, encoding="utf-8")
    return list(read_recording(file, Columns(**columns)))


def test_time_and_values_are_found_from_the_header(tmp_path):
    """A column called timestamp is the time, every other one a value."""
    found = rows(tmp_path, "timestamp,value\n2013-12-02 21:15:00,73.5\n2013-12-02 21:20:00,74\n")

    assert found == [Row(2, 1_386_018_900_000, {"value": 73.5}), Row(3, 1_386_019_200_000, {"value": 74})]


def test_separator_is_found_and_columns_can_be_chosen_and_renamed(tmp_path):
    """Semicolons are recognised; names with spaces get names for the wire."""
    text = "datetime;Flow RateRMS;Pressure;anomaly\n2020-02-08 13:30:47;122.6;0.38;0.0\n"

    found = rows(tmp_path, text, values=("Flow RateRMS", "Pressure"), metrics=("flow", "pressure"))

    assert found == [Row(2, 1_581_168_647_000, {"flow": 122.6, "pressure": 0.38})]


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("1386018900", 1_386_018_900_000),
        ("1386018900.5", 1_386_018_900_500),
        ("1386018900000", 1_386_018_900_000),
        ("2013-12-02T21:15:00Z", 1_386_018_900_000),
        ("2013-12-02T22:15:00+01:00", 1_386_018_900_000),
        ("2013-12-02 21:15:00.250", 1_386_018_900_250),
    ],
)
def test_times_as_people_export_them(tmp_path, text, at_ms):
    """Unix seconds, milliseconds and ISO 8601 with and without an offset are instants."""
    (row,) = rows(tmp_path, f"t,v\n{text},1\n", time="t")

    assert row.at_ms == at_ms


def test_bad_rows_are_named_by_line_and_do_not_stop_the_others(tmp_path):
    """Nothing is dropped silently: each unusable line is reported with its number and reason."""
    text = "time,a,b\n2020-01-01,1,2\nyesterday,1,2\n2020-01-02,1\n\n2020-01-03,,\n2020-01-04,nan,1\n2020-01-05,,open\n"

    found = rows(tmp_path, text)

    assert [(row.line, row.reason) for row in found if isinstance(row, BadRow)] == [
        (3, "'yesterday' is not a time; write RFC 3339, for instance 2026-01-01T00:00:00Z"),
        (4, "2 cells where the header has 3"),
        (6, "no value in any of the value columns"),
        (7, "a is not a finite number"),
    ]
    assert [row.values for row in found if isinstance(row, Row)] == [{"a": 1, "b": 2}, {"b": "open"}]


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        ("value\n1\n", {}, "expected a header with a time and a value column, found"),
        ("", {}, "expected a header"),
        ("time,v\n", {"time": "when"}, "no column 'when'; there are time, v"),
        ("time,v\n", {"values": ("w",)}, "no column 'w'; there are time, v"),
        ("time,v\n", {"metrics": ("a", "b")}, "1 value columns (v) and 2 metric names"),
    ],
)
def test_unusable_file_says_why(tmp_path, text, columns, expected):
    """A wrong header is one error, not thousands of bad rows."""
    with pytest.raises(RecordingError) as caught:
        rows(tmp_path, text, **columns)

    assert expected in str(caught.value)
