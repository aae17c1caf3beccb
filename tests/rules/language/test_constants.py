"""Arguments that must stand still."""

import pytest

from iotops.rules.language.constants import check_constants
from iotops.rules.language.parser import parse
from iotops.rules.rule import Parameter

PART, LEAD = Parameter(number=0.9), Parameter(ms=60_000)


@pytest.mark.parametrize(
    "text",
    [
        "quantile(temp[1h], 0) < quantile(temp[1h], 1)",
        "quantile(temp[1h], part) > 3",
        "forecast(temp[6h], lead) > 3",
        "forecast(temp[6h], 2 * every + 1m) > 3",
        "forecast(temp[6h], device.lead) > 3",
    ],
)
def test_arguments_that_stand_still_are_accepted(text):
    """Numbers, durations, parameters and labels are the same at all times."""
    assert check_constants(parse(text).root, [{"part": PART, "lead": LEAD}]) == ()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("quantile(temp[1h], 1.01) > 3", "1.01"),
        ("quantile(temp[1h], -part) > 3", "-part"),
        ("quantile(temp[1h], part / 2) > 3", "part / 2"),
        ("quantile(temp[1h], device.part) > 3", "device.part"),
        ("not quantile(temp[1h], other) > 3", "other"),
        ("forecast(temp[6h], temp * 1h) > 3", "temp"),
        ("forecast(temp[6h], 1h + age(temp)) > 3", "age(temp)"),
    ],
)
def test_arguments_that_move_or_leave_their_range_are_named_at_their_place(text, place):
    """One complaint, at the part that does not fit."""
    (found,) = check_constants(parse(text).root, [{"part": PART, "lead": LEAD}])

    assert place == text[found.node.start : found.node.end]


def test_every_override_counts():
    """One device with 95 for 0.95 is enough."""
    root = parse("quantile(temp[1h], part) > 3").root

    (found,) = check_constants(root, [{"part": PART}, {"part": Parameter(number=95)}])

    assert (found.code, found.hint) == ("bad-fraction", "for 95 percent write 0.95")
