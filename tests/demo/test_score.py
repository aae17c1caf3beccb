"""The demo's score can tell a detected fault from a missed one and from a false alarm."""

from iotops.demo.score import Fault, Raised, read_fault, score

WARM = Fault("f1", "door_left_open", ("s/fz-1",), 1_000_000, 2_000_000, {"freezer_warm": 300_000}, also=("door_open",))
END_MS = 10_000_000


def raised(rule="freezer_warm", device="fz-1", fired_ms=1_200_000, number="INC-1"):
    return Raised(number, rule, "s", device, fired_ms)


def test_incident_in_time_on_the_device_detects_the_fault():
    """The expected rule on the faulty device within the delay is a detection, and no false alarm."""
    found = score([WARM], [raised()], END_MS)

    assert (found.detected, found.missed, found.false_incidents) == ((WARM,), (), ())


def test_late_other_or_early_incidents_do_not_detect():
    """Another device, another rule, too late and too early are misses."""
    for wrong in (raised(device="fz-2"), raised(rule="other"), raised(fired_ms=1_300_001), raised(fired_ms=999_999)):
        assert score([WARM], [wrong], END_MS).missed == (WARM,)


def test_unexplained_incident_is_false():
    """An incident that no fault explains is counted as false, one that a fault allows is not."""
    found = score([WARM], [raised(), raised(rule="door_open"), raised(device="fz-9", number="INC-9")], END_MS)

    assert [incident.number for incident in found.false_incidents] == ["INC-9"]


def test_fault_that_is_not_due_yet_does_not_count():
    """What began too shortly before the end is neither injected nor missed, but explains its incidents."""
    found = score([WARM], [raised()], WARM.due_ms - 1)

    assert (found.injected, found.false_incidents) == ((), ())


def test_fault_that_nobody_needs_to_notice_does_not_count():
    """Duplicates and reordering expect no rule; an incident for them is a false one."""
    quiet = Fault("f2", "duplicates", ("s/fz-1",), 1_000_000, 2_000_000, {})

    found = score([quiet], [raised()], END_MS)

    assert found.injected == ()
    assert len(found.false_incidents) == 1


def test_messages_that_a_fault_kept_from_leaving_may_be_missed():
    """Whoever goes on numbering what nobody hears leaves a gap, and telling of it is right; others have none."""
    mute = Fault("f3", "dropout", ("s/fz-1",), 1_000_000, 2_000_000, {})
    gap = raised(rule="data_gap", fired_ms=2_200_000)

    assert score([mute], [gap], END_MS).false_incidents == ()
    assert score([WARM], [gap], END_MS).false_incidents == (gap,)


def test_truth_line_is_read():
    """A line of the simulators' truth file becomes a fault with milliseconds."""
    line = {
        "id": "f1",
        "kind": "offline",
        "site": "s",
        "device": "gw",
        "from": "2026-01-01T00:00:00Z",
        "to": "2026-01-01T00:01:00Z",
        "rules": ["gateway_down"],
        "within": {"gateway_down": 40.0},
        "also": [],
        "affects": ["s/gw", "s/fz-1"],
    }

    fault = read_fault(line)

    assert fault.devices == ("s/gw", "s/fz-1")
    assert fault.due_ms - fault.from_ms == 40_000
