"""Whom an instance is about: a device, or a group of the rule's."""

from iotops.rules.alert import AlertKey
from iotops.rules.device import DeviceMemory
from iotops.rules.group import Group
from iotops.rules.memory import Memory
from iotops.telemetry.reading import DeviceKey


def subject_of(memory: Memory, key: AlertKey) -> DeviceMemory | Group | None:
    """Return the device or the group that an instance names, None where memory has none of that name."""
    if key.rule in memory.groups.per:
        groups = (group for group in memory.groups.of_rule(key.rule) if group.has_instance)
        return next((group for group in groups if group.instance == key.instance), None)
    return memory.get(DeviceKey(*key.instance.split("/", 1))) if "/" in key.instance else None
