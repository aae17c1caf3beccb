"""What the evidence of an incident says, put so that it can be shown: what was observed against which limits. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

Evidence = Mapping[str, Any]

_WINDOW = r"`?{metric}`?(?:\[[^\]]*\])?"
_SIDE = rf"(?:\b(?:avg|min|max|median|quantile)\({_WINDOW}(?:,[^)]*)?\)|(?<!\w){_WINDOW})"
_LIMIT = r"\s*(?:[<>]=?|==)\s*(-?\d+(?:\.\d+)?|[A-Za-z_]\w*)"


class Observed(NamedTuple):
    """One part of the condition and what it was; `unit` is empty where there is none."""

    text: str
    value: Any
    unit: str


class Subject(NamedTuple):
    """One metric of one device that stands for what an incident is about."""

    site: str
    device: str
    metric: str


def observed(evidence: Evidence) -> list[Observed]:
    """Return the parts of the condition with their values, the whole of it left out."""
    units = evidence.get("units") or {}
    parts = [each for each in evidence.get("expressions") or () if each["text"] != evidence.get("when")]
    return [Observed(each["text"], each["value"], units.get(each["text"], "")) for each in parts]


def limits(evidence: Evidence, metric: str) -> list[tuple[float, str]]:
    """Return (value, name) of what the condition holds the metric against: numbers as they are, parameters by name."""
    params = evidence.get("params") or {}
    pattern = re.compile(_SIDE.replace("{metric}", re.escape(metric)) + _LIMIT)
    found: dict[float, str] = {}
    for name in pattern.findall(evidence.get("when") or ""):
        value = params.get(name)
        if isinstance(value, int | float):
            found[float(value)] = f"{name} {value:g}"
        elif re.fullmatch(r"-?\d+(?:\.\d+)?", name):
            found[float(name)] = f"limit {name}"
    return list(found.items())


def subject(incident: Mapping[str, Any]) -> Subject | None:
    """Return the metric whose course tells most: the first of the condition, of a group that of its first device."""
    evidence: Evidence = incident["evidence"]
    samples: Mapping[str, Sequence[Any]] = evidence.get("samples") or {}
    if incident["site"] and incident["device"] and samples:
        return Subject(incident["site"], incident["device"], next(iter(samples)))
    for poll in evidence.get("devices") or ():
        for said in poll["first"]:
            for metric in said["samples"]:
                return Subject(said["site"], said["device"], metric)
    return None
