"""Evidence as clients read it: the API has one way to write instants, and one to write durations."""

from iotops.api.evidence_shapes import evidence_shape
from iotops.rules.compile import compile_rules
from iotops.rules.engine import Now, evaluate
from iotops.rules.memory import Memory
from iotops.rules.rulefile import parse_rules
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import DeviceKey, Reading

RULES = "rules:\n  - {alert: hot, when: temp > 30, for: 2m}\n"
START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def _frozen():
    """What an alert that fires after two minutes keeps as its proof."""
    rule_set, _ = parse_rules({"rules/hot.yaml": RULES})
    times = [START_MS + minute * 60_000 for minute in range(3)]
    batch = Batch([Reading(DeviceKey("s", "d"), at_ms, at_ms, {"temp": 31}) for at_ms in times])

    evaluation = evaluate(compile_rules(rule_set), batch, Memory(), Now(times[-1], times[-1]))

    (alert,) = [each.alert for each in evaluation.transitions if each.change == "fired"]
    return alert.evidence


def test_instants_and_durations_of_real_evidence_are_spelled_out():
    """Instants are RFC 3339 and durations read as in the rule; samples are `[t, v]` as telemetry answers them."""
    shape = evidence_shape(_frozen())

    assert (shape["true_since"], shape["fired_at"]) == ("2026-01-01T00:00:00Z", "2026-01-01T00:02:00Z")
    assert (shape["held"], shape["for"]) == ("2m", {"warning": "2m"})
    assert shape["samples"]["temp"][-1] == ["2026-01-01T00:02:00Z", 31]
    assert [name for name in shape if name.endswith("_ms")] == []


def test_what_was_kept_in_other_words_stays_as_it_is():
    """Members that are no times are left alone, and an instant that was not known stays null."""
    kept = {"values": {"temp": -3.5}, "when": "temp < 0", "true_since_ms": None}

    assert evidence_shape(kept) == {"values": {"temp": -3.5}, "when": "temp < 0", "true_since": None}
