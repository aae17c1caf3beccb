"""Why a rule fired, or did not: the explanation of an instance, from what the database holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from iotops.durations import format_instant
from iotops.errors import NotFound
from iotops.incidents.incident import Incident
from iotops.rules.alert import Alert, AlertKey
from iotops.rules.authoring.causes import with_causes
from iotops.rules.authoring.explain import explain
from iotops.rules.authoring.explanation import NOT_WATCHED, Explanation
from iotops.rules.authoring.obstacles import OFF
from iotops.rules.compile import compile_rules
from iotops.rules.compiled import DEVICE
from iotops.rules.rule import Mode, RuleSet
from iotops.store import alerts, incidents, rules
from iotops.store.alerts import AlertFilter
from iotops.store.database import Unit
from iotops.store.hindsight import as_it_stands, as_it_stood

_MOST = 20  # alerts of one incident that are explained


@dataclass(frozen=True, slots=True)
class IncidentExplained:
    """An incident: the alerts behind it with their frozen evidence, oldest first, and how each instance stands now."""

    incident: Incident
    alerts: Sequence[Alert]
    now: Sequence[Explanation]

    @property
    def evidence(self) -> Mapping[str, Mapping[str, Any]]:
        """Return instance -> what was frozen when its alert fired."""
        return {f"{alert.key.rule} {alert.key.instance}": alert.evidence for alert in self.alerts}


def explain_instance(
    unit: Unit, rule_set: RuleSet, key: AlertKey, now_ms: int, at_ms: int | None = None
) -> Explanation:
    """Explain a rule on an instance, as it stands now or as it stood at an instant of event time.

    Raises:
        NotFound: no such device, or no such group.
    """
    program = compile_rules(with_causes(rule_set, key.rule))
    known = rule_set.rules.get(key.rule)
    if known is not None and known.mode is Mode.OFF and known.per != DEVICE:
        return Explanation(key.rule, key.instance, now_ms, NOT_WATCHED, position=known.position, blocks=(OFF,))
    notes = list(_compare(unit, rule_set, key.rule))
    if _is_quarantined(unit, key.rule):
        program.quarantined.add(key.rule)
    try:
        sight = as_it_stands(unit, program, key, now_ms) if at_ms is None else as_it_stood(unit, program, key, at_ms)
        found = explain(program, sight.memory, key.rule, key.instance, sight.at_ms)
    except RuntimeError as error:  # the rule itself fails, as it did in the ingest
        shown_ms = now_ms if at_ms is None else at_ms
        return Explanation(key.rule, key.instance, shown_ms, NOT_WATCHED, blocks=(("fails", str(error)),))
    return replace(found, notes=(*notes, *sight.notes))


def explain_incident(unit: Unit, rule_set: RuleSet, number: str, now_ms: int) -> IncidentExplained:
    """Explain the alerts of an incident: what was seen when they fired, and how things stand now.

    Raises:
        NotFound: no such incident, or a person raised it.
    """
    incident = incidents.get(unit, number)
    chosen = AlertFilter({"incident_id": [incidents.row_id(number)]})
    found = [kept.alert for kept in reversed(alerts.page(unit, chosen, limit=_MOST))]
    if not found:
        why = "a person raised it, so there is nothing to explain"
        if incident.merged_into is not None:
            why = f"it was merged into {incident.merged_into}, which has its alerts; explain that one"
        msg = f"incident {incident.number} has no alert behind it: {why}"
        raise NotFound(msg)
    keys = dict.fromkeys(alert.key for alert in found)
    return IncidentExplained(incident, found, [explain_instance(unit, rule_set, key, now_ms) for key in keys])


def _is_quarantined(unit: Unit, rule: str) -> bool:
    return any(found.id == rule and found.state == "quarantined" for found in rules.every(unit))


def _compare(unit: Unit, rule_set: RuleSet, rule_id: str) -> list[str]:
    """Return what to know where the files say something else than the rules in force."""
    loaded = next((found for found in rules.every(unit) if found.id == rule_id), None)
    known = rule_set.rules.get(rule_id)
    if known is None or (loaded is not None and loaded.full_hash == known.full_hash):
        return []
    if loaded is None:
        return ["this rule is not in force: no ingest has loaded it yet"]
    return [
        f"the file changed since {format_instant(loaded.loaded_ms)}, when the ingest loaded it; this is the file's rule"
    ]
