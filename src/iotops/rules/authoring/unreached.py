"""Findings about times in a test that its run, which ends with what is given or expected, never comes to."""

from collections.abc import Iterator, Mapping
from typing import Any

from iotops.durations import format_duration
from iotops.rules.authoring.given import UnusableTest, is_metric, is_time, read_metric, read_offset, read_ranges
from iotops.rules.authoring.scenario import EVERY
from iotops.rules.source.drafts import Draft
from iotops.rules.source.nodes import YamlList, YamlMap, YamlNode, YamlScalar
from iotops.rules.source.plain import plain

_LONGER = "let given or expect go on until then, or write an earlier time"


def check_unreached(draft: Draft, test: YamlMap) -> None:
    """Log restarts, and beginnings of being offline, after the end of a test: they show nothing."""
    times = list(_times(test))
    if not times:
        return
    try:
        _check(draft, plain(draft.log.source, test), times)
    except UnusableTest:
        return  # what cannot be read has an error of its own


def _check(draft: Draft, written: Mapping[str, Any], times: list[tuple[str, YamlScalar]]) -> None:
    end_ms = _end_ms(written)
    wait_ms = read_offset(written.get("shuffle", 0)) + draft.found.get("lateness", 0)
    for key, node in times:
        begins_ms = read_ranges(node.text)[0][0] if key == "offline" else read_offset(node.text)
        judged_ms = wait_ms if key == "restart" else 0  # what waits to be judged lives through a restart, too
        if end_ms is not None and begins_ms > end_ms + judged_ms:
            message = f"the test is over after {format_duration(end_ms)}, before this begins"
            draft.log.add("warning", node.start, node.end, "unreached-time", message, hint=_LONGER)


def _times(test: YamlMap) -> Iterator[tuple[str, YamlScalar]]:
    """Yield the times of `restart` and the spans of `offline`, those below device ids among them."""
    for key in ("restart", "offline"):
        node = test.get(key)
        per_device = [value for _, value in node.entries] if isinstance(node, YamlMap) else [node]
        yield from ((key, each) for value in per_device for each in _scalars(value) if each.text)


def _scalars(node: YamlNode | None) -> Iterator[YamlScalar]:
    for each in node.items if isinstance(node, YamlList) else (node,):
        if isinstance(each, YamlScalar):
            yield each


def _end_ms(written: Mapping[str, Any]) -> int | None:
    """Return when a test ends, None where a recording says so: files are not read here.

    Raises:
        UnusableTest: something of it cannot be read.
    """
    every_ms = read_offset(written.get("every", EVERY))
    ends = list(_expected(written.get("expect")))
    for metric, given in _given(written.get("given")):
        if isinstance(given, Mapping) and "file" in given:
            return None
        ends.append(read_metric(metric, given, every_ms, None).last_ms)
    return max(ends, default=0)


def _given(given: object) -> Iterator[tuple[str, Any]]:
    for name, value in given.items() if isinstance(given, Mapping) else ():
        if is_metric(value):
            yield name, value
        else:
            yield from value.items()


def _expected(expected: object) -> Iterator[int]:
    for key, value in expected.items() if isinstance(expected, Mapping) else ():
        if is_time(key):
            yield read_offset(key)
        else:
            yield from _expected(value)
