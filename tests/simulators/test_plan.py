"""Which faults a run has."""

import pytest

from simulators.fleetfile import FleetError, load_fleet
from simulators.plan import APART_MS, Span, parse_fault, plan
from simulators.population import populate

LIVE_MS = 1_767_225_600_000
HOUR_MS = 3_600_000
WEEK = Span(LIVE_MS - HOUR_MS, LIVE_MS, LIVE_MS + 168 * HOUR_MS)


def planned(file, *, seed=1, span=WEEK, devices=None):
    fleet = load_fleet(file)
    return plan(fleet, populate(fleet, devices), seed, span)


def test_scheduled_fault_counts_from_going_live(small_fleet):
    """`at: -30m` begins half an hour before the run goes live, and ends after its time."""
    (fault,) = planned(small_fleet("[{kind: door_left_open, device: fz-01, at: -30m, for: 20m, expect: {warm: 5m}}]"))

    assert (fault.from_ms, fault.to_ms) == (LIVE_MS - HOUR_MS // 2, LIVE_MS - HOUR_MS // 6)
    assert fault.expect == {"warm": 300_000}


def test_scheduled_fault_strikes_what_it_matches_at_the_first_site(small_fleet):
    """A glob strikes every device of the first site that it matches, not the whole fleet."""
    faults = planned(small_fleet('[{kind: offline, device: "fz-*", at: 1m}]'), devices=40)

    assert [str(fault.key) for fault in faults] == ["s-1/fz-01", "s-1/fz-02"]


def test_fault_before_the_run_begins_does_not_happen(small_fleet):
    """Who starts ten minutes ago has no part in what went wrong an hour ago."""
    faults = "[{kind: offline, device: fz-01, at: -30m}, {kind: offline, device: fz-02, at: -5m}]"
    found = planned(small_fleet(faults), span=Span(LIVE_MS - 600_000, LIVE_MS, LIVE_MS))

    assert [fault.key.device for fault in found] == ["fz-02"]


def test_random_faults_repeat_with_their_seed(small_fleet):
    """The seed decides which, where and when; about as many occur as the rate says."""
    file = small_fleet('[{kind: offline, device: "fz-*", rate: 2/d}]')

    assert planned(file, seed=4) == planned(file, seed=4)
    assert planned(file, seed=4) != planned(file, seed=5)
    assert 15 <= len(planned(file, seed=4)) <= 35


def test_random_faults_do_not_depend_on_when_the_run_began(small_fleet):
    """The same hour has the same faults, whichever run looks at it."""
    file = small_fleet('[{kind: offline, device: "fz-01", rate: 1/d}]')
    later = Span(LIVE_MS + 24 * HOUR_MS, LIVE_MS, WEEK.until_ms)

    found = [fault for fault in planned(file) if fault.from_ms >= later.start_ms + 2 * HOUR_MS]

    assert [fault for fault in planned(file, span=later) if fault in found] == found
    assert found


def test_random_faults_keep_apart(small_fleet):
    """Two faults on one device, or on it and its gateway, are far enough apart to be told apart."""
    file = small_fleet('[{kind: offline, device: "fz-*", rate: 8/d}, {kind: offline, device: gw-01, rate: 8/d}]')
    faults = planned(file)

    for one in faults:
        for other in faults:
            related = one.key == other.key or one.key in other.affects
            if one is not other and related:
                assert one.from_ms >= other.to_ms + APART_MS or other.from_ms >= one.to_ms + APART_MS


def test_outage_of_a_gateway_names_whom_it_silences(small_fleet):
    """The devices behind the gateway are part of the truth; the till with its own connection is not."""
    (fault,) = planned(small_fleet("[{kind: offline, device: gw-01, at: 1m}]"))

    assert [str(key) for key in fault.affects] == ["s-1/fz-01", "s-1/fz-02"]


def test_fault_of_the_command_line_takes_the_rest_from_the_fleet(small_fleet):
    """Metric, amount and expectation are those that the fleet file gives for this kind."""
    file = small_fleet("[{kind: spike, device: fz-01, metric: temp, amount: 30, at: -1h, expect: {warm: 5m}}]")

    entry = parse_fault("spike:fz-02:10s:3m", load_fleet(file))

    assert (entry.device, entry.at, entry.lasts_ms) == ("fz-02", 10_000, 180_000)
    assert (entry.metric, entry.amount, entry.expect) == ("temp", 30, {"warm": 300_000})


def test_fault_of_the_command_line_can_name_its_kind_only(small_fleet):
    """It strikes five seconds after going live."""
    entry = parse_fault("offline", load_fleet(small_fleet()))

    assert (entry.kind, entry.device, entry.at) == ("offline", "gw-01", 5_000)


@pytest.mark.parametrize(
    "text", ["gremlin", "spike:fz-01", "offline:fz-09", "offline:fz-01:soon", "offline:fz-01:1s:long"]
)
def test_broken_fault_of_the_command_line_says_the_form(small_fleet, text):
    """What cannot be used is quoted, with the form that can."""
    with pytest.raises(FleetError, match="--fault"):
        parse_fault(text, load_fleet(small_fleet()))
