"""When time alone turns a rule next."""

from collections.abc import Iterable

from iotops.rules.compiled import CompiledRule
from iotops.rules.device import DeviceMemory
from iotops.rules.lifecycle import next_due
from iotops.rules.moment import Moment
from iotops.rules.verdict import Due, earlier


def crossing_of(rule: CompiledRule, moment: Moment) -> Due | None:
    """Return when time alone turns a comparison of a rule next, None where it never does."""
    found = [at_ms for crossing in rule.crossings if (at_ms := crossing.next_ms(moment)) is not None]
    return Due(min(found), past=False) if found else None


def due_again(rule: CompiledRule, device: DeviceMemory, moment: Moment) -> Due | None:
    """Return when a device's instance has to be judged next if nothing comes; up to the moment it was."""
    found = crossing_of(rule, moment)
    alert = device.open.get(rule.id)
    if alert is not None:
        _, wake_ms = rule.freshness(moment)
        found = earlier(found, next_due(rule.machine, alert, wake_ms, Due(moment.at_ms, past=False)))
    if rule.sequence is not None:
        found = earlier(found, rule.sequence.next_due(moment, device.attempts.get(rule.id), moment.at_ms))
    return found


def put_off(rule: CompiledRule, device: DeviceMemory, due: Due, moment: Moment) -> bool:
    """Tell whether nothing lapses now, after all, of what a rule waits for; its timer is set anew then.

    A late sample keeps fresh what has had nothing but nulls since. Neither it turns anything, nor the timer that
    it put off: nobody would know of that one after a restart.
    """
    if not due.past or rule.in_group or rule.surveys:
        return False
    moment.at(device, due.at_ms, False, rule.asof_ms(device))
    renewed = due_again(rule, device, moment)
    if renewed == due:
        return False
    device.schedule(rule.id, renewed)
    return True


def renew(moment: Moment, device: DeviceMemory, rules: Iterable[CompiledRule]) -> None:
    """Have rules that time alone turns judged when it does, as things stand on a device now."""
    for rule in rules:
        moment.at(device, device.event_ms, False, rule.asof_ms(device))
        device.schedule(rule.id, crossing_of(rule, moment))
