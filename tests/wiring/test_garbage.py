"""What the garbage collector is spared."""

import gc

import pytest

from iotops.wiring.garbage import keep_what_is_there


@pytest.fixture(autouse=True)
def as_before():
    yield
    gc.unfreeze()


def test_what_was_there_is_not_walked_again():
    """What was put together at the start is no more among what is looked through, and what comes later is."""
    before = [[]]

    keep_what_is_there()
    later = [[]]

    looked_through = {id(each) for each in gc.get_objects()}
    assert id(before) not in looked_through
    assert id(later) in looked_through
