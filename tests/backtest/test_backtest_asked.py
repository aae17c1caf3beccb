"""A backtest as it is asked for: alerts, differences, candidates, shares in processes, and stats."""

import json

import pytest
from plant import MINUTE_MS, START_MS

from iotops.backtest.ask import Asked, ask
from iotops.backtest.run import TookTooLong
from iotops.backtest.sweep import parse_sweep
from iotops.durations import parse_instant
from iotops.errors import ConfigurationError
from iotops.incidents.deadlines import Policy
from iotops.incidents.incident import Actor
from iotops.rules.rulefile import load_rules, parse_rules
from iotops.store import compaction, incidents
from iotops.store.rule_stats import rule_stats

ANA = Actor("token", "ana")
RULES = """
metrics:
  temp: {kind: gauge, valid: [-60, 80]}
rules:
  - alert: warm
    params: {crit: -10}
    when: temp > crit
    for: 5m
    until: temp < -15
  - alert: never
    when: temp > 79
"""


@pytest.fixture
def filled(plant):
    """Four hours of two freezers, each an hour in two too warm for ten minutes."""
    ingest = plant(RULES)
    for minute in range(240):
        temps = {"fz-1": -8 if minute % 120 in range(60, 70) else -20, "fz-2": -11 if minute > 200 else -20}
        values = {name: {"temp": None if minute == 3 else float(temp)} for name, temp in temps.items()}
        ingest.process(*(ingest.message(f"paris/{name}/telemetry", body) for name, body in values.items()))
        ingest.wait(MINUTE_MS)
        ingest.process()
    return ingest


def asked(ingest, **options):
    return Asked(load_rules(ingest.rules), START_MS, ingest.now_ms, **options)


def test_alerts_are_those_of_live(filled, database):
    """Rule, instance, severity and times are those that the incidents have; two processes find the same."""
    told = ask(database.secret_url, asked(filled))
    with database.read() as unit:
        live = [incidents.get(unit, str(number)) for number in (1, 2)]

    assert [each["fired_at"] for each in told["alerts"]] == ["2027-01-15T09:05:00Z", "2027-01-15T11:05:00Z"]
    assert {each["instance"] for each in told["alerts"]} == {"paris/fz-1"}
    assert [each.fired_ms for each in live] == [START_MS + 65 * MINUTE_MS, START_MS + 185 * MINUTE_MS]
    assert told["readings"] == 480
    assert not told["approximate"]
    assert [(each["rule"], each["alerts"], each["incidents"]) for each in told["rules"]] == [
        ("warm", 2, 2),
        ("never", 0, 0),
    ]
    assert ask(database.secret_url, asked(filled), processes=2)["alerts"] == told["alerts"]
    assert ask(database.secret_url, asked(filled, devices=("fz-2",)))["alerts"] == []
    assert [each["fired_at"] for each in ask(database.secret_url, asked(filled, by_event=True))["alerts"]] == [
        each["fired_at"] for each in told["alerts"]
    ]


@pytest.mark.parametrize("by_event", [False, True])
def test_rules_that_ask_for_built_in_ones_find_them_over_stored_telemetry(plant, database, by_event):
    """They fire as they did live, and are not told of themselves: they are none of the rules that were asked for."""
    ingest = plant("rules: [{alert: warm_and_wrong, when: temp > 30 and firing(clock_skew)}]")
    for minute in range(10):
        ahead_ms = 400_000 if minute in range(4, 6) else 0
        ingest.process(ingest.message("paris/fz-1/telemetry", {"ts": ingest.now_ms + ahead_ms, "temp": 40}))
        ingest.wait(MINUTE_MS)
        ingest.process()
    live = [alert.fired_ms for change, _, alert, _ in ingest.log if change == "fired" and "warm" in alert.key.rule]

    told = ask(database.secret_url, asked(ingest, by_event=by_event))

    assert [each["rule"] for each in told["alerts"]] == ["warm_and_wrong"]
    assert [parse_instant(each["fired_at"]) for each in told["alerts"]] == live == [START_MS + 4 * MINUTE_MS]


def test_event_order_finds_the_same_in_blocks_and_in_processes(filled, database):
    """Columns of blocks, judged as they are, and by two processes, give the alerts that rows gave."""
    from_rows = ask(database.secret_url, asked(filled, by_event=True), processes=0)
    compaction.compact(database, now_ms=filled.now_ms + 3 * 3_600_000)

    alone = ask(database.secret_url, asked(filled, by_event=True), processes=0)
    two = ask(database.secret_url, asked(filled, by_event=True), processes=2)

    assert alone["readings"] == two["readings"] == 480
    assert alone["alerts"] == two["alerts"] == from_rows["alerts"]
    assert len(alone["alerts"]) == 2


def test_other_rules_show_as_a_difference(filled, database):
    """What is gone, and what is new."""
    other, _ = parse_rules({"rules.yaml": RULES.replace("crit: -10", "crit: -12").replace("for: 5m", "for: 6m")})

    told = ask(database.secret_url, asked(filled, against=other))["against"]

    assert [each["instance"] for each in told["only_before"]] == ["paris/fz-2"]
    assert told["only_now"] == []
    assert len(told["changed"]) == 2


def test_sweep_is_scored_by_verdicts(filled, database):
    """A candidate that misses the real one has recall 0; without verdicts nothing is claimed."""
    sweep = parse_sweep("crit=-12..-6/3")
    before = ask(database.secret_url, asked(filled, sweep=sweep))["sweep"]
    with database.begin() as unit:
        for number, verdict in ((1, "real"), (2, "false_alarm")):
            incidents.act(
                unit, str(number), "edit", Actor("token", "ana"), filled.now_ms, policy=Policy(), verdict=verdict
            )

    after = ask(database.secret_url, asked(filled, sweep=sweep))["sweep"]

    assert before["verdicts"] == {"real": 0, "false_alarm": 0}
    assert [each["recall"] for each in before["candidates"]] == [None] * 3
    assert [
        (each["candidate"], each["incidents"], each["precision"], each["recall"]) for each in after["candidates"]
    ] == [
        ("-12", 3, 0.5, 1.0),
        ("-9", 2, 0.5, 1.0),
        ("-6", 0, None, 0.0),
    ]
    assert after["candidates"][1]["delay_ms"] == 5 * MINUTE_MS


def test_what_cannot_be_asked_is_refused(filled, database):
    """A rule that does not exist, a range without length, two questions at once, and a time that is over."""
    with pytest.raises(ConfigurationError, match="there is no such rule; there are never, warm"):
        ask(database.secret_url, asked(filled, only=("wram",)))
    with pytest.raises(ConfigurationError, match="ends before it begins"):
        ask(database.secret_url, Asked(load_rules(filled.rules), 5, 5))
    with pytest.raises(TookTooLong, match="choose a shorter range"):
        ask(database.secret_url, asked(filled), processes=1, within_s=0.0)


def test_stats_tell_how_rules_fare(filled, database):
    """Incidents, verdicts, times, what never fired, rejected samples of the metrics that a rule reads, and cost."""
    with database.begin() as unit:
        incidents.act(unit, "1", "edit", ANA, filled.now_ms, policy=Policy(), verdict="false_alarm")
        filled.pipeline.tallies.write(unit, filled.now_ms)

    with database.read() as unit:
        *built_in, never, warm = rule_stats(unit, START_MS, filled.now_ms)

    assert (warm.incidents, warm.judged, warm.false_alarm_share) == (2, 1, 1.0)
    assert (warm.never_fired, never.never_fired) == (False, True)
    assert built_in
    assert all(each.never_fired for each in built_in)
    assert warm.open_ms is not None
    assert warm.rejected == never.rejected == 2
    assert warm.cost_us > 0
    assert json.dumps(warm.open_ms)
