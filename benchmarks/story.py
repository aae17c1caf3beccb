"""One incident's story: what a device, a rule and people did, told by the product's own pure functions.

Only what happens and when is made up: each incident goes through `transition`, its clocks through `clock_of`, its
alert through the types of the engine, so that what is stored is what the product would have stored.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from benchmarks.measuring import DAY_MS
from iotops.incidents.clocks import Clock, clock_of
from iotops.incidents.incident import SYSTEM, Actor, Incident
from iotops.incidents.priority import derive
from iotops.incidents.promise import Promise
from iotops.incidents.timeline import Entry
from iotops.incidents.transitions import transition
from iotops.rules.alert import Alert, AlertKey, AlertState, episode_id
from iotops.rules.rule import Severity
from iotops.rules.rulefile import parse_rules
from iotops.telemetry.reading import DeviceKey

SITES, PER_SITE, SERVICES, TEAMS, PEOPLE = 500, 100, 60, 8, 40
ALIKE = 120  # devices so many places apart have service, team and findings in common
BEHIND = 1_000  # alerts that one open outage of a gateway explains
RULES = 30
RULE_FILE = "metrics:\n  value: {}\nrules:\n" + "".join(
    f"  - {{alert: {name}, match: {{type: unit}}, when: value > {limit}}}\n"
    for limit, name in enumerate(
        (*(f"bench_rule_{number:02d}" for number in range(RULES)), "bench_gateway", "bench_silent")
    )
)
PROMISE = Promise(
    "default",
    respond_minutes={"P1": 15, "P2": 60, "P3": 240, "P4": 480},
    resolve_minutes={"P1": 240, "P2": 480, "P3": 1_440, "P4": 4_320},
    pause_on=("waiting for parts",),
)
_FINDINGS = ("temperature above limit", "door open too long", "no reading for an hour", "pressure falls", "battery low")
_CAUSES = ("seal worn", "door left open", "power cut", "sensor moved", "supplier late")
_MINUTE_MS = 60_000


@cache
def rule_hashes() -> Mapping[str, str]:
    """Return rule -> what its alerts remember it by, so that an ingest that has these rules leaves them alone."""
    return {name: rule.semantic_hash for name, rule in parse_rules({"past.yaml": RULE_FILE})[0].rules.items()}


def device_of(place: int) -> DeviceKey:
    """Return a device, by its place among all."""
    return DeviceKey(f"site-{place // PER_SITE:03d}", f"unit-{place:05d}")


def service_of(place: int) -> str | None:
    """Return the service that a device belongs to; one in five belongs to none."""
    return None if place % 5 == 0 else f"service-{place % SERVICES:02d}"


def alert_of(rule: str, place: int, began_ms: int, severity: Severity, value: float) -> Alert:
    """Return an alert that fires on a device."""
    device = device_of(place)
    return Alert(
        id=episode_id(rule, device.site, str(device), began_ms),
        key=AlertKey(rule, str(device)),
        rule_version="3f786850e387550fdab836ed7e6dc881de23001b",
        semantic_hash=rule_hashes().get(rule, ""),
        site=device.site,
        device=device,
        state=AlertState.FIRING,
        severity=severity,
        began_ms=began_ms,
        true_since_ms={severity: began_ms},
        tiers_reached=frozenset({severity}),
        fired_ms=began_ms,
        last_true_ms=began_ms,
        checked_ms=began_ms,
        occurrences=7,
        summary=f"{device.device}: {_FINDINGS[place % len(_FINDINGS)]}, {value}",
        evidence={
            "expressions": {"value > 50": value, "avg(value[5m]) > 45": value - 4},
            "samples": {"value": [[began_ms - 10_000 * back, value - back] for back in range(6)]},
            "rule": {"file": "rules/bench.yaml", "line": 12},
        },
    )


@dataclass
class Story:
    """One incident from its first alert to where it stands `now_ms`."""

    incident: Incident
    alert: Alert
    now_ms: int
    entries: list[Entry] = field(default_factory=list)
    clocks: Mapping[str, Clock] = field(default_factory=dict)

    def act(self, action: str, actor: Actor, at_ms: int, note: str | None = None, **details: Any) -> None:
        """Do something about it."""
        self.incident, new = transition(self.incident, action, actor, at_ms, note=note, **details)
        self.entries.extend(new)

    def let_run(self) -> None:
        """Compute its clocks, and write down what they reached."""
        found = {kind: clock_of(self.entries, PROMISE, kind, self.now_ms) for kind in ("respond", "resolve")}
        self.clocks = {kind: clock for kind, clock in found.items() if clock is not None}
        for kind, clock in self.clocks.items():
            for action, at_ms in (("near_breach", clock.near_ms), ("breach", clock.breached_ms)):
                if at_ms is not None:
                    said = {"clock": kind, "policy": PROMISE.policy, "due_ms": clock.due_ms or clock.breached_ms}
                    self.act(action, SYSTEM, min(at_ms + 1_000, self.now_ms), **said)
        self.entries.sort(key=lambda entry: entry.at_ms)


def tell(alert: Alert, place: int, now_ms: int, chance: random.Random, *, stays: bool, outage: bool = False) -> Story:
    """Return the story of an alert's incident; `stays`: it is still open, `outage`: it explains `BEHIND` others."""
    raised_ms = alert.began_ms + chance.randrange(60, 2_000)
    story = Story(_draft(alert, place, outage=outage), alert, now_ms)
    story.act("raise", SYSTEM, raised_ms)
    story.incident = replace(story.incident, number="INC-1")  # the loader gives the real one
    story.act("attach", SYSTEM, raised_ms)
    if outage:
        story.act("cover", SYSTEM, raised_ms, count=BEHIND)
    story.act("promise", SYSTEM, raised_ms + 1_500, policy=PROMISE.policy, edition=PROMISE.digest)
    last_ms = _work(story, raised_ms, chance)
    if not stays:
        _end(story, raised_ms, last_ms, chance)
    story.let_run()
    return story


def _draft(alert: Alert, place: int, *, outage: bool) -> Incident:
    service = service_of(place)
    priority, reason = derive(alert.severity, service, None if service is None else "ABC"[place % 3])
    return Incident(
        title=alert.summary,
        severity=alert.severity,
        priority=priority,
        priority_reason=reason,
        site=alert.site,
        service=service,
        device=device_of(place).device,
        outage=outage,
        rule=alert.key.rule,
        rule_version=alert.rule_version,
        instance=alert.key.instance,
        alert_id=alert.id,
        fired_ms=alert.fired_ms,
        team=f"team-{place % TEAMS}",
        occurrence_count=alert.occurrences,
        evidence=alert.evidence,
    )


def _work(story: Story, raised_ms: int, chance: random.Random) -> int:
    """Let people work on it, as far as there was time; returns until when they did."""
    share, at_ms = chance.random(), raised_ms
    person = Actor("token", f"person-{chance.randrange(PEOPLE):02d}")
    steps: list[tuple[str, str | None, dict[str, Any]]] = []
    if share < 0.6:
        steps += [("acknowledge", None, {}), ("assign", None, {"assignee": person.id})]
    if share < 0.2:
        steps += [("comment", "looked at it, and asked the supplier for parts", {})]
    if share < 0.05:
        steps += [("hold", None, {"reason": "waiting for parts"})]
    for action, note, details in steps:
        at_ms += chance.randrange(_MINUTE_MS, 30 * _MINUTE_MS)
        if at_ms >= story.now_ms:
            break
        story.act(action, person, at_ms, note, **details)
    return min(at_ms, story.now_ms)


def _end(story: Story, raised_ms: int, last_ms: int, chance: random.Random) -> None:
    """Let it end: most clear by themselves within hours, people resolve the rest; closed after a week."""
    cleared_ms = min(raised_ms + int(chance.expovariate(1 / (90 * _MINUTE_MS))) + 5_000, story.now_ms)
    at_ms = min(max(last_ms, cleared_ms) + 1, story.now_ms)
    story.alert = replace(story.alert, state=AlertState.RESOLVED, resolved_ms=cleared_ms, checked_ms=cleared_ms)
    by_people = story.incident.assignee is not None and chance.random() < 0.7
    if by_people:
        said = {"code": "fixed", "cause": chance.choice(_CAUSES)}
        verdict = "false_alarm" if chance.random() < 0.1 else "real"
        story.act("resolve", Actor("token", story.incident.assignee or ""), at_ms, "done", verdict=verdict, **said)
    else:
        story.act("clear", SYSTEM, at_ms, event_ms=cleared_ms, alert=story.alert.id)
        story.act("resolve", SYSTEM, at_ms, code="cleared", cleared_ms=cleared_ms)
    if at_ms + 7 * DAY_MS < story.now_ms:
        story.act("close", SYSTEM, at_ms + 7 * DAY_MS + 1_000, reason="quiet")
