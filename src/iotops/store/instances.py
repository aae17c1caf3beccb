"""Which instance of a rule a person means: a device by its name, a group by its labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from iotops.errors import NotFound
from iotops.rules.alert import AlertKey
from iotops.rules.compiled import DEVICE
from iotops.rules.instances import instance_of
from iotops.rules.links import values_of
from iotops.rules.matching import matches
from iotops.rules.rule import Rule
from iotops.rules.surveys import group_labels
from iotops.store import devices, fleet
from iotops.store.database import Unit
from iotops.store.hindsight import facts_of

_SHOWN: Final = 10  # groups that an error names


def instance_named(unit: Unit, rule: Rule | None, rule_id: str, name: str, site: str | None = None) -> AlertKey:
    """Return the instance that a name means, of one site alone where that is given.

    A device is `fz-07` or `paris/fz-07`. A group is what its alerts call it (`site=paris`, `fleet`), its labels'
    values alone (`paris`), or one of its devices.

    Raises:
        NotFound: there is none, or several are called so.
    """
    if rule is None or rule.per == DEVICE:
        return AlertKey(rule_id, str(devices.named(unit, name).key))
    groups = {name: group for name, group in _groups(unit, rule).items() if site is None or group.sites == {site}}
    called = _ordered(name)
    exact = [instance for instance in groups if _ordered(instance) == called]
    found = exact or [instance for instance, group in groups.items() if called in group.names]
    if len(found) == 1:
        return AlertKey(rule_id, found[0])
    known = ", ".join(list(groups)[:_SHOWN]) + (", ..." if len(groups) > _SHOWN else "")
    if found:
        msg = f"{name!r} may be any of the groups {', '.join(found)}; name one of them in full"
        raise NotFound(msg)
    there_are = f"its groups are {known}" if known else "no device is in any of its groups"
    msg = f"{rule_id} has no group {name!r}; {there_are}"
    raise NotFound(msg)


@dataclass(slots=True)
class _Group:
    """What a group may be called beside its full name, and where its devices stand."""

    names: set[str]
    sites: set[str]


def _groups(unit: Unit, rule: Rule) -> Mapping[str, _Group]:
    """Return instance -> group, of those that have a device."""
    labels = group_labels(rule.per)
    found: dict[str, _Group] = {}
    for device in fleet.every(unit):
        facts = facts_of(device)
        values = values_of(labels, facts.labels)
        if values is None or facts.retired or not matches(rule.match, facts.labels):
            continue
        group = found.setdefault(instance_of(labels, values), _Group(set(), set()))
        group.sites.add(facts.key.site)
        group.names |= {_ordered(",".join(values)), str(facts.key), facts.key.device}
    return dict(sorted(found.items()))


def _ordered(name: str) -> str:
    """Return a name with its labels in order: `site=paris,room=lab` is `room=lab,site=paris`."""
    return ",".join(sorted(name.split(",")))
