"""Which numbers of a device never came."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotops.telemetry.numbering import FIRST, LAST, MISSING, QUIET_MS, WAIT_MS, WINDOW, Moment, Numbering
from iotops.telemetry.reading import Kind

START, LATER = Moment(0, 0), Moment(0, WAIT_MS)


def heard(*seqs, boot="b", kind=Kind.TELEMETRY, then=None):
    """Return what is known after messages with these numbers, and perhaps more of them, when all waiting is over."""
    found = then or Numbering(boot, seqs[0], seqs[0])
    for seq in seqs if then else seqs[1:]:
        found.take(boot, seq, kind, START)
    found.age(LATER)
    return found


@pytest.mark.parametrize(
    ("seqs", "missing"),
    [
        ((1, 2, 3, 4, 5), 0),
        ((7, 8, 9, 10), 0),  # who was heard late has lost nothing that anybody knows of
        ((1, 2, 3, 4, 6), 1),
        ((1, 2, 3, 4, 8, 9, 12), 5),
        ((1, 2, 3, 4, 8, 6), 2),
        ((1, 2, 3, 4, 8, 6, 5, 7), 0),
        ((1, 2, 3, 4, 8, 8, 4), 3),  # the same number again: of elements of one message, say
        ((1, 3, 5, 7, 9), 0),  # it numbers in another way
        ((1000, 1060, 1120, 1180, 1240), 0),
    ],
)
def test_numbers_between_those_that_came_are_missing(seqs, missing):
    """Missing is what lies between numbers that came, of a device that is known to count by one."""
    assert heard(*seqs).missing == missing


def test_values_say_how_many_and_between_which_numbers():
    """The range reaches from the first to the last missing number of the newest start that misses any."""
    found = heard(1, 2, 3, 4, 8, 9, 12)

    assert found.values() == {MISSING: 5, FIRST: 5, LAST: 11}
    assert heard(5, 6, 7, 10, 11, then=found).values() == {MISSING: 0}


def test_new_boot_begins_anew_and_older_ones_may_still_fill():
    """A restart is no gap, whatever its first number; what was under way from before still counts."""
    found = heard(1, 2, 3, 4, 7)
    heard(1, 2, 3, boot="c", then=found)
    assert found.missing == 2
    heard(5, 9, boot="b", then=found)
    assert found.missing == 1
    heard(6, boot="b", then=found)

    assert (found.boot, found.top, found.missing) == ("c", 3, 0)


def test_device_without_boot_that_goes_back_far_has_begun_anew():
    """A little back is late or comes again; far back is a restart, and what lies between is not missing."""
    found = heard(*range(5_000, 5_005), boot=None)
    heard(4_990, 5_005, boot=None, then=found)
    assert (found.top, found.missing) == (5_005, 0)

    heard(0, 1, 2, 4, boot=None, then=found)

    assert (found.top, found.missing) == (4, 1)


def test_events_that_share_the_counter_fill_it_and_others_do_no_harm():
    """A number counts as come in whatever message; an event's number proves no gap by itself."""
    found = heard(1, 2, 3, 4)
    heard(6, kind=Kind.EVENT, then=found)
    assert found.missing == 0
    heard(7, then=found)
    assert found.missing == 1  # 5 is missing, 6 was the event

    apart = heard(1, 2, 3, 4)
    heard(*range(100, 300), kind=Kind.EVENT, then=apart)
    assert heard(*range(5, 60), then=apart).missing == 0


def test_dead_letters_excuse_as_many_numbers_as_they_are():
    """Of three numbers that did not come, two came in messages that could not be used."""
    found = heard(1, 2, 3, 4)
    found.spoil()
    found.spoil()
    heard(8, 9, then=found)

    assert found.missing == 1
    found.spoil()
    assert heard(11, then=found).missing == 1


@pytest.mark.parametrize(
    ("at_ms", "connected_ms", "later", "missing"),
    [
        (WAIT_MS - 1, WAIT_MS - 1, 50, 0),
        (0, WAIT_MS, 0, 2),  # the clock of the connection, however few have come since
        (WAIT_MS, 5, WINDOW - 2, 0),  # a backlog runs through: its messages' time alone says little
        (WAIT_MS, 5, WINDOW - 1, 2),
        (-(10**12), 5, 50, 0),
    ],
)
def test_gap_is_final_once_its_messages_can_be_waited_for_no_longer(at_ms, connected_ms, later, missing):
    """Two minutes of connected time; or two of the device's own, and sixteen later messages."""
    found = Numbering("b", 1, 1)
    for seq in (2, 3, 4, 7, *range(8, 8 + later)):
        found.take("b", seq, Kind.TELEMETRY, START)

    found.age(Moment(at_ms, connected_ms))

    assert found.missing == missing


def test_quiet_makes_history_of_what_was_missed():
    """Ten minutes after the last gap was final the count begins anew; what may still come is waited for."""
    found = heard(1, 2, 3, 4, 9)
    late = Moment(0, LATER.connected_ms + QUIET_MS)

    found.age(late._replace(connected_ms=late.connected_ms - 1))
    assert found.missing == 4
    found.age(late)
    assert (found.missing, found.waits) == (0, False)
    found.take("b", 12, Kind.TELEMETRY, late)
    assert (found.missing, found.waits) == (0, True)
    found.age(Moment(0, late.connected_ms + WAIT_MS))
    assert found.missing == 2


def test_many_gaps_are_counted_within_bounded_memory():
    """The oldest gaps can no longer be filled, and still count; leaps without end are another way of numbering."""
    found = heard(1, 2, 3, 4)
    for start in range(10, 10 + 100 * 5, 5):
        heard(start, start + 1, then=found)
    assert (found.missing, len(found.holes)) == (5 + 99 * 3, 32)

    heard(*range(1_000, 2_000, 7), then=found)

    assert (found.missing, found.counts, found.holes) == (0, False, ())


@given(st.integers(4, 60).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(5, n + 4)), st.randoms())))
def test_missing_is_what_did_not_come_in_whatever_order(drawn):
    """Whatever is lost and however the rest is shuffled: missing is what lies between and did not come."""
    count, lost, chance = drawn
    rest = [seq for seq in range(5, count + 5) if seq not in lost]
    chance.shuffle(rest)
    rest.append(count + 5)
    found = heard(1, 2, 3, 4)
    leaps = 0
    for seq in rest:
        leaps = leaps + 1 if seq > found.top + 1 else 0 if seq == found.top + 1 else leaps
        heard(seq, then=found)
        if leaps >= 8:
            return

    assert found.missing == len(lost)
