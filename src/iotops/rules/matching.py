"""Which devices a rule is about, and with which parameters."""

from collections.abc import Iterable, Mapping

from iotops.rules.rule import Match, Parameter, Rule


def matches(match: Match, labels: Mapping[str, str]) -> bool:
    """Tell whether a device with these labels (`site`, `device`, `name` among them) is meant.

    Every label of `match` must be there and equal one of its values; `*` and `?` in a value stand for any text and any
    character. A label that the device does not have equals nothing, not even `*`.
    """
    for label, accepted in match.items():
        value = labels.get(label)
        if value is None or not _is_one_of(value, accepted):
            return False
    return True


def params_for(rule: Rule, labels: Mapping[str, str]) -> Mapping[str, Parameter]:
    """Return the parameters of `rule` for a device with these labels: of the overrides that match, the last wins."""
    found = rule.params
    for override in rule.overrides:
        if matches(override.match, labels):
            found = {**found, **override.params}
    return found


def _is_one_of(value: str, accepted: Iterable[str]) -> bool:
    return any(_fits(value, pattern) if "*" in pattern or "?" in pattern else value == pattern for pattern in accepted)


def _fits(value: str, pattern: str) -> bool:
    """Tell whether the whole value fits the pattern.

    Goes back to the last `*` only: at most len(value) x len(pattern) steps, whatever an author writes.
    """
    at = place = 0
    star, resume = -1, 0
    while at < len(value):
        if place < len(pattern) and pattern[place] == "*":
            star, resume = place, at
            place += 1
        elif place < len(pattern) and pattern[place] in ("?", value[at]):
            at, place = at + 1, place + 1
        elif star >= 0:
            resume += 1
            at, place = resume, star + 1
        else:
            return False
    return not pattern[place:].strip("*")
