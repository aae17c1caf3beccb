"""When time alone turns a rule next."""

from collections.abc import Iterable

from iotops.rules.compiled import CompiledRule
from iotops.rules.device import DeviceMemory
from iotops.rules.moment import Moment
from iotops.rules.verdict import Due


def crossing_of(rule: CompiledRule, moment: Moment) -> Due | None:
    """Return when time alone turns a comparison of a rule next, None where it never does."""
    found = [at_ms for crossing in rule.crossings if (at_ms := crossing.next_ms(moment)) is not None]
    return Due(min(found), past=False) if found else None


def renew(moment: Moment, device: DeviceMemory, rules: Iterable[CompiledRule]) -> None:
    """Have rules that time alone turns judged when it does, as things stand on a device now."""
    for rule in rules:
        moment.at(device, device.event_ms, False, rule.asof_ms(device))
        device.schedule(rule.id, crossing_of(rule, moment))
