"""What a little more and a little less is."""

import pytest

from iotops.rules.authoring.mutation.amounts import durations_near, numbers_near


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("15", ["16", "14", "16.5", "13.5"]),
        ("-15", ["-14", "-16", "-16.5", "-13.5"]),
        ("4.5", ["4.6", "4.4", "4.95", "4.05"]),
        ("0.95", ["0.96", "0.94", "1.045", "0.855"]),
        ("10", ["11", "9"]),
        ("0", ["1", "-1"]),
        ("0.10", ["0.11", "0.09"]),
        ("1e3", ["1001", "999", "1100", "900"]),
    ],
)
def test_number_changes_by_its_last_place_and_by_a_tenth(text, near):
    """One unit is one in the last written place; what a tenth repeats is not said twice."""
    assert [changed for changed, _ in numbers_near(text)] == near


@pytest.mark.parametrize(("text", "near"), [("5", ["6", "4"]), ("2", ["3", "1"]), ("30", ["31", "29", "33", "27"])])
def test_number_of_samples_stays_whole(text, near):
    """Half a sample is none."""
    assert [changed for changed, _ in numbers_near(text, whole=True)] == near


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("10m", ["11m", "9m", "11m", "9m"]),
        ("2m", ["3m", "1m", "2m12s", "1m48s"]),
        ("1h30m", ["1h31m", "1h29m", "1h39m", "1h21m"]),
        ("1d", ["2d", "0s", "1d2h24m", "21h36m"]),
        ("0s", ["1s", "0s", "0s"]),
    ],
)
def test_duration_changes_by_its_last_unit_and_by_a_tenth(text, near):
    """One unit is one of the smallest unit written, and nothing becomes shorter than nothing."""
    assert [changed for changed, _ in durations_near(text)] == near
