"""Names of groups: what they are called tells their labels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotops.rules.instances import instance_of, labels_of

LABELS = st.dictionaries(st.sampled_from(["site", "room", "gateway", "zone_2"]), st.text(max_size=8))


@given(labels=LABELS)
def test_a_name_tells_the_labels_that_it_was_made_of(labels):
    """In their order, whatever characters the values have."""
    told = labels_of(instance_of(labels, labels.values()))

    assert list(told.items()) == list(labels.items())


@pytest.mark.parametrize("instance", ["fleet", "ingest", "", "behind s/gw"])
def test_what_names_no_labels_has_none(instance):
    """The fleet shares no labels, and other instances are no groups."""
    assert labels_of(instance) == {}
