"""The parts of a backtest that need no database: episodes, verdicts, candidates, shares, old rules."""

import subprocess
from dataclasses import replace

import pytest

from iotops.backtest.episodes import Episode, changes, incidents
from iotops.backtest.judging import starts_ms
from iotops.backtest.partition import shares
from iotops.backtest.question import Question
from iotops.backtest.revision import rules_at
from iotops.backtest.sweep import parse_sweep, swept
from iotops.backtest.verdicts import Judged, score
from iotops.errors import ConfigurationError
from iotops.rules.device import DeviceFacts
from iotops.rules.rule import Severity
from iotops.rules.rulefile import parse_rules
from iotops.telemetry.reading import DeviceKey

MINUTE_MS = 60_000
RULE = """
rules:
  - alert: warm
    params: {crit: -10, hold: 5m}
    when: temp > crit
    for: 5m
"""


def rules(text=RULE):
    found, findings = parse_rules({"rules.yaml": text})
    assert not [each for each in findings if each.level == "error"], findings
    return found


def episode(fired, resolved=None, *, rule="warm", instance="s1/d1", severity=Severity.WARNING):
    """Return an episode; minutes."""
    ends_ms = None if resolved is None else resolved * MINUTE_MS
    at_ms = fired * MINUTE_MS
    return Episode(f"{rule}{instance}{fired}", rule, instance, "s1", severity, at_ms, at_ms, at_ms, ends_ms)


def test_alert_that_fires_again_within_reopen_makes_no_second_incident():
    """Thirty minutes of quiet are one incident, more are two; other instances have their own."""
    found = [episode(0, 10), episode(40, 50), episode(81, 90), episode(45, 60, instance="s1/d2")]

    made = incidents(found, rules().rules)

    assert [[each.fired_ms // MINUTE_MS for each in one] for one in made] == [[0, 40], [45], [81]]


def test_what_is_read_before_the_range_fills_windows_holds_and_waits():
    """Of rules that wait for late samples as well: their windows count, and so does the wait itself."""
    waiting = rules("rules: [{alert: warm, when: 'avg(temp[2h]) > 5', for: 30m, lateness: 1h}]")
    facts = DeviceFacts(DeviceKey("s1", "d1"), {}, registered_ms=0)

    assert starts_ms(Question("", 300 * MINUTE_MS, 400 * MINUTE_MS, (waiting,)), [facts]) == 90 * MINUTE_MS


def test_difference_names_what_is_gone_new_and_changed():
    """An alert at the same time, or overlapping, is the same one; its times and severity may differ."""
    same, moved, worse, gone = episode(0, 5), episode(10, 20), episode(30, 40), episode(50, 55)
    new = episode(70, 75)
    after = [same, replace(moved, fired_ms=12 * MINUTE_MS), replace(worse, severity=Severity.CRITICAL), new]

    lost, found, differing = changes([same, moved, worse, gone], after)

    assert (lost, found) == ([gone], [new])
    assert [one for one, _ in differing] == [moved, worse]


@pytest.mark.parametrize(
    ("fired", "resolved", "matches"),
    [
        (100, 110, True),  # overlaps
        (40, 75, True),  # ended 25 minutes before
        (40, 69, False),  # 31 minutes before
        (150, None, True),  # 30 minutes after
        (151, None, False),
    ],
)
def test_would_be_incident_is_a_judged_one_where_it_is_near(fired, resolved, matches):
    """Same rule and device, overlapping or at most thirty minutes apart."""
    judged = Judged("INC-1", "warm", "s1/d1", 95 * MINUTE_MS, 100 * MINUTE_MS, 120 * MINUTE_MS, is_real=True)

    found = score([(episode(fired, resolved),)], [judged])

    assert found.found == matches
    assert found.unjudged == (not matches)


def test_precision_recall_and_delay_come_from_verdicts():
    """Two of three judged would-be incidents are real, two of three real ones are found, late by 5 and by 9 minutes."""
    real = [
        Judged(f"INC-{day}", "warm", "s1/d1", day * 1_440 * MINUTE_MS, day * 1_440 * MINUTE_MS, None, is_real=True)
        for day in (1, 2, 3)
    ]
    ended = [replace(each, resolved_ms=each.fired_ms + 10 * MINUTE_MS) for each in real]
    false = Judged("INC-9", "warm", "s1/d2", 0, 0, MINUTE_MS, is_real=False)
    would_be = [
        (episode(1_445, 1_500),),
        (episode(2_889, 2_900),),
        (episode(3, 4, instance="s1/d2"),),
        (episode(9_000, 9_001),),
    ]

    found = score(would_be, [*ended, false])

    assert (found.precision, found.recall) == (2 / 3, 2 / 3)
    assert (found.unjudged, found.delay_ms) == (1, 7 * MINUTE_MS)


def test_score_without_verdicts_claims_nothing():
    """Nothing is divided by nothing."""
    found = score([(episode(0),)], [])

    assert (found.precision, found.recall, found.delay_ms, found.unjudged) == (None, None, None, 1)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("crit=-12..-10/1", ["-12", "-11", "-10"]),
        ("crit=0.1..0.35/0.1", ["0.1", "0.2", "0.3"]),
        ("hold=5m..15m/5m", ["5m", "10m", "15m"]),
        ("hold=30s..1m/30s", ["30s", "1m"]),
    ],
)
def test_candidates_are_counted_exactly(text, values):
    """Both ends are tried, in decimal numbers or in time."""
    assert [name for name, _ in parse_sweep(text).candidates] == values


@pytest.mark.parametrize("text", ["crit", "crit=1..5", "crit=5..1/1", "crit=1..5/0", "crit=1..9999/1", "crit=a..b/c",
                                  "crit=1..5/1m", "crit=0..inf/1"])  # fmt: skip
def test_range_that_is_none_is_refused(text):
    """What is wrong is said by a ValueError."""
    with pytest.raises(ValueError, match=r"crit|not a"):
        parse_sweep(text)


def test_sweep_changes_the_parameter_of_the_rules_that_have_it():
    """A parameter that nobody has, or of another kind, is refused."""
    having, sets = swept(rules(), parse_sweep("crit=-12..-11/1"))

    assert having == {"warm"}
    assert [each.rules["warm"].params["crit"].number for each in sets] == [-12, -11]
    with pytest.raises(ConfigurationError, match="they have crit, hold"):
        swept(rules(), parse_sweep("cirt=1..2/1"))
    with pytest.raises(ConfigurationError, match="it is a duration"):
        swept(rules(), parse_sweep("hold=1..2/1"))


def facts(device, site="s1", **labels):
    return DeviceFacts(DeviceKey(site, device), {"site": site, "device": device, "name": device, **labels})


def test_devices_that_rules_connect_stay_together():
    """A gateway and what names it are one share's; devices without links go anywhere."""
    linked = rules("""
rules:
  - alert: a
    when: not online
  - alert: b
    when: age() > 5m and not firing(a, gateway)
""")
    devices = [facts("gw"), facts("d1", gateway="gw"), facts("d2", gateway="gw"), facts("d3"), facts("d4"), facts("d5")]

    found = shares([linked], devices, 2)

    assert sorted(len(share) for share in found) == [3, 3]
    together = next(share for share in found if devices[0] in share)
    assert {each.key.device for each in together} == {"gw", "d1", "d2"}
    assert shares([linked], [facts("gw"), *(facts(f"d{n}", gateway="gw") for n in range(9))], 2) != found
    assert len(shares([None], devices, 2)) == 1


def git(folder, *arguments):
    identity = ["-c", "user.name=ana", "-c", "user.email=ana@example.org"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def test_old_rules_come_out_of_git(tmp_path):
    """A revision gives the files as they were; a path beats a revision; everything else is refused with a reason."""
    folder = tmp_path / "repository" / "rules"
    folder.mkdir(parents=True)
    (folder / "cold.yaml").write_text(RULE)
    (folder / "devices.yaml").write_text("devices: []\n")
    git(folder.parent, "init", "-q")
    git(folder.parent, "add", ".")
    git(folder.parent, "commit", "-qm", "first")
    (folder / "cold.yaml").write_text(RULE.replace("warm", "hot"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.yaml").write_text(RULE.replace("warm", "other"))

    assert list(rules_at("HEAD", folder).rules) == ["warm"]
    assert list(rules_at("HEAD", folder / "cold.yaml").rules) == ["warm"]
    assert list(rules_at(str(elsewhere), folder).rules) == ["other"]
    with pytest.raises(ConfigurationError, match="nor a revision"):
        rules_at("nonsense", folder)
    with pytest.raises(ConfigurationError, match="in no git repository"):
        rules_at("HEAD", elsewhere)


def test_missing_git_is_named(tmp_path, monkeypatch):
    """Without git a directory is still possible, and the error says so."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ConfigurationError, match="git is not installed"):
        rules_at("HEAD", tmp_path)
