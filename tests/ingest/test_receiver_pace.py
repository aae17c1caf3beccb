"""How soon a receiver connects again."""

import pytest

from iotops.ingest.pace import (
    FIRST_WAIT_MS,
    LONGEST_AFTER_SUCCESS_MS,
    LONGEST_BESIDE_RIVAL_MS,
    LONGEST_WAIT_MS,
    RIVAL_AFTER,
    STABLE_MS,
    Pace,
)


def test_waits_double_up_to_the_longest():
    """Each wait is half to all of a value that doubles."""
    pace = Pace()

    waits_ms = [pace.next_wait_s() * 1000 for _ in range(12)]

    for attempt, wait_ms in enumerate(waits_ms):
        whole_ms = min(FIRST_WAIT_MS * 2**attempt, LONGEST_WAIT_MS)
        assert whole_ms / 2 <= wait_ms <= whole_ms


def test_connection_that_lasted_makes_the_next_wait_short():
    """After a stable connection the waits start again."""
    pace = Pace()
    for _ in range(8):
        pace.next_wait_s()

    pace.note(STABLE_MS, subscribed=True, cut_off=True, hopeless=False)

    assert pace.next_wait_s() * 1000 <= FIRST_WAIT_MS


@pytest.mark.parametrize(
    ("cut_off", "longest_ms"), [(False, LONGEST_AFTER_SUCCESS_MS), (True, LONGEST_BESIDE_RIVAL_MS)]
)
def test_network_that_cuts_every_connection_is_not_left_alone(cut_off, longest_ms):
    """As long as each short connection comes to a subscription the waits stay short, whatever there was before."""
    pace = Pace()
    for _ in range(8):
        pace.note(100, subscribed=False, cut_off=False, hopeless=False)
        pace.next_wait_s()

    waits_ms = []
    for _ in range(20):
        pace.note(3_000, subscribed=True, cut_off=cut_off, hopeless=False)
        waits_ms.append(pace.next_wait_s() * 1000)

    assert max(waits_ms) <= longest_ms


def test_refusal_makes_the_wait_long():
    """Where the next attempt will fare no better there is no hurry."""
    pace = Pace()

    pace.note(5, subscribed=False, cut_off=False, hopeless=True)

    assert pace.next_wait_s() * 1000 >= LONGEST_WAIT_MS / 2


def test_being_cut_off_again_and_again_means_a_rival():
    """Short connections that the broker closed without a word, in a row, and nothing else, mean a rival."""
    pace = Pace()
    for _ in range(RIVAL_AFTER - 1):
        pace.note(100, subscribed=True, cut_off=True, hopeless=False)
    assert not pace.rival

    pace.note(100, subscribed=True, cut_off=True, hopeless=False)
    assert pace.rival

    pace.note(100, subscribed=True, cut_off=False, hopeless=False)
    assert not pace.rival
