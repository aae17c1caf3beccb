"""How a service stands: what counts before what, and how days add up."""

import pytest

from iotops.incidents.service_status import DAY_MS, Sight, Span, days, judge
from iotops.rules.rule import Severity

CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING


@pytest.mark.parametrize(
    ("sight", "state"),
    [
        (Sight(devices=10), "operational"),
        (Sight(devices=10, unheard=4), "operational"),
        (Sight(devices=10, unheard=5), "unknown"),
        (Sight(), "unknown"),
        (Sight(devices=10, blind=True), "unknown"),
        (Sight(devices=10, affected=1, severity=WARNING), "degraded"),
        (Sight(devices=10, affected=9, severity=WARNING), "degraded"),
        (Sight(devices=10, affected=4, critical=4, severity=CRITICAL), "degraded"),
        (Sight(devices=10, affected=5, critical=5, severity=CRITICAL), "outage"),
        (Sight(severity=CRITICAL), "outage"),
        (Sight(severity=WARNING), "degraded"),
        (Sight(devices=10, maintained=5, unheard=10), "maintenance"),
        (Sight(devices=10, maintained=4, unheard=10), "unknown"),
        (Sight(devices=10, in_maintenance=True, affected=9, severity=WARNING), "maintenance"),
        (Sight(devices=10, in_maintenance=True, affected=5, critical=5, severity=CRITICAL), "outage"),
        (Sight(devices=10, affected=1, severity=WARNING, blind=True), "degraded"),
    ],
)
def test_the_worst_that_is_known_counts_and_silence_is_never_health(sight, state):
    """Outage before maintenance before trouble before not knowing; operational only where most is heard from."""
    assert judge(sight, 0.5).state == state


def test_days_tell_their_worst_state_how_long_and_by_what():
    """A span over midnight belongs to both days; a day that nobody looked at has no state."""
    now_ms = 10 * DAY_MS + 3_600_000
    spans = [
        Span("operational", 8 * DAY_MS, 9 * DAY_MS - 1_000),
        Span("outage", 9 * DAY_MS - 1_000, 9 * DAY_MS + 2_000, (7,)),
        Span("unknown", 9 * DAY_MS + 2_000, 10 * DAY_MS),
        Span("operational", 10 * DAY_MS, now_ms, (7,)),
    ]

    found = days(spans, now_ms, 4)

    assert [(day.start_ms // DAY_MS, day.state) for day in found] == [
        (7, None),
        (8, "outage"),
        (9, "outage"),
        (10, "operational"),
    ]
    assert found[1].lasted_ms == {"outage": 1_000, "operational": DAY_MS - 1_000}
    assert (found[2].lasted_ms, found[2].incidents) == ({"outage": 2_000, "unknown": DAY_MS - 2_000}, (7,))
