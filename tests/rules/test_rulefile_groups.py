"""What the rules of groups may say: found when files are read, with the place and what to write instead."""

import pytest

from iotops.rules.rulefile import parse_rules

HEAD = """
rules:
  - {alert: hot, when: temp > 30}
  - {alert: site_hot, per: site, when: devices(temp > 30) >= 2}
  - {alert: room_hot, per: [site, room], when: devices(temp > 30) >= 2}
  - alert: this
"""

REFUSED = {
    "a metric": (
        "per: site\n    when: temp > 30",
        'reads-device: this rule is about groups ("per: site"), and "temp" is of one device',
        "ask all devices: devices(temp > ...) >= 1, or share(temp > ...)",
    ),
    "a window": (
        "per: fleet\n    when: avg(temp[5m]) > 30",
        'reads-device: this rule is about groups ("per: fleet"), and "temp" is of one device',
        "ask all devices: devices(temp > ...) >= 1, or share(temp > ...)",
    ),
    "presence": (
        "per: site\n    when: not online",
        'reads-device: this rule is about groups ("per: site"), and "online" is of one device',
        "ask all devices: devices(not online) >= 1, or share(not online)",
    ),
    "an age": (
        "per: site\n    when: age() > 15m",
        'reads-device: this rule is about groups ("per: site"), and age() is of one device',
        "ask all devices: devices(age() > 15m) >= 1",
    ),
    "a metric in the summary": (
        "per: site\n    when: devices(temp > 30) >= 1\n    summary: ${temp} at ${site}",
        'reads-device: this rule is about groups ("per: site"), and "temp" is of one device',
        "ask all devices: devices(temp > ...) >= 1, or share(temp > ...)",
    ),
    "a label that the group does not share": (
        "per: site\n    when: devices(temp > 30) >= 1\n    summary: ${device.room}",
        'label-not-in-per: the groups of this rule ("per: site") have no label "room"',
        "they share site; add it to per, or leave it out",
    ),
    "a label of the fleet": (
        "per: fleet\n    when: devices(temp > 30) >= 1\n    summary: ${site}",
        'label-not-in-per: the groups of this rule ("per: fleet") have no label "site"',
        "the whole fleet shares none; add it to per, or leave it out",
    ),
    "a rule on the device of a label that the group does not share": (
        "per: site\n    when: devices(temp > 30) >= 1\n    unless: firing(hot, gateway)",
        'label-not-in-per: the groups of this rule ("per: site") have no label "gateway"',
        "they share site; add it to per, or leave it out",
    ),
    "neighbours by another label": (
        "per: site\n    when: peers(temp, room) > 30",
        'label-not-in-per: in a rule per site, peers() is about these very groups, and not about "room"',
        "write site",
    ),
    "a rule per device": (
        "per: site\n    when: firing(hot)",
        'unclear-instance: "hot" fires per device, and this rule is about groups',
        "ask how many: devices(firing(hot)) >= 1",
    ),
    "a rule of smaller groups": (
        "per: site\n    when: firing(room_hot)",
        'unclear-instance: "room_hot" fires per site, room, this rule per site',
        "several of its groups could be meant; write per: [site, room]",
    ),
    "devices within devices": (
        "when: devices(share(temp > 30) > 0.5) >= 1",
        "group-in-group: share() cannot stand inside devices(): each device is asked on its own",
        "write a rule for it, and ask for that: devices(firing(that_rule))",
    ),
    "parameters that its devices do not share": (
        """per: site
    params: {top: 30}
    overrides:
      - {match: {model: x}, params: {top: 40}}
    when: devices(temp > top) >= 1""",
        'override-not-shared: a group has one set of parameters, and its devices need not share the label "model"',
        "match by site, or write two rules",
    ),
    "a step of one device": (
        """per: site
    sequence:
      - when: devices(temp > 30) >= 1
      - {when: temp > 40, within: 1m}
    until: devices(temp > 25) < 1""",
        'reads-device: this rule is about groups ("per: site"), and "temp" is of one device',
        "ask all devices: devices(temp > ...) >= 1, or share(temp > ...)",
    ),
    "itself": (
        "per: site\n    when: devices(firing(this)) >= 1",
        "rule-cycle: rules ask for each other in a circle: this -> this",
        "a rule cannot wait for itself; drop one of these",
    ),
}


@pytest.mark.parametrize("written", REFUSED)
def test_a_group_is_asked_for_what_it_can_answer(written):
    """What is of one device cannot be said about many, and whom `firing()` is about is never a guess."""
    text, message, hint = REFUSED[written]

    _, findings = parse_rules({"rules/g.yaml": f"{HEAD}    {text}\n"})

    (found,) = [finding for finding in findings if finding.level == "error"]
    assert f"{found.code}: {found.message}" == message
    assert found.hint == hint
    assert found.position.line > 6


@pytest.mark.parametrize(
    "text",
    [
        "per: site\n    when: devices(avg(temp[5m]) > 30) >= 2 or share(not online) > 0.5",
        "per: [site, room]\n    when: firing(site_hot) and devices(x > 3) >= 1\n    summary: ${device.room} at ${site}",
        "per: gateway\n    when: devices(age() > 5m) >= 1\n    unless: firing(hot, gateway)",
        """per: site
    params: {top: 30}
    overrides:
      - {match: {site: x*}, params: {top: 40}}
    when: devices(temp > top) >= 1 and peers(temp, site) > 20""",
        "when: temp > 30 and share(temp > 30) < 0.5 and abs(temp - peers(temp, room)) > 4 and firing(room_hot)",
    ],
)
def test_what_groups_can_answer_is_accepted(text):
    """Windows, presence and ages within devices(), shared labels, and rules of the same or wider groups."""
    rules, findings = parse_rules({"rules/g.yaml": f"{HEAD}    {text}\n"})

    assert [str(finding) for finding in findings if finding.level == "error"] == []
    assert "this" in rules.rules
