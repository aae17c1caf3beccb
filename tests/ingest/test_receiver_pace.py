"""How soon a receiver connects again."""

from iotops.ingest.pace import FIRST_WAIT_MS, LONGEST_WAIT_MS, RIVAL_AFTER, STABLE_MS, Pace


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

    pace.note(STABLE_MS, cut_off=True, hopeless=False)

    assert pace.next_wait_s() * 1000 <= FIRST_WAIT_MS


def test_refusal_makes_the_wait_long():
    """Where the next attempt will fare no better there is no hurry."""
    pace = Pace()

    pace.note(5, cut_off=False, hopeless=True)

    assert pace.next_wait_s() * 1000 >= LONGEST_WAIT_MS / 2


def test_being_cut_off_again_and_again_means_a_rival():
    """Short connections that the broker closed without a word, in a row, and nothing else, mean a rival."""
    pace = Pace()
    for _ in range(RIVAL_AFTER - 1):
        pace.note(100, cut_off=True, hopeless=False)
    assert not pace.rival

    pace.note(100, cut_off=True, hopeless=False)
    assert pace.rival

    pace.note(100, cut_off=False, hopeless=False)
    assert not pace.rival
