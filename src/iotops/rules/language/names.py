"""What a name in an expression stands for."""

from collections.abc import Container
from enum import Enum

from iotops.rules.language.nodes import Path
from iotops.rules.language.tokens import KEYWORDS

RESERVED = KEYWORDS | {"site", "device", "name", "every", "online", "event"}
"""Words that are neither parameters nor metrics; a metric of that name stands in backticks."""


class Role(Enum):
    """What a path names."""

    METRIC = "metric"
    PARAMETER = "parameter"
    LABEL = "label"
    EVERY = "every"
    ONLINE = "online"
    EVENT = "event"


_ROLES = {
    "every": Role.EVERY,
    "online": Role.ONLINE,
    "event": Role.EVENT,
    "site": Role.LABEL,
    "device": Role.LABEL,
    "name": Role.LABEL,
}


def role_of(path: Path, params: Container[str]) -> Role:
    """Return what `path` names in a rule with these parameters; what is nothing else is a metric."""
    if path.quoted:
        return Role.METRIC
    if path.name.startswith("device."):
        return Role.LABEL
    return _ROLES.get(path.name) or (Role.PARAMETER if path.name in params else Role.METRIC)


def label_of(path: Path) -> str:
    """Return the label that a path of role LABEL names: `device.gateway` -> `gateway`, `site` -> `site`."""
    return path.name.removeprefix("device.")
