"""`iotops rules backtest` and `stats`."""

import json

import pytest

from iotops.clock import now_ms
from iotops.rules.rulefile import parse_rules
from iotops.store import rules as rules_store
from iotops.store import telemetry
from iotops.store.registry import Registry
from iotops.store.trails import Trails
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import DeviceKey, Reading

GOOD = """
metrics:
  temp: {unit: °C, kind: gauge, every: 1m}
rules:
  - alert: hot
    when: temp > 30
"""


@pytest.fixture
def rules(tmp_path, monkeypatch, run):
    """The folder of rules that the settings name."""
    folder = tmp_path / "rules"
    folder.mkdir()
    monkeypatch.setenv("IOTOPS_RULES__DIRECTORY", str(folder))
    return folder


@pytest.fixture
def recorded(database):
    """Store an hour of a device that is hot for ten minutes, and load the rule."""
    begun_ms = now_ms() - 3_600_000
    registry, trails = Registry(), Trails()
    for minute in range(60):
        at_ms = begun_ms + minute * 60_000
        values = {"temp": 35.0 if 20 <= minute < 30 else 20.0}
        batch = Batch([Reading(DeviceKey("s1", "d1"), at_ms, at_ms, values, bytes([minute] * 16), connected_ms=at_ms)])
        with database.begin() as unit:
            ids = registry.register(unit, list(batch), 0).ids
            telemetry.append(unit, trails, batch, ids, batch_no=minute + 1)
    with database.begin() as unit:
        rules_store.keep_loaded(unit, parse_rules({"hot.yaml": GOOD})[0], begun_ms)


def test_backtest_lists_what_would_have_been_raised(run, rules, recorded):
    """One alert of one device, for people and for programs; ranges that the log does not tell of are marked."""
    (rules / "hot.yaml").write_text(GOOD)

    text, program = run("rules", "backtest", "--since", "1d"), run("rules", "backtest", "--format", "json")

    assert (text.status, program.status) == (0, 0), text.err
    assert "approximate throughout" in text.out
    assert text.err == ""  # no bar where nobody watches
    told = json.loads(program.out)
    assert [(each["rule"], each["instance"], each["severity"]) for each in told["alerts"]] == [
        ("hot", "s1/d1", "warning")
    ]
    assert told["approximate"]
    assert told["rules"][0]["incidents"] == 1


def test_backtest_against_other_rules_ends_with_1_where_they_differ(run, rules, recorded, tmp_path):
    """A difference is a finding; a revision that is none, and a rule that is not there, are wrong usage."""
    (rules / "hot.yaml").write_text(GOOD)
    other = tmp_path / "other.yaml"
    other.write_text(GOOD.replace("temp > 30", "temp > 36"))

    differs = run("rules", "backtest", "--against", other)
    same = run("rules", "backtest", "--against", rules)
    unknown = run("rules", "backtest", "--against", "no-such-revision")

    assert (differs.status, same.status, unknown.status) == (1, 0, 2)
    assert "0 alerts gone, 1 alert new, 0 alerts changed" in differs.out
    assert "no difference" in same.out
    assert "no git repository" in unknown.err
    assert run("rules", "backtest", "--rule", "hto").status == 2
    assert run("rules", "backtest", "--sweep", "crit=5..1/1").status == 2
    assert run("rules", "backtest", "--until", "60d").status == 2
    assert run("rules", "backtest", "--device", "other").status == 1


def test_stats_of_loaded_rules(run, rules, recorded):
    """A row for each rule; where none is loaded there is nothing to tell."""
    text, program = run("rules", "stats"), run("rules", "stats", "--format", "json")

    assert (text.status, program.status) == (0, 0), text.err
    assert "hot" in text.out
    assert "never" in text.out
    assert (
        json.loads(program.out)["items"][0] | {"rule": "hot", "incidents": 0, "never_fired": True}
        == json.loads(program.out)["items"][0]
    )
