"""What comes due before a reading knows nothing of it: not on the device, not in its groups, not on other devices."""

import pytest

from iotops.rules.engine import Now, evaluate
from iotops.telemetry.batch import Batch

SITE_HOT = '  - {alert: site_hot, per: site, when: "devices(temp > 30) >= 1", for: 1m}\n'
SILENT = "  - {alert: silent, when: age() >= 5m}\n"
SITE_SILENT = "  - {alert: site_silent, per: site, when: devices(age() >= 5m) >= 1}\n"
CASES = {
    "a group": (SITE_HOT.replace("site_hot", "seen"), ["9m pending warning", "10m fired warning"]),
    "a rule that asks its group and for another rule": (
        '  - {alert: seen, when: "temp > 30 and share(temp > 30) < 0.6", unless: firing(site_hot)}\n' + SITE_HOT, [],
    ),
    "a rule about a device that was silent for a while": (
        "  - {alert: seen, when: 'firing(silent, gateway)'}\n" + SILENT,
        ["5m fired warning", "9m resolved (known false)"],
    ),
    "a rule about a group that was silent for a while": (
        "  - {alert: seen, when: firing(site_silent), for: 1m}\n" + SITE_SILENT,
        ["5m pending warning", "6m fired warning", "9m resolved (known false)"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one by one"])
@pytest.mark.parametrize("case", CASES)
def test_what_comes_due_before_a_reading_does_not_see_it(program, memory_of, device, reading, told, case, together):
    """A backlog has no ticks between its readings; what was due between them is found when the next one comes."""
    text, expected = CASES[case]
    rules = program(text)
    memory = memory_of(device(gateway="d1"))
    backlog = [reading("0s", temp=20), reading("9m", temp=31), reading("10m", temp=31)]

    found = []
    for batch in [backlog] if together else [[each] for each in backlog]:
        evaluation = evaluate(rules, Batch(batch), memory, Now(0, 0, drained=False))
        evaluation.journal.apply()
        found += [told(each) for each in evaluation.transitions if each.alert.key.rule == "seen"]
    evaluation = evaluate(rules, Batch(), memory, Now(0, 600_000))
    found += [told(each) for each in evaluation.transitions if each.alert.key.rule == "seen"]

    assert found == expected


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one by one"])
def test_what_a_device_says_late_follows_the_end_of_the_episode_before(
    program, memory_of, device, reading, told, together
):
    """Changes of an instance are told as they happened, though the new episode began before the old one ended."""
    rules = program('  - {alert: drift, when: "abs(temp - peers(temp, site)) > 8"}\n')
    memory = memory_of(device("a"), device("c"))
    said = [
        reading("60s", name="c", temp=41),
        reading("61s", name="a", temp=20),
        reading("196s", name="c", temp=24.5),
        reading("177s", name="a", temp=44.4, received="197s"),
    ]

    found = []
    for batch in [said] if together else [[each] for each in said]:
        evaluation = evaluate(rules, Batch(batch), memory, Now(0, 0, drained=False))
        evaluation.journal.apply()
        found += [told(each) for each in evaluation.transitions if each.alert.key.instance == "s/a"]

    assert found == ["1m1s fired warning", "3m16s resolved (known false)", "2m57s fired warning"]


def test_a_group_of_a_quarantined_rule_comes_due_once(program, memory_of, device, reading):
    """Its timer is let go, and its alert stays as it is."""
    rules = program(SITE_HOT)
    memory = memory_of(device())
    evaluate(rules, Batch([reading("0s", temp=31)]), memory, Now(0, 0, drained=False)).journal.apply()

    rules.quarantined.add("site_hot")

    assert evaluate(rules, Batch(), memory, Now(0, 90_000)).transitions == ()
    assert [alert.state.value for alert in memory.open_alerts()] == ["pending"]
