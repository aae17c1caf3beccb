"""Groups of devices: how many, which share, what is usual among them; one alert for all of them."""

import pytest

from iotops.rules.compile import compile_rules
from iotops.rules.device import DeviceFacts
from iotops.rules.engine import Now, evaluate
from iotops.rules.reload import reload
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import Kind

QUORUM = """
  - alert: warm
    match: {type: freezer}
    per: site
    when: devices(temp > -15) >= 2 and share(temp > -15) >= 0.5
    for: 1m
    severity: critical
    summary: ${devices(temp > -15)} of ${site}
"""
ANY = '  - {alert: any, per: site, when: "devices(temp > 30) >= 1", until: "devices(temp > 25) < 1"}\n'


@pytest.fixture
def engine(program, memory_of, told):
    """Return an engine that takes readings and tells what became of a rule's instances."""

    class Engine:
        def __init__(self, text, *facts):
            self.program, self.memory, self.alerts = program(text), memory_of(*facts), {}

        def take(self, *readings, tick=None, drained=True):
            last_ms = readings[-1].connected_ms if readings else 0
            now = Now(0, tick or last_ms, drained=drained and tick is not None)
            return self.keep(evaluate(self.program, Batch(readings), self.memory, now))

        def keep(self, evaluation):
            assert evaluation.faults == ()
            evaluation.journal.apply()
            self.evaluation = evaluation
            found = {}
            for each in evaluation.transitions:
                self.alerts[each.alert.key] = each.alert
                found.setdefault((each.alert.key.rule, each.alert.key.instance), []).append(told(each))
            return found

        def reload(self, text):
            self.program = program(text)
            return self.keep(reload(self.program, self.memory))

    return Engine


@pytest.fixture
def freezers(device):
    """Return facts of freezers of site `s`."""
    return lambda *names, **labels: [device(name, type="freezer", **labels) for name in names]


def test_a_quorum_fires_once_for_the_site_with_no_device_and_its_site(engine, freezers, reading):
    """The instance is the site: no device, the values of the moment, and the devices that made it true."""
    site = engine(QUORUM, *freezers("a", "b", "c"))

    begun = site.take(
        reading(60_000, name="a", temp=-10), reading(61_000, name="b", temp=-9), reading(62_000, name="c", temp=-20)
    )
    fired = site.take(tick=121_000)

    assert begun == {("warm", "site=s"): ["1m1s pending critical"]}
    assert fired == {("warm", "site=s"): ["2m1s fired critical"]}
    (alert,) = site.alerts.values()
    assert (alert.site, alert.device, alert.summary) == ("s", None, "2 of s")
    assert alert.evidence["group"] == {"site": "s"}
    (poll,) = alert.evidence["devices"]
    assert (poll["text"], poll["true"], poll["false"], poll["unknown"]) == ("temp > -15", 2, 1, 0)
    assert poll["first"] == [
        {"site": "s", "device": "a", "samples": {"temp": [[60_000, -10]]}},
        {"site": "s", "device": "b", "samples": {"temp": [[61_000, -9]]}},
    ]


def test_evidence_shows_twenty_devices_and_counts_all(engine, freezers, reading):
    """However many devices there are, the proof stays small."""
    names = [f"f{number:02}" for number in range(30)]
    site = engine(QUORUM.replace("1m", "0s"), *freezers(*names))

    site.take(*[reading(60_000, name=name, temp=-1) for name in names])

    (poll,) = next(iter(site.alerts.values())).evidence["devices"]
    assert poll["true"] == 15
    assert len(poll["first"]) == 15
    site = engine("  - {alert: all, per: site, when: share(temp > 0) >= 0.9}\n", *freezers(*names))
    site.take(*[reading(60_000, name=name, temp=1) for name in names])
    (poll,) = next(iter(site.alerts.values())).evidence["devices"]
    assert (poll["true"], [each["device"] for each in poll["first"]]) == (27, names[:20])


def test_silent_devices_leave_a_count_open_and_never_resolve_it(engine, freezers, reading):
    """Unknown is neither true nor false: the count is bounds, and a firing alert says that its data is unknown."""
    site = engine(ANY, *freezers("a", "b"))

    first = site.take(reading(60_000, name="a", temp=31))
    cooled = site.take(reading(120_000, name="a", temp=20))
    known = site.take(reading(121_000, name="b", temp=20))

    assert first == {("any", "site=s"): ["1m fired warning"]}
    assert cooled == {("any", "site=s"): ["2m unknown (stale)"]}  # b may be warm: nobody ever heard of it
    assert known == {("any", "site=s"): ["2m1s known", "2m1s resolved (until)"]}


def test_a_device_goes_stale_on_the_clock_of_its_group(engine, freezers, reading):
    """Recorded data at full speed: what one device says moves the time in which another is silent."""
    site = engine('  - {alert: two, per: site, when: "devices(temp > 30) >= 2"}\n', *freezers("a", "b"))
    fast = {"received": "1h", "connected": "1h"}

    site.take(reading("1m", name="a", temp=31, **fast), reading("2m", name="b", temp=20, **fast), drained=False)
    found = site.take(
        *[reading(f"{minute}m", name="b", temp=20, **fast) for minute in range(3, 9)],
        reading("9m", name="b", temp=31, **fast),
        drained=False,
    )

    assert found == {}


@pytest.mark.parametrize("reason", ["retired", "no longer matched"])
def test_a_group_without_devices_ends_its_alert(engine, freezers, device, reading, reason):
    """When the last device leaves there is nothing left to be true or false."""
    site = engine(ANY, *freezers("a"))
    site.take(reading(60_000, name="a", temp=31))

    facts = device("a", type="freezer")
    left = DeviceFacts(facts.key, facts.labels, retired=True) if reason == "retired" else device("a", site="s")
    site.memory.register(left)
    if reason == "no longer matched":
        site.memory.register(DeviceFacts(facts.key, {"device": "a", "name": "a"}))
    found = site.take()

    assert found == {("any", "site=s"): [f"1m resolved ({reason})"]}
    assert list(site.memory.groups) == []


def test_a_device_that_leaves_or_joins_counts_at_once(engine, freezers, device, reading):
    """Membership changes are judged at the next evaluation, without waiting for a reading."""
    site = engine(ANY.replace("site,", "zone,"), *freezers("a", zone="x"), *freezers("b", zone="y"))
    site.take(reading(60_000, name="a", temp=31), reading(61_000, name="b", temp=20))

    site.memory.register(device("a", type="freezer", zone="y"))
    moved = site.take()

    assert moved == {
        ("any", "zone=x"): ["1m resolved (no longer matched)"],
        ("any", "zone=y"): ["1m1s fired warning"],
    }


def test_a_device_without_the_label_is_in_no_group(engine, freezers, reading):
    """`per` groups by values; without a value there is no group."""
    site = engine(ANY.replace("site,", "zone,"), *freezers("a"))

    assert site.take(reading(60_000, name="a", temp=31)) == {}


def test_the_fleet_is_one_group_and_has_no_site_of_its_own(engine, device, reading):
    """`per: fleet` counts everything, wherever it is; its site is that of all devices where they share one."""
    rule = '  - {alert: many, per: fleet, when: "devices(temp > 30) >= 2"}\n'
    one = engine(rule, device("a"), device("b"))
    other = engine(rule, device("a"), device("b"), device("c", site="t"))

    one.take(reading(60_000, name="a", temp=31), reading(60_000, name="b", temp=31))
    other.take(reading(60_000, name="a", temp=31), reading(60_000, name="b", temp=31))

    assert [(alert.key.instance, alert.site) for alert in one.alerts.values()] == [("fleet", "s")]
    assert [(alert.key.instance, alert.site) for alert in other.alerts.values()] == [("fleet", "")]


def test_labels_with_commas_make_no_two_groups_one(engine, device, reading):
    """What separates values in an instance's name is marked inside of them."""
    rule = '  - {alert: any, per: [x, y], when: "devices(temp > 30) >= 1"}\n'
    site = engine(rule, device("a", x="1,y=2", y="3"), device("b", x="1", y="2,y=3"))

    found = site.take(reading(60_000, name="a", temp=31), reading(60_000, name="b", temp=31))

    assert sorted(instance for _, instance in found) == ["x=1,y=2\\,y\\=3", "x=1\\,y\\=2,y=3"]


def test_windows_and_ages_stand_inside_devices(engine, freezers, reading):
    """Whatever a device can be asked, all devices of a group can be asked."""
    rules = """
  - {alert: warm, per: site, when: "devices(avg(temp[2m]) > 8) >= 2"}
  - {alert: quiet, per: site, when: "devices(age() >= 5m) >= 2"}
"""
    site = engine(rules, *freezers("a", "b"))
    warm = [reading(f"{minute}m", name=name, temp=9) for minute in range(1, 5) for name in ("a", "b")]

    found = site.take(*warm)
    later = site.take(tick=600_000)

    assert found == {("warm", "site=s"): ["3m fired warning"]}
    assert later[("quiet", "site=s")] == ["9m fired warning"]
    assert later[("warm", "site=s")] == ["7m unknown (stale)"]


def test_peers_are_the_median_of_the_others(engine, device, reading):
    """A sensor is measured against its neighbours, not against itself, nor against what is silent."""
    rule = '  - {alert: drift, match: {type: room}, when: "abs(temp - peers(temp, site)) > 4", for: 1m}\n'
    site = engine(rule, *[device(name, type="room") for name in "abc"], device("f", type="freezer"))

    alone = site.take(reading(60_000, name="a", temp=30), reading(60_000, name="f", temp=-20))
    found = site.take(
        reading(61_000, name="b", temp=20), reading(62_000, name="c", temp=21), reading(70_000, name="a", temp=30)
    )
    calmed = site.take(reading(80_000, name="b", temp=29), reading(81_000, name="c", temp=28))

    assert alone == {}
    assert found[("drift", "s/a")] == ["1m10s pending warning"]
    assert calmed[("drift", "s/a")] == ["1m21s ended (known false)"]


def test_a_device_counts_in_its_own_rule_among_those_of_its_site(engine, freezers, device, reading):
    """In a rule per device the group are the devices of the same site that the rule matches."""
    rule = '  - {alert: only_me, match: {type: freezer}, when: "temp > -15 and share(temp > -15) < 0.5"}\n'
    site = engine(rule, *freezers("a", "b", "c"), device("r", type="room"), device("x", site="t", type="freezer"))

    temps = {"a": -9, "b": -20, "c": -20, "r": 20}
    found = site.take(*[reading(60_000, name=name, temp=temp) for name, temp in temps.items()])
    more = site.take(reading(61_000, name="b", temp=-9))

    assert found == {("only_me", "s/a"): ["1m fired warning"]}
    assert more == {("only_me", "s/a"): ["1m1s resolved (known false)"]}


COMPOSED = """
  - {alert: hot, when: temp > 30, unless: firing(site_hot)}
  - {alert: site_hot, per: site, when: "devices(temp > 30) >= 2"}
  - {alert: many_hot, per: fleet, when: "devices(firing(hot)) >= 1", unless: "devices(firing(site_hot)) >= 1"}
  - {alert: zone_hot, per: [site, zone], when: "devices(temp > 30) >= 1 and not firing(site_hot)"}
  - {alert: cut_off, per: [site, gateway], when: "devices(temp > 30) >= 1", unless: "firing(down, gateway)"}
  - {alert: down, when: not online}
"""


def test_rules_ask_for_each_other_between_devices_and_groups(engine, device, reading):
    """The group of a device's labels covers it, and a group's label names a device; effects follow at once."""
    site = engine(COMPOSED, device("a", zone="x", gateway="g"), device("b", zone="x", gateway="g"), device("g"))

    one = site.take(reading(60_000, name="a", temp=31), reading(60_000, name="g", temp=0))
    two = site.take(reading(61_000, name="b", temp=31))
    down = site.take(reading(62_000, {"online": False}, name="g", kind=Kind.STATUS))
    cool = site.take(reading(63_000, name="b", temp=20))

    assert one == {
        ("hot", "s/a"): ["1m fired warning"],
        ("many_hot", "fleet"): ["1m fired warning"],
        ("zone_hot", "site=s,zone=x"): ["1m fired warning"],
        ("cut_off", "site=s,gateway=g"): ["1m fired warning"],
    }
    assert two == {
        ("site_hot", "site=s"): ["1m1s fired warning"],
        ("hot", "s/a"): ["1m1s suppressed (unless)"],
        ("hot", "s/b"): ["1m1s suppressed (unless)"],
        ("many_hot", "fleet"): ["1m1s suppressed (unless)"],
        ("zone_hot", "site=s,zone=x"): ["1m1s resolved (known false)"],
    }
    assert down[("cut_off", "site=s,gateway=g")] == ["1m2s suppressed (unless)"]
    assert cool[("site_hot", "site=s")] == ["1m3s resolved (known false)"]
    assert cool[("hot", "s/a")] == ["1m3s unsuppressed"]
    assert cool[("many_hot", "fleet")] == ["1m3s unsuppressed"]


def test_overrides_by_the_labels_of_a_group_hold_for_it(engine, device, reading):
    """A group has the parameters that its own labels select."""
    rule = """
  - alert: any
    per: site
    params: {top: 30}
    overrides:
      - {match: {site: t}, params: {top: 40}}
    when: devices(temp > top) >= 1
"""
    both = engine(rule, device("a"), device("x", site="t"))

    found = both.take(reading(60_000, name="a", temp=31))

    assert found == {("any", "site=s"): ["1m fired warning"]}
    assert both.memory.groups.of_rule("any")[1].rule.params["top"].number == 40


def test_a_reload_judges_an_open_group_by_its_new_rule(engine, freezers, reading):
    """The same meaning keeps the state; another one ends it where it is known to be false; no rule ends it too."""
    site = engine(ANY, *freezers("a"))
    site.take(reading(60_000, name="a", temp=31))

    same = site.reload(ANY.replace("when", "summary: hot, when"))
    changed = site.reload(ANY.replace("30", "20"))
    false = site.reload(ANY.replace("30", "40"))
    site.take(reading(120_000, name="a", temp=41))
    removed = site.reload(ANY.replace("any", "other"))

    assert (same, changed) == ({}, {})
    assert false == {("any", "site=s"): ["1m resolved (rule changed)"]}
    assert removed == {("any", "site=s"): ["2m resolved (rule removed)"]}


def test_readings_of_any_member_count_while_a_group_fires(engine, freezers, reading):
    """Occurrences of a group's alert are the newly stored readings that it was judged by."""
    site = engine(ANY, *freezers("a", "b"))
    site.take(reading(60_000, name="a", temp=31))

    site.take(
        reading(61_000, name="b", temp=20), reading(62_000, name="a", temp=31), reading(63_000, name="b", door="x")
    )

    assert list(site.evaluation.occurrences.values()) == [2]


def test_compiling_asks_an_equal_question_once(rule_set):
    """The same condition in two tiers and in the summary is counted once."""
    program = compile_rules(rule_set(QUORUM))
    plan = program.plan_of(DeviceFacts(None, {"type": "freezer", "site": "s"}))

    (survey,) = plan.by_id["warm"].surveys

    assert [poll.text for poll in survey.polls] == ["temp > -15"]
