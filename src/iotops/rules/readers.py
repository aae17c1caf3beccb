"""Closures at the leaves of an expression: metrics, events, labels and windows as they stand at a moment."""

from collections.abc import Callable
from typing import Any, Final

from iotops.durations import parse_duration
from iotops.rules.device import FOREVER
from iotops.rules.language.nodes import Window
from iotops.rules.moment import Closure, Moment
from iotops.rules.series import NEVER, STALE_FACTOR, UNKNOWN_EVERY_MS, Series
from iotops.rules.values import NO_EVENT
from iotops.rules.windows import Frame

PRESENCE: Final = "@online"  # the series of `online`; no metric is called that, so none can take its place


def metric_reader(name: str, stale_ms: int | None) -> Closure:
    """Return a closure for a metric's last value; missing once stale."""

    def read(moment: Moment) -> Any:
        series = moment.device.series.get(name)
        if series is None or series.value is None:
            return None
        fresh_ms = stale_ms if stale_ms is not None else STALE_FACTOR * (series.every_ms or UNKNOWN_EVERY_MS)
        return None if moment.edge_ms > series.good_ms + fresh_ms else series.value

    return read


def event_reader(name: str) -> Closure:
    """Return a closure for an event: its value at its instant, no event at others while the device is heard from."""

    def read(moment: Moment) -> Any:
        series = moment.device.series.get(name)
        if series is not None and series.last_ms == moment.at_ms == moment.edge_ms:
            return series.value
        return None if moment.edge_ms > moment.device.heard_until_ms() else NO_EVENT

    return read


def limit_reader(name: str, stale_ms: int | None, *, event: bool) -> Callable[[Moment], int]:
    """Return how to read until when (included) a metric's last good sample is fresh."""
    if name == PRESENCE:
        return lambda _moment: FOREVER
    if event:
        return lambda moment: moment.device.heard_until_ms()

    def read(moment: Moment) -> int:
        series = moment.device.series.get(name)
        if series is None or not series.times:
            return NEVER
        return series.good_ms + (series.stale_ms if stale_ms is None else stale_ms)

    return read


def label_reader(label: str) -> Closure:
    """Return a closure for a label's text; missing where the device has none."""
    return lambda moment: moment.device.facts.labels.get(label)


def quantity(read: Closure) -> Closure:
    """Return a closure that reads a text as a number or a duration (in milliseconds) where it is one."""

    def convert(moment: Moment) -> Any:
        text = read(moment)
        if not isinstance(text, str):
            return text
        for convert_text in (int, float, parse_duration):
            try:
                return convert_text(text)
            except ValueError:
                continue
        return text

    return convert


def window_reader(
    name: str,
    window: Window,
    element: Closure | None,
    limit: Callable[[Moment], int],
    key: Any,
    *,
    truths: bool,
) -> Callable[[Moment], Frame | None]:
    """Return how to reach a window at a moment; None while its metric is stale.

    The window is kept under `key` with the series. Without a key its elements depend on more than the samples
    (`count(x[5] > y)`), and it is made anew from the samples each time: at the cost of its length.
    """

    def frame_of(moment: Moment) -> Frame | None:
        if moment.edge_ms > limit(moment):
            return None
        series = moment.device.series.get(name)
        if series is None:  # an event that never was
            return Frame(Series(), window.span_ms, window.count, _itself, truths=truths)
        frame = series.frames.get(key) if key is not None else None
        if frame is None:
            frame = Frame(series, window.span_ms, window.count, _element(element, moment), truths=truths)
            if key is not None:
                series.frames[key] = frame
        return frame

    return frame_of


def _itself(value: Any) -> Any:
    return value


def _element(element: Closure | None, moment: Moment) -> Callable[[Any], Any]:
    if element is None:
        return _itself

    def of(value: Any) -> Any:
        moment.element = value
        return element(moment)

    return of
