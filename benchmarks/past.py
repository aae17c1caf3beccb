"""A long past of many incidents as rows: some thousand stories are told, and happen again elsewhere and later."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.measuring import DAY_MS
from benchmarks.story import (
    ALIKE,
    BEHIND,
    PER_SITE,
    PROMISE,
    RULES,
    SITES,
    Story,
    alert_of,
    device_of,
    rule_hashes,
    tell,
)
from iotops.durations import format_instant, parse_instant
from iotops.incidents.deadlines import Policy
from iotops.incidents.incident import SYSTEM
from iotops.incidents.timeline import Entry
from iotops.rules.alert import Alert
from iotops.rules.rule import Severity
from iotops.store.alerts import row_of
from iotops.store.incidents.rows import number_of, to_row
from iotops.store.sla.cards import clock_row
from iotops.store.sla.promises import Given

Row = dict[str, Any]

_DEVICES = SITES * PER_SITE
_TOLD_EACH = 25  # stories of each kind of device
_AGES_MS = 14 * DAY_MS  # a story that is told again is over for good within this time
_RECURS_MS = 30 * DAY_MS
_SEVERITIES = (Severity.CRITICAL, *(Severity.WARNING,) * 4, *(Severity.INFO,) * 2)
_TOLD_AT_MS = 1_700_000_000_000
_POLICY = Policy()


@dataclass(frozen=True)
class Extent:
    """How much there is: incidents that are over, and alerts that fire, two fifths of them behind gateways."""

    historic: int
    open_alerts: int
    days: int = 400

    @property
    def outages(self) -> int:
        """Return how many open outages explain alerts of other devices."""
        return self.open_alerts * 2 // 5 // BEHIND

    @property
    def open_incidents(self) -> int:
        """Return how many incidents are open, outages among them."""
        return self.open_alerts - self.outages * BEHIND


@dataclass(frozen=True)
class Rows:
    """What is stored of one incident; entries have their times, and get their place in the chain from the loader."""

    incident: Row
    alerts: list[Row]
    entries: list[Entry]
    clocks: list[Row]


class Past:
    """All incidents in the order in which they were raised, up to `now_ms`; the same for the same extent."""

    def __init__(self, extent: Extent, now_ms: int) -> None:
        self.extent, self.now_ms = extent, now_ms
        self._chance = random.Random(4)
        self._before: dict[tuple[str, int], list[tuple[int, int]]] = {}
        self._open: set[tuple[str, int]] = set()
        self._models: dict[tuple[int, int], Rows] = {}

    def incidents(self) -> Iterator[Rows]:
        """Yield what is stored of each; most of those that are open began lately."""
        left_open, total = self.extent.open_incidents, self.extent.historic + self.extent.open_incidents
        outages, step_ms = self.extent.outages, self.extent.days * DAY_MS / total
        for number in range(1, total + 1):
            began_ms = int(self.now_ms - (total - number + 1) * step_ms)
            stays = left_open > 0 and self._chance.random() < left_open / (total - number + 1) * (number / total) ** 20
            stays = stays or left_open > total - number
            left_open -= stays
            if stays and outages:
                outages -= 1
                yield self._outage(number, began_ms, outages)
            else:
                yield self._one(number, began_ms, stays=stays)

    def _one(self, number: int, began_ms: int, *, stays: bool) -> Rows:
        rule, place = self._somewhere()
        if stays:
            self._open.add((rule, place))
        if stays or began_ms > self.now_ms - _AGES_MS:
            severity = self._chance.choice(_SEVERITIES)
            alert = alert_of(rule, place, began_ms, severity, self._chance.randrange(500, 900) / 10)
            found = _rows(tell(alert, place, self.now_ms, self._chance, stays=stays), number)
        else:
            found = self._again(number, rule, place, began_ms)
        self._recall(number, rule, place, began_ms, found)
        return found

    def _somewhere(self) -> tuple[str, int]:
        """Return rule and device: some are much worse than others, and nothing begins where an alert fires."""
        while True:
            wide = int(self._chance.random() ** 2 * _DEVICES * RULES)
            found = (f"bench_rule_{wide % RULES:02d}", (wide // RULES * 7_919) % _DEVICES)
            if found not in self._open:
                return found

    def _outage(self, number: int, began_ms: int, outage: int) -> Rows:
        """Return a gateway that is out of sight, with what lies behind it."""
        place = outage * PER_SITE
        alert = alert_of("bench_gateway", place, began_ms, Severity.CRITICAL, 1.0)
        found = _rows(tell(alert, place, self.now_ms, self._chance, stays=True, outage=True), number)
        behind = ((outage * BEHIND + each) % _DEVICES for each in range(BEHIND))
        silent = [alert_of("bench_silent", each, began_ms - each % 500, Severity.WARNING, 0.0) for each in behind]
        cause = str(device_of(place))
        found.alerts.extend({**_alert_row(each, number), "cause": cause} for each in silent)
        return found

    def _recall(self, number: int, rule: str, place: int, began_ms: int, found: Rows) -> None:
        """Count it with those of the same instance within a month before it."""
        before = [each for each in self._before.get((rule, place), ()) if each[0] > began_ms - _RECURS_MS]
        self._before[rule, place] = [*before, (began_ms, number)]
        if not before:
            return
        row, count = found.incident, len(before) + 1
        row["recurrence_count"] = count
        row["machine"] = {**row["machine"], "recurrence_of": number_of(before[-1][1])}
        if count == 3:
            said = {"count": count, "first_at": format_instant(before[0][0])}
            found.entries.insert(1, Entry("recurring", row["raised_ms"], SYSTEM, said))

    def _again(self, number: int, rule: str, place: int, began_ms: int) -> Rows:
        """Let a story happen again, of a device of the same kind, at another time."""
        model = self._model(place % ALIKE, self._chance.randrange(_TOLD_EACH))
        by_ms, device = began_ms - _TOLD_AT_MS, device_of(place)
        alert = _moved(model.alerts[0], by_ms)
        where = {"rule": rule, "instance": str(device), "site": device.site, "device": device.device}
        fresh = alert_of(rule, place, began_ms, Severity.INFO, 51.5)
        text = alert["summary"].partition(":")[2]
        alert |= {
            **where,
            "semantic_hash": rule_hashes()[rule],
            "id": fresh.id,
            "evidence": fresh.evidence,
            "incident_id": number,
        }
        alert["summary"] = f"{device.device}:{text}"
        incident = _moved(model.incident, by_ms)
        incident |= {**where, "alert_id": fresh.id, "evidence": fresh.evidence, "title": alert["summary"]}
        incident |= {"id": number, "number": number_of(number), "machine": _moved(incident["machine"], by_ms)}
        entries = [_entry_again(each, by_ms, rule, fresh.id) for each in model.entries]
        clocks = [{**_moved(each, by_ms), "incident_id": number} for each in model.clocks]
        for clock in clocks:
            clock |= {"seen_ms": self.now_ms, "paused": [[at + by_ms for at in each] for each in clock["paused"]]}
        return Rows(incident, [alert], entries, clocks)

    def _model(self, kind: int, which: int) -> Rows:
        if (kind, which) not in self._models:
            severity = self._chance.choice(_SEVERITIES)
            alert = alert_of("bench", kind, _TOLD_AT_MS, severity, self._chance.randrange(500, 900) / 10)
            story = tell(alert, kind, _TOLD_AT_MS + _AGES_MS, self._chance, stays=False)
            self._models[kind, which] = _rows(story, 0)
        return self._models[kind, which]


def _rows(story: Story, number: int) -> Rows:
    incident = {**to_row(story.incident, _POLICY), "id": number, "number": number_of(number)}
    given = Given(ours=PROMISE)
    clocks = [clock_row(number, clock, given, story.now_ms) for clock in story.clocks.values()]
    return Rows(incident, [_alert_row(story.alert, number)], story.entries, clocks)


def _alert_row(alert: Alert, number: int) -> Row:
    row = row_of(alert, alert.checked_ms)
    return {**row, "incident_id": number, "cause": None, "silenced_by": None, "waits_ms": None}


def _moved(row: Mapping[str, Any], by_ms: int) -> Row:
    """Return a row with its instants moved; how long things took stays."""
    found = dict(row)
    for name in found.keys() & _INSTANTS:
        if found[name] is not None:
            found[name] += by_ms
    return found


def _entry_again(entry: Entry, by_ms: int, rule: str, alert_id: str) -> Entry:
    data = dict(entry.data)
    for name in data.keys() & {"event_at", "due_at"}:
        data[name] = format_instant(parse_instant(data[name]) + by_ms)
    data |= {name: value for name, value in (("alert", alert_id), ("rule", rule)) if name in data}
    return replace(entry, at_ms=entry.at_ms + by_ms, data=data)


_INSTANTS = frozenset(
    {
        *(
            "fired_ms",
            "raised_ms",
            "acknowledged_ms",
            "resolved_ms",
            "closed_ms",
            "hold_until_ms",
            "due_ms",
            "began_ms",
        ),
        *(
            "last_true_ms",
            "checked_ms",
            "updated_ms",
            "started_ms",
            "near_due_ms",
            "near_ms",
            "stopped_ms",
            "breached_ms",
        ),
        *("decided_ms", "next_ms", "cleared_ms"),
    }
)
