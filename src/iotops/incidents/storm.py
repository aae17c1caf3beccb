"""One cause, one incident: who waits for a cause, what a cause takes over, and when many are one.

An alert's transition is never delayed, only its incident: where its rule has an `unless`, or its device a parent.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from iotops.incidents.casework import Work
from iotops.incidents.causes import finds_down, finds_lost
from iotops.incidents.desk import Desk, Queue, Surroundings, Waiting
from iotops.incidents.drafts import storm_draft
from iotops.incidents.hush import is_kept_back, suppressing
from iotops.rules.alert import Alert, AlertState
from iotops.telemetry.reading import DeviceKey

LONGEST_WAIT_MS = 300_000
"""An incident waits for its cause no longer than this, whatever the cause does."""
SIBLINGS = 20
"""So many devices behind one, and so large a part of them, within so long: then the one is the matter."""
SIBLING_SHARE = 0.2
WITHIN_MS = 120_000
_SETTLE_MS = 30_000  # for rules that are gone

Raise = Callable[[Desk, Alert, int], None]


def wait(desk: Desk, alert: Alert, at_ms: int, *, explained: bool = False) -> bool:
    """Let an alert's incident wait for its cause, or go to the cause's incident; tells whether either is so."""
    rule = desk.around.rules.get(alert.key.rule)
    cause = desk.explained(alert) if finds_lost(rule) else None
    if cause is not None:
        desk.hold(cause, [alert])
        return True
    if not ((rule is not None and rule.unless is not None) or _may_be_one_of_many(desk, alert)):
        return False
    if desk.around.outlook.clock_ms(alert.key, alert.device) is None:
        return False
    desk.waiting[alert.id] = Waiting(alert, at_ms, at_ms, explained)
    return True


def gather(desk: Desk, work: Work, at_ms: int) -> None:
    """Let a device's outage take over what lies behind it: what waits, and young incidents nobody has taken on."""
    top = work.device
    behind = set() if top is None else set(desk.around.landscape.behind(top))
    if not behind:
        return
    lost = [each.alert for each in desk.waiting.values() if each.alert.device in behind and _is_lost(desk, each.alert)]
    desk.hold(work, lost)
    for other in desk.recent():
        rule = desk.around.rules.get(other.incident.rule)
        young = rule is not None and abs(at_ms - (other.incident.fired_ms or 0)) < rule.merge_window_ms
        if other is not work and young and other.device in behind and (other.incident.outage or finds_lost(rule)):
            desk.merge(work, other, f"{top} is out of sight")


def review(waiting: Mapping[str, Waiting], around: Surroundings, now_ms: int) -> Queue:
    """Look through what waits: while a cause is suspect the time to settle begins anew, up to the longest wait.

    What a suppression keeps back waits until that is over on the device's clock, or for a group by the wall clock.
    """
    down_rules = frozenset(name for name, rule in around.rules.items() if finds_down(rule))
    suspects: dict[DeviceKey, bool] = {}

    def is_suspect(key: DeviceKey) -> bool:
        if key not in suspects:
            suspects[key] = around.outlook.is_suspect(key, down_rules)
        return suspects[key]

    left: dict[str, Waiting] = {}
    due: set[str] = set()
    for alert_id, waits in waiting.items():
        clock_ms = around.outlook.clock_ms(waits.alert.key, waits.alert.device)
        if waits.is_suppressed:
            kept = is_kept_back(around, waits, now_ms if clock_ms is None else clock_ms)
            left[alert_id] = kept or waits
            due.update(() if kept else (alert_id,))
            continue
        hidden = waits.alert.suppressed_by is not None
        over = clock_ms is None or clock_ms - waits.began_ms >= LONGEST_WAIT_MS
        if over and hidden:
            continue  # its cause raised nothing that could explain it
        if not over and clock_ms is not None and (hidden or _is_explicable(waits.alert, around, is_suspect)):
            left[alert_id] = replace(waits, since_ms=clock_ms)
            continue
        left[alert_id] = waits
        if over or clock_ms is None or clock_ms - waits.since_ms >= _settle_ms(around, waits.alert):
            due.add(alert_id)
    return Queue(left, frozenset(due))


def settle(desk: Desk, due: Collection[str], raise_one: Raise) -> None:
    """Raise what waited long enough and is not explained; together, where many behind one device are in trouble."""
    by_cause: dict[tuple[str, DeviceKey | None], list[Alert]] = defaultdict(list)
    ready = [alert_id for alert_id in sorted(due) if alert_id in desk.waiting and _may_raise(desk, alert_id)]
    for alert in (desk.waiting[alert_id].alert for alert_id in ready if alert_id in desk.waiting):
        parents = [] if alert.device is None else desk.around.landscape.parents(alert.device)
        by_cause[alert.key.rule, parents[0] if parents else None].append(alert)
    for (rule, parent), alerts in by_cause.items():
        left = [alert for alert in alerts if alert.id in desk.waiting]
        if left and not (parent is not None and _is_storm(desk, rule, parent, left)):
            for alert in left:
                raise_one(desk, alert, began_ms(alert))
    for waits in list(desk.waiting.values()) if due else ():
        cause = None if waits.alert.suppressed_by is None else desk.cause_of(waits.alert)
        if cause is not None:
            desk.hold(cause, [waits.alert])


def _may_raise(desk: Desk, alert_id: str) -> bool:
    """Tell whether an alert whose wait is over may raise: not while a suppression holds, nor before its cause had time.

    What was explained by an incident that is over may have fired under a suppression all the same.
    """
    waits = desk.waiting[alert_id]
    clock_ms = desk.around.outlook.clock_ms(waits.alert.key, waits.alert.device)
    if waits.is_suppressed:
        released = replace(waits, released=True)
        if waits.alert.suppressed_by is not None:
            desk.waiting[alert_id] = replace(waits, suppression=None)  # its rule's `unless` holds it now
            return False
        at_ms = desk.now_ms if clock_ms is None else clock_ms
        if not wait(desk, waits.alert, at_ms):
            desk.waiting[alert_id] = released
            return True
        if alert_id in desk.waiting:
            desk.waiting[alert_id] = replace(released, since_ms=at_ms, began_ms=at_ms)
        return False
    found = suppressing(desk.around, waits.alert, began_ms(waits.alert))
    if waits.released or found is None or clock_ms is None or not found.applies(clock_ms):
        return True
    desk.waiting[alert_id] = replace(waits, suppression=found.id)
    return False


def began_ms(alert: Alert) -> int:
    """Return the event time at which an alert fired."""
    return alert.began_ms if alert.fired_ms is None else alert.fired_ms


def let_go(desk: Desk, work: Work) -> None:
    """Let what an incident explained wait anew, now that its cause is over: what is still bad gets its own."""
    for alert_id, covered in list(work.covered.items()):
        alert = desk.around.outlook.alert(covered.key, covered.device)
        clock_ms = desk.around.outlook.clock_ms(covered.key, covered.device)
        if alert is None or alert.id != alert_id or clock_ms is None:
            continue
        if alert.suppressed_by is None and alert.state in (AlertState.FIRING, AlertState.RECOVERING):
            desk.waiting[alert_id] = Waiting(alert, clock_ms, clock_ms, explained=True)


def storm_is_over(desk: Desk, work: Work) -> bool:
    """Tell whether so few are left of a storm without an alert of its own that they are no storm any more."""
    if not work.covered:
        return True
    top = work.device
    if top is None or desk.around.outlook.is_down(top):
        return False
    return not _are_many(desk, top, len(work.covered))


def _may_be_one_of_many(desk: Desk, alert: Alert) -> bool:
    """Tell whether what stands before a device may explain its alert: where nothing can come of it, nobody waits."""
    around = desk.around
    ancestors = [] if alert.device is None else around.landscape.ancestors(alert.device)
    if not ancestors or finds_lost(around.rules.get(alert.key.rule)):
        return bool(ancestors)
    crowded = len(around.landscape.children(ancestors[0])) >= SIBLINGS
    return crowded or any(around.outlook.is_suspect(up, ()) for up in ancestors)


def _is_lost(desk: Desk, alert: Alert) -> bool:
    return alert.suppressed_by is not None or finds_lost(desk.around.rules.get(alert.key.rule))


def _settle_ms(around: Surroundings, alert: Alert) -> int:
    rule = around.rules.get(alert.key.rule)
    return _SETTLE_MS if rule is None else min(rule.settle_ms, LONGEST_WAIT_MS)


def _is_explicable(alert: Alert, around: Surroundings, is_suspect: Callable[[DeviceKey], bool]) -> bool:
    """Tell whether something may yet turn out to be the cause of an alert."""
    ancestors = [] if alert.device is None else around.landscape.ancestors(alert.device)
    if any(is_suspect(up) for up in ancestors):
        return True
    for found in around.explanations(alert):
        other = around.outlook.alert(found.key, found.device)
        if other is not None and other.state is AlertState.PENDING:
            return True
        if found.device not in (None, alert.device) and is_suspect(found.device):
            return True
    return False


def _is_storm(desk: Desk, rule: str, parent: DeviceKey, due: Sequence[Alert]) -> bool:
    """Raise one incident for the device that alerts lie behind, where they point at it; tells whether they do."""
    down = [up for up in (parent, *desk.around.landscape.ancestors(parent)) if desk.around.outlook.is_down(up)]
    if down and finds_lost(desk.around.rules.get(rule)):
        top, together, young = down[-1], list(due), list[Work]()
    else:
        top, (together, young) = parent, _together(desk, rule, parent, due)
        if not _are_many(desk, parent, len(together) + len(young)):
            return False
    work = desk.outage(top) or desk.begin(*storm_draft(desk.around, rule, top, together))
    desk.hold(work, together)
    for other in young:
        if other is not work:
            desk.merge(work, other, f"one of many behind {top}")
    return True


def _together(desk: Desk, rule: str, parent: DeviceKey, due: Sequence[Alert]) -> tuple[list[Alert], list[Work]]:
    """Return what fired about the same time behind the same device: alerts that wait, and young incidents."""
    children = set(desk.around.landscape.children(parent))
    times_ms = [began_ms(alert) for alert in due]
    first_ms, last_ms = min(times_ms) - WITHIN_MS, max(times_ms) + WITHIN_MS
    open_ones = (each for each in desk.waiting.values() if not each.is_suppressed)
    waiting = (each.alert for each in open_ones if each.alert.suppressed_by is None)
    alerts = [
        alert
        for alert in waiting
        if alert.key.rule == rule and alert.device in children and first_ms <= began_ms(alert) <= last_ms
    ]
    young = [
        work
        for work in desk.recent()
        if work.incident.rule == rule
        and work.device in children
        and first_ms <= (work.incident.fired_ms or 0) <= last_ms
    ]
    return alerts, young


def _are_many(desk: Desk, parent: DeviceKey, count: int) -> bool:
    return count >= SIBLINGS and count >= SIBLING_SHARE * len(desk.around.landscape.children(parent))
