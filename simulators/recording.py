"""Recorded CSV files: columns, separators and times as people export them."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from iotops.durations import parse_instant
from iotops.errors import ConfigurationError

TIME_NAMES = ("timestamp", "time", "datetime", "date", "ts")
SEPARATORS = ";\t|,"
SECONDS_BEFORE = 100_000_000_000  # a number below this is Unix seconds (until the year 5138), above it milliseconds


class RecordingError(ConfigurationError):
    """A recording that cannot be used at all; the text says what was found and what to write."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns to read; None and empty: found from the header. `metrics` are the values' names on the wire."""

    time: str | None = None
    values: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    separator: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One recorded line: event time in Unix ms and its values by metric; an empty cell is no value."""

    line: int
    at_ms: int
    values: dict[str, float | int | str]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A line that cannot be used, and why."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.line}: {self.reason}"


def read_recording(file: Path, columns: Columns) -> Iterator[Row | BadRow]:
    """Yield every line after the header, in the file's order, usable or not.

    Raises:
        RecordingError: not readable, no header, or no such column.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            header_line = stream.readline()
            separator = columns.separator or max(SEPARATORS, key=header_line.count)
            header = next(csv.reader([header_line], delimiter=separator), [])
            time_at, value_at = _places(file, [name.strip() for name in header], columns)
            rows = csv.reader(stream, delimiter=separator)
            for cells in rows:
                if cells:
                    yield _row(rows.line_num + 1, cells, len(header), time_at, value_at)
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{file}: cannot be read as UTF-8 text ({error})"
        raise RecordingError(msg) from error


def _places(file: Path, header: list[str], columns: Columns) -> tuple[int, dict[str, int]]:
    """Return where the time stands, and metric -> where its values stand."""
    if len(header) < 2:
        msg = f"{file}: expected a header with a time and a value column, found {header}; is --separator right?"
        raise RecordingError(msg)
    known = {name.lower(): name for name in header}
    time = columns.time or next((known[name] for name in TIME_NAMES if name in known), header[0])
    values = columns.values or tuple(name for name in header if name != time)
    for name in (time, *values):
        if name not in header:
            msg = f"{file}: no column {name!r}; there are {', '.join(header)}"
            raise RecordingError(msg)
    metrics = columns.metrics or values
    if len(metrics) != len(values):
        msg = (
            f"{file}: {len(values)} value columns ({', '.join(values)}) and {len(metrics)} metric names; give one each"
        )
        raise RecordingError(msg)
    return header.index(time), {metric: header.index(name) for metric, name in zip(metrics, values, strict=True)}


def _row(line: int, cells: list[str], width: int, time_at: int, value_at: dict[str, int]) -> Row | BadRow:
    if len(cells) != width:
        return BadRow(line, f"{len(cells)} cells where the header has {width}")
    try:
        at_ms = _instant(cells[time_at].strip())
    except ValueError as error:
        return BadRow(line, str(error))
    values = {metric: _value(cells[place].strip()) for metric, place in value_at.items() if cells[place].strip()}
    if not values:
        return BadRow(line, "no value in any of the value columns")
    if broken := next((metric for metric, value in values.items() if value != value or value in _INFINITE), None):  # noqa: PLR0124  NaN
        return BadRow(line, f"{broken} is not a finite number")
    return Row(line, at_ms, values)


_INFINITE = (float("inf"), float("-inf"))


def _instant(text: str) -> int:
    try:
        number = float(text)
    except ValueError:
        return parse_instant(text)
    return round(number if abs(number) >= SECONDS_BEFORE else number * 1000)


def _value(text: str) -> float | int | str:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text
