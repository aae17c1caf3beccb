"""Conditions that begin to hold because a device spoke."""

import pytest

from iotops.rules.hearing import begins_when_heard
from iotops.rules.language.parser import parse


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("age() >= 15m", False),
        ("15m < age()", False),
        ("temp > 8 and age() > 1h or not online", False),
        ("not age() < 5m", False),
        ("age(temp) < 5m", False),
        ("age() < 5m", True),
        ("5m >= age()", True),
        ("not age() > 5m", True),
        ("not (temp > 8 or age() >= 5m)", True),
        ("1m < age() < 5m", True),
        ("age() == 5m", True),
        ("age(temp) - age() > 5m", True),
        ("age() > age() - every", True),
        ("abs(age() - 5m) > 1m", True),
    ],
)
def test_a_word_begins_what_waits_for_a_small_age(text, begins):
    """Only what is true of a large age, and of no small one, cannot begin when the device is heard."""
    assert begins_when_heard(parse(text).root) is begins


def test_word_of_another_metric_raises_what_waited_for_it(changes):
    """The sensor is lost only while the device speaks: it is again with the first word, whatever that says."""
    rule = "  - alert: lost\n    when: age(temp) >= 10m and age() < 5m\n"

    found = changes(rule, {"temp": "20", "power": "1x8 _x6 1x2"})

    assert found == ["10m fired warning", "12m resolved (known false)", "14m fired warning"]


@pytest.mark.parametrize("restart", [["11m"], ["12m"], ["13m"], ["10m", "11m", "12m", "13m", "14m"]])
def test_restart_repeats_nothing_that_time_alone_began_and_ended(changes, restart):
    """Between two readings an alert fired and resolved: after the restart it has done so, and not again."""
    rule = "  - alert: lost\n    when: age(temp) >= 10m and age() < 5m\n"

    found = changes(rule, {"temp": "20", "power": "1x8 _x6 1x2"}, restart=restart)

    assert found == ["10m fired warning", "12m resolved (known false)", "14m fired warning"]
