"""Charts that the server draws: what stands where, gaps, limits, marks, and text that stays text."""

import re
from datetime import UTC
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest

from iotops.console.buckets import buckets_of, usual_gap_ms
from iotops.console.chart import HEIGHT, LEFT, RIGHT, WIDTH, Band, Bucket, Chart, Mark, draw
from iotops.console.sparkline import sparkline
from iotops.console.views.course import span
from iotops.durations import format_instant

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
NOW_MS = 1_767_225_600_000


def bucket(minute: int, value: float) -> Bucket:
    return Bucket(NOW_MS + minute * MINUTE_MS, value - 1, value, value + 1)


def drawn(**members) -> ET.Element:
    chart = Chart(NOW_MS, NOW_MS + HOUR_MS, members.pop("buckets", [bucket(0, 1), bucket(60, 5)]), HOUR_MS, **members)
    return ET.fromstring(draw(chart, "what <it> shows", UTC))


def of_class(root: ET.Element, name: str) -> list[ET.Element]:
    return [each for each in root.iter() if name in (each.get("class") or "").split()]


def test_a_line_goes_from_edge_to_edge_and_from_low_to_high():
    """The first value at the left, the last at the right, the greater one above."""
    (line,) = of_class(drawn(), "line")
    (x1, y1), (x2, y2) = [tuple(map(float, pair.split(","))) for pair in line.get("points").split()]

    assert (x1, x2) == (LEFT, WIDTH - RIGHT)
    assert HEIGHT > y1 > y2 > 0


def test_a_gap_is_not_drawn_through():
    """Where nothing was heard there is no line; a value alone is a dot."""
    buckets = [bucket(0, 1), bucket(1, 2), bucket(50, 3)]
    chart = Chart(NOW_MS, NOW_MS + HOUR_MS, buckets, 5 * MINUTE_MS)
    root = ET.fromstring(draw(chart, "", UTC))

    assert [len(line.get("points").split()) for line in of_class(root, "line")] == [2]
    assert len(of_class(root, "dot")) == 1


def test_limits_near_the_values_are_in_sight_and_far_ones_do_not_flatten_them():
    """A limit widens the height only where the values can still be read."""
    root = drawn(limits=[(8, "warn 8"), (9_000, "limit 9000")])

    assert [each.text for each in of_class(root, "limit-name")] == ["warn 8"]


def test_marks_and_bands_stand_where_they_were_and_what_lies_outside_is_left_out():
    """A change without an end reaches to the edge; one before the chart is not shown."""
    half_ms = NOW_MS + HOUR_MS // 2
    root = drawn(
        bands=[Band(half_ms, None, "change", "CHG-1 <b>"), Band(0, 1, "maintenance", "long ago")],
        marks=[Mark(half_ms, "raise", "raised"), Mark(NOW_MS - 1, "clear", "cleared")],
    )
    (band,), (mark,) = of_class(root, "band"), of_class(root, "at")
    rect = band.find("{*}rect") if band.find("rect") is None else band.find("rect")

    middle = LEFT + (WIDTH - LEFT - RIGHT) / 2
    assert (float(rect.get("x")), float(rect.get("x")) + float(rect.get("width"))) == (middle, WIDTH - RIGHT)
    assert band.find("title").text == "CHG-1 <b>"
    assert mark.find("path").get("d").startswith(f"M{middle:.1f} ")


def test_a_flat_line_has_a_height_and_the_clock_is_that_of_the_zone():
    """One value throughout is no division by nothing."""
    root = drawn(buckets=[Bucket(NOW_MS, 3, 3, 3), Bucket(NOW_MS + HOUR_MS, 3, 3, 3)], unit="°C")
    ticks = [each.text for each in of_class(root, "tick")]

    assert "3" in "".join(ticks)
    assert {"00:00", "00:30", "01:00", "°C"} <= set(ticks)


def test_a_sparkline_fits_its_box_and_says_nothing_where_there_is_nothing():
    """Points within the image, a mark inside the span only, a dash without points."""
    image = sparkline([(0, 5), (30, 9), (60, 7)], 0, 60, mark=30)
    pairs = re.search(r'points="([^"]+)"', image)[1].split()

    assert all(0 <= float(x) <= 96 and 0 <= float(y) <= 24 for x, y in (pair.split(",") for pair in pairs))
    assert ("dasharray" in image, "dasharray" in sparkline([(0, 5)], 0, 60, mark=99)) == (True, False)
    assert "polyline" not in sparkline([], 0, 60)
    assert sparkline([(0, 5), (60, 5)], 0, 60).count(",12.0") == 2


@pytest.mark.parametrize(
    ("fired_ago", "resolved_ago", "shown"),
    [
        (20, None, (-120, 0)),
        (600, None, (-660, -540)),
        (100, 10, (-130, 0)),
        (600, 100, (-630, -85)),
        (6_000, 10, (-6_060, -5_940)),
    ],
)
def test_the_chart_shows_the_raising_and_where_it_can_the_end(fired_ago, resolved_ago, shown):
    """Two hours around the raising, more where that shows the end, but never more than a day; minutes from now."""
    incident = {
        "fired_at": format_instant(NOW_MS - fired_ago * MINUTE_MS),
        "resolved_at": None if resolved_ago is None else format_instant(NOW_MS - resolved_ago * MINUTE_MS),
    }

    found = span(incident, NOW_MS)

    assert tuple(round((edge - NOW_MS) / MINUTE_MS) for edge in found) == shown


def pictured(points, *, days=0.0, zone=UTC):
    buckets = buckets_of(points)
    end_ms = NOW_MS + round(days * 86_400_000) if days else buckets[-1].at_ms
    return draw(Chart(NOW_MS, end_ms, buckets, usual_gap_ms(buckets)), "it", zone)


def measured(*values, every_ms=60_000):
    return [[format_instant(NOW_MS + place * every_ms), value] for place, value in enumerate(values)]


@pytest.mark.parametrize("points", [[], measured("open"), [*measured(1.0, 2.0), *measured("open")]])
def test_text_has_no_buckets_and_nothing_has_none(points):
    """A metric that is a word now and then is told in words."""
    assert buckets_of(points) == []


def test_a_line_is_drawn_anew_where_three_times_as_long_as_usual_nothing_came():
    """What comes every ten minutes is a line as much as what comes every second."""
    assert pictured(measured(1.0, 2.0, 3.0, every_ms=600_000)).count("<polyline") == 1
    late = [[format_instant(NOW_MS + HOUR_MS + place), 0.0, 1.0, 2.0, 5] for place in (0, MINUTE_MS)]
    assert pictured([*measured(1.0, 2.0, 3.0), *late]).count("<polyline") == 2


@pytest.mark.parametrize("value", [0, 1.7e308, -7.25, True, 5e-324])
def test_any_value_that_never_changes_is_a_line(value):
    """Neither a division by zero, nor an endless grid, nor a number longer than its room."""
    image = pictured(measured(value, value, value))
    ticks = re.findall(r'text-anchor="end">([^<]*)<', image)

    assert 1 <= len(ticks) <= 12
    assert max(map(len, ticks)) <= 10
    assert not {"inf", "nan"} & set(re.findall(r"inf|nan", image))


@pytest.mark.parametrize(("days", "told"), [(30, "3 Jan"), (400, "16 Feb"), (3, "2 Jan 12:00")])
def test_months_are_told_by_days_that_begin_where_the_visitor_is(days, told):
    """Few enough to be read, whatever the range."""
    image = pictured(measured(1.0, 2.0), days=days, zone=ZoneInfo("Asia/Kolkata"))
    ticks = re.findall(r'text-anchor="middle">([^<]*)<', image)

    assert told in ticks
    assert 3 <= len(ticks) <= 9
