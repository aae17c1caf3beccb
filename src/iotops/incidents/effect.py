"""What an action does to an incident: the changed fields, and what the timeline says about them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from iotops.incidents.incident import Actor


class Step(NamedTuple):
    """Who acts, and when."""

    actor: Actor
    at_ms: int


class Effect(NamedTuple):
    """Changed fields; the entry's data, None where the change leaves no entry."""

    fields: Mapping[str, Any]
    data: Mapping[str, Any] | None


def present(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is there: the members that are not None."""
    return {name: value for name, value in data.items() if value is not None}
