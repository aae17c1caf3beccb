"""Alerts, dead letters, rules, snapshots and heartbeats as rows."""

from dataclasses import replace

import pytest

from iotops.errors import NotFound
from iotops.rules.alert import Alert, AlertKey, AlertState, Change, Transition
from iotops.rules.language.nodes import Literal
from iotops.rules.rule import Expression, Position, Rule, RuleSet, Severity
from iotops.rules.sequence import Attempt
from iotops.store import alerts, attempts, dead_letters, heartbeats, rules, slots
from iotops.store.alerts import AlertFilter
from iotops.store.heartbeats import Heartbeat
from iotops.store.slots import Snapshot
from iotops.telemetry.decode import DeadLetter
from iotops.telemetry.message import Message
from iotops.telemetry.reading import DeviceKey

KEY = AlertKey("too-warm", "s1/freezer-1")
PENDING = Alert(
    id="e1",
    key=KEY,
    rule_version="v1",
    semantic_hash="s1",
    site="s1",
    device=DeviceKey("s1", "freezer-1"),
    state=AlertState.PENDING,
    severity=Severity.WARNING,
    began_ms=100,
    true_since_ms={Severity.WARNING: 100, Severity.CRITICAL: 200},
    tiers_reached=frozenset({Severity.WARNING}),
    clear_since_ms=300,
    unless_since_ms=7,
    last_true_ms=250,
    checked_ms=400,
    occurrences=3,
    summary="Käse",
    evidence={"values": {"t": 9.5}, "when": "t > 8"},
)
FIRING = replace(PENDING, state=AlertState.FIRING, fired_ms=150, data_known=False, suppressed_by="gateway-down")
RESOLVED = replace(FIRING, state=AlertState.RESOLVED, resolved_ms=500)


def keep(database, changed, *transitions):
    with database.begin() as unit:
        alerts.keep(unit, changed, transitions, now_ms=1_000)


def opened(database):
    with database.read() as unit:
        return alerts.load_open(unit)


@pytest.mark.parametrize("alert", [PENDING, FIRING, replace(FIRING, device=None, evidence={})])
def test_restart_loads_an_open_alert_as_it_was(database, alert):
    """Everything the state machine needs survives, clocks and tiers included."""
    keep(database, {KEY: alert})

    assert opened(database) == [alert if alert.device else replace(alert, device=None)]


def test_restart_loads_how_far_sequences_have_come(database):
    """One row per instance, replaced by what it is now, and gone when there is nothing to know."""
    begun, gone = Attempt("s1", 100, True, 1, 100, False), AlertKey("too-warm", "s1/freezer-2")
    with database.begin() as unit:
        attempts.keep(unit, {KEY: begun, gone: begun})
    with database.begin() as unit:
        attempts.keep(unit, {KEY: begun._replace(done=2), gone: None})

    with database.read() as unit:
        assert attempts.load(unit) == {KEY: begun._replace(done=2)}


def test_alert_is_replaced_by_its_newer_state(database):
    """One row per episode, whatever happens to it."""
    keep(database, {KEY: PENDING})
    keep(database, {KEY: FIRING})

    assert opened(database) == [FIRING]


def test_readings_of_a_firing_alert_add_up_in_its_row_whoever_writes_it(database):
    """The row alone holds the sum: a newer state of the alert, written by a process that never counted, keeps it."""
    keep(database, {KEY: replace(FIRING, occurrences=0, last_true_ms=None)})
    for more, last_ms in ((2, 200), (5, 260)):
        with database.begin() as unit:
            alerts.count(unit, {FIRING.id: more}, {FIRING.id: last_ms}, now_ms=1_000)

    keep(database, {KEY: replace(FIRING, occurrences=0, last_true_ms=None, data_known=True)})

    (alert,) = opened(database)
    assert (alert.occurrences, alert.last_true_ms, alert.data_known) == (7, 260, True)


def test_pending_that_ended_is_forgotten(database):
    """A hold that was not served is nobody's business."""
    keep(database, {KEY: PENDING})
    keep(database, {KEY: None}, Transition(Change.ENDED, 200, PENDING))

    assert opened(database) == []
    with database.read() as unit, pytest.raises(NotFound):
        alerts.get(unit, PENDING.id)


def test_resolved_episode_stays_and_is_not_open(database):
    """What fired is history that people look at."""
    keep(database, {KEY: FIRING})
    keep(database, {KEY: None}, Transition(Change.RESOLVED, 500, RESOLVED))

    assert opened(database) == []
    with database.read() as unit:
        assert alerts.get(unit, RESOLVED.id).alert == RESOLVED


def test_instance_may_resolve_and_begin_anew_in_one_batch(database):
    """Two episodes of one instance within one transaction: the first is closed before the second opens."""
    again = replace(PENDING, id="e2", began_ms=600)
    keep(database, {KEY: FIRING})

    keep(database, {KEY: again}, Transition(Change.RESOLVED, 500, RESOLVED), Transition(Change.PENDING, 600, again))

    assert opened(database) == [again]
    with database.read() as unit:
        assert alerts.get(unit, "e1").alert == RESOLVED


def test_pending_may_end_and_begin_anew_in_one_batch(database):
    """An old pending episode does not stand in the way of its successor."""
    again = replace(PENDING, id="e2", began_ms=600)
    keep(database, {KEY: PENDING})
    keep(database, {KEY: again})

    assert opened(database) == [again]


def test_incident_of_an_alert_survives_its_next_state(database):
    """The machine's columns are written without touching which incident the episode belongs to."""
    keep(database, {KEY: PENDING})
    with database.begin() as unit:
        alerts.attach(unit, {PENDING.id: 77})
    keep(database, {KEY: FIRING})

    with database.read() as unit:
        row = unit.connection.exec_driver_sql("SELECT incident_id FROM alert").scalar_one()
    assert row == 77


def test_alerts_are_listed_by_page_and_filter(database):
    """Pages follow each other, those that began last first; filters accept what they name."""
    for number in range(5):
        key = AlertKey("r", f"s1/d{number}")
        keep(database, {key: replace(PENDING, id=f"e{number}", key=key, began_ms=100 + number // 2)})

    seen = []
    with database.read() as unit:
        while some := alerts.page(unit, AlertFilter(), limit=2, after=seen[-1] if seen else None):
            seen += [(each.alert.began_ms, each.alert.id) for each in some]
        chosen = alerts.page(unit, AlertFilter({"instance": ["s1/d3"], "state": ["pending", "firing"]}), limit=9)

    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 5
    assert [each.alert.id for each in chosen] == ["e3"]


def letter(payload=b"{", reason="bad_json", *, topic="iot/s/d/telemetry", received_ms=1_000, dup=False):
    return DeadLetter(Message(topic, payload, received_ms, dup=dup), reason, "what was expected", 0)


def test_dead_letter_is_kept_with_reason_digest_and_printable_head(database):
    """Whatever the bytes were, people can read their beginning, and a redrive has all of them."""
    payload = b"\x00\xff<script>\x1b[2J" + b"x" * 1_000

    with database.begin() as unit:
        assert dead_letters.keep(unit, [letter(payload, topic="iot/\\xff/\x07")]) == 1

    with database.read() as unit:
        (found,) = dead_letters.page(unit, limit=10)
        assert dead_letters.get(unit, found.id) == found
    assert (found.reason, found.size, found.received_ms) == ("bad_json", len(payload), 1_000)
    assert found.head.isprintable()
    assert found.head.startswith("\\x00\\xff<script>\\x1b[2J")
    assert found.message is not None
    assert found.message.payload == payload


def test_redelivered_dead_letter_is_kept_once(database):
    """A broker that sends a bad message again after a crash makes no second letter; a device that does, makes one."""
    with database.begin() as unit:
        dead_letters.keep(unit, [letter()])

    with database.begin() as unit:
        new = dead_letters.keep(unit, [letter(dup=True, received_ms=2_000), letter(received_ms=3_000)])

    assert new == 1
    digest = "021fb596db81e6d02bf3d2586ee3981fe519f275c0ac9ca76bbcf2ebb4097d96"
    with database.read() as unit:
        assert dead_letters.count_by_digest(unit, [digest, "0" * 64]) == {digest: 2}


def test_dead_letters_are_filtered_and_paged_newest_first(database):
    """A page continues before the last id of the one before."""
    with database.begin() as unit:
        dead_letters.keep(unit, [letter(str(n).encode(), "bad_json" if n % 2 else "too_large") for n in range(6)])

    with database.read() as unit:
        first = dead_letters.page(unit, reasons=["bad_json"], limit=2)
        rest = dead_letters.page(unit, reasons=["bad_json"], limit=2, before=first[-1].id)

    assert [each.head for each in first + rest] == ["5", "3", "1"]


def test_redriven_letter_says_so(database):
    """A letter that went through the pipeline again is marked, not deleted."""
    with database.begin() as unit:
        dead_letters.keep(unit, [letter()])
        (kept,) = dead_letters.page(unit, limit=1)
        dead_letters.mark_redriven(unit, [kept.id], now_ms=5_000)

    with database.read() as unit:
        assert dead_letters.get(unit, kept.id).redriven_ms == 5_000


def test_snapshot_comes_back_and_is_replaced(database):
    """Of each slot the newest snapshot counts, and the oldest position says from where to replay."""
    with database.begin() as unit:
        slots.save(unit, [Snapshot(7, 10, 100, b"\x00old")], now_ms=1)
        slots.save(unit, [Snapshot(7, 20, 200, b"\x00new"), Snapshot(3, 15, 150, b"")], now_ms=2)

    with database.read() as unit:
        assert slots.load_all(unit) == [Snapshot(3, 15, 150, b""), Snapshot(7, 20, 200, b"\x00new")]
        assert slots.oldest_position(unit) == 15


def test_heartbeat_replaces_the_one_before(database):
    """The newest sign of life of each process is what counts."""
    for at_ms in (1, 2):
        with database.begin() as unit:
            heartbeats.beat(unit, Heartbeat("ingest", at_ms, 0, {"backlog": at_ms}))

    with database.read() as unit:
        assert heartbeats.latest(unit) == {"ingest": Heartbeat("ingest", 2, 0, {"backlog": 2})}


def rule(name, source="alert: x"):
    position = Position("f.yaml", 3, 1)
    return Rule(name, {Severity.WARNING: Expression("t > 8", Literal(0, 5, True), position)}, position, source=source)


def test_reload_keeps_how_rules_fared_and_hides_removed_ones(database):
    """Errors and last firing outlive a reload; a rule no longer in the files is listed no more, and still found."""
    with database.begin() as unit:
        rules.keep_loaded(unit, RuleSet({"a": rule("a"), "b": rule("b")}), now_ms=1)
        rules.note_fired(unit, {"a": 50})
        rules.note_error(unit, "a", "ZeroDivisionError", quarantined=True, count=3)
        assert rules.get(unit, "a").state == "quarantined"

    with database.begin() as unit:
        rules.keep_loaded(unit, RuleSet({"a": rule("a", "alert: y")}), now_ms=2)

    with database.read() as unit:
        (found,) = rules.every(unit)
        assert rules.get(unit, "b").state == "removed"
    assert (found.source, found.state, found.loaded_ms) == ("alert: y", "loaded", 2)
    assert (found.last_fired_ms, found.error_count, found.error) == (50, 3, "ZeroDivisionError")
