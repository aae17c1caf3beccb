"""What the instances of a rule are called whose alerts are about groups."""

import re
from collections.abc import Iterable
from typing import Final

FLEET: Final = "fleet"
_PAIR: Final = re.compile(r"([^=,]+)=((?:[^\\,=]|\\.)*)", re.DOTALL)
_MARKED: Final = re.compile(r"\\(.)", re.DOTALL)


def instance_of(labels: Iterable[str], values: Iterable[str]) -> str:
    """Return the name of a group: `site=paris`, `room=lab,site=paris`, or `fleet`."""
    return ",".join(f"{label}={_plain(value)}" for label, value in zip(labels, values, strict=True)) or FLEET


def labels_of(instance: str) -> dict[str, str]:
    """Return the labels that the devices of a group share, in the order of its name; none for the fleet."""
    return {label: _MARKED.sub(r"\1", value) for label, value in _PAIR.findall(instance)}


def is_group(instance: str) -> bool:
    """Tell the name of a group from that of a device; no site and no device has `=` in its name."""
    return instance == FLEET or "=" in instance


def _plain(value: str) -> str:
    """Return a label's value with what separates values marked, so that two groups never share a name."""
    return value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")
