"""What a rule's test gives: series strings, maps from time to value, and recorded files, as readings."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from iotops.durations import parse_duration, parse_instant
from iotops.errors import IotopsError
from iotops.telemetry.reading import Value

MAX_SAMPLES: Final = 1_000_000  # 20x9999999999 is a typing error, not a test
_COUNT = re.compile(r"(?P<value>.+?)x(?P<count>\d+)")
_WORDS: Final[Mapping[str, Value | None]] = {"nan": None, "null": None, "true": True, "false": False}


class UnusableTest(IotopsError):
    """A test that cannot be run as written; the text says what was found and what to write."""


@dataclass(frozen=True, slots=True)
class Given:
    """Samples of one metric (offset in ms, value, None for a missing one), and where the last slot is."""

    metric: str
    samples: tuple[tuple[int, Value | None], ...]
    last_ms: int


@dataclass(frozen=True, slots=True)
class GivenDevice:
    """What one device of a test sends, and when it is offline: (from, to) offsets in ms."""

    device: str
    metrics: tuple[Given, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    offline: tuple[tuple[int, int | None], ...] = ()

    @property
    def last_ms(self) -> int:
        """Return the offset of the last slot, `_` among them."""
        return max((given.last_ms for given in self.metrics), default=0)


def read_series(text: str, every_ms: int) -> Given:
    """Return the samples of a series string such as `20x10 _x6 0..60x7 nan`; the metric is left empty.

    `20x10` is exactly ten samples, `_` a slot without one, `0..60x7` seven from 0 to 60, `nan` a missing value.

    Raises:
        UnusableTest: a token that is none of these.
    """
    slots: list[tuple[bool, Value | None]] = []
    for token in text.split():
        found = _COUNT.fullmatch(token)
        body, count = (found["value"], int(found["count"])) if found else (token, 1)
        if len(slots) + count > MAX_SAMPLES:
            msg = f"series {text[:40]!r}: more than {MAX_SAMPLES} samples; write fewer, or a longer every"
            raise UnusableTest(msg)
        slots.extend(_slots(token, body, count))
    samples = tuple((place * every_ms, value) for place, (sent, value) in enumerate(slots) if sent)
    return Given("", samples, max(0, len(slots) - 1) * every_ms)


def read_metric(metric: str, given: Any, every_ms: int, directory: Path | None) -> Given:
    """Return the samples of whatever a test gives for a metric.

    Raises:
        UnusableTest: it is neither a series, nor a map from time to value, nor a file.
    """
    if isinstance(given, Mapping):
        if set(given) == {"file"}:
            found = _recorded(str(given["file"]), directory)
        else:
            found = Given("", tuple(sorted((read_offset(time), value) for time, value in given.items())), 0)
        last_ms = max((at_ms for at_ms, _ in found.samples), default=0)
        return Given(metric, found.samples, last_ms)
    if isinstance(given, str | int | float):
        found = read_series(str(given).lower() if isinstance(given, bool) else str(given), every_ms)
        return Given(metric, found.samples, found.last_ms)
    msg = f"given {metric!r}: expected a series such as 20x10 _x6, or a map from time to value, found {given!r}"
    raise UnusableTest(msg)


def read_offset(text: Any) -> int:
    """Return the milliseconds from the start of a test that a time such as `15m` names.

    Raises:
        UnusableTest: not a duration.
    """
    if text in (0, "0"):
        return 0
    try:
        return parse_duration(str(text))
    except ValueError as error:
        msg = f"time {text!r}: {error}"
        raise UnusableTest(msg) from error


def read_ranges(given: Any) -> tuple[tuple[int, int | None], ...]:
    """Return the spans of `offline:`: `5m-8m`, `5m-` until the end, or a list of such.

    Raises:
        UnusableTest: neither of these.
    """
    if given is None:
        return ()
    texts: Sequence[Any] = given if isinstance(given, list) else [given]
    found = []
    for text in texts:
        begin, dash, end = str(text).partition("-")
        if not dash:
            msg = f"offline {text!r}: expected a span such as 5m-8m"
            raise UnusableTest(msg)
        found.append((read_offset(begin.strip()), read_offset(end.strip()) if end.strip() else None))
    return tuple(found)


def is_metric(given: Any) -> bool:
    """Tell whether what stands under a key of `given` belongs to a metric, not to a device with metrics below."""
    if not isinstance(given, Mapping):
        return True
    return set(given) == {"file"} or (bool(given) and all(is_time(key) for key in given))


def is_time(key: Any) -> bool:
    """Tell whether a key is an offset such as `15m`, not a name."""
    try:
        read_offset(key)
    except UnusableTest:
        return False
    return True


def _slots(token: str, body: str, count: int) -> Iterator[tuple[bool, Value | None]]:
    if body == "_":
        yield from [(False, None)] * count
        return
    if body.lower() in _WORDS:
        yield from [(True, _WORDS[body.lower()])] * count
        return
    first, dots, last = body.partition("..")
    try:
        begin = _number(first)
        end = _number(last) if dots else begin
    except ValueError as error:
        msg = (
            f"{token!r} is not part of a series; write 20x10, _x6, 0..60x7, nan, and texts as a map from time to value"
        )
        raise UnusableTest(msg) from error
    for place in range(count):
        if not dots or count == 1:
            yield True, begin
            continue
        scaled = (end - begin) * place
        step = scaled // (count - 1) if scaled % (count - 1) == 0 else scaled / (count - 1)
        yield True, begin + step


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _recorded(file: str, directory: Path | None) -> Given:
    """Read a recording: a CSV file with a header, time in the first column, the value in the second."""
    path = (directory or Path()) / file
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            rows = [row for row in csv.reader(lines) if row][1:]
        times = [_instant(row[0]) for row in rows]
        samples = tuple((at_ms - times[0], _number(row[1])) for at_ms, row in zip(times, rows, strict=True))
    except (OSError, ValueError, IndexError) as error:
        msg = f"recording {path}: {error}; expected a CSV file with a header, times and numbers"
        raise UnusableTest(msg) from error
    return Given("", samples, 0)


def _instant(text: str) -> int:
    try:
        number = float(text)
    except ValueError:
        return parse_instant(text)
    return round(number if number > 1e11 else number * 1000)  # milliseconds since 1973 or seconds until 5138
