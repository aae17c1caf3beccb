"""A parameter, and the values that are tried for it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Final

from iotops.durations import format_duration, parse_duration
from iotops.errors import ConfigurationError
from iotops.rules.rule import Parameter, Rule, RuleSet

MOST: Final = 100
_WRITTEN: Final = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)=(?P<low>[^/]+?)\.\.(?P<high>[^/]+)/(?P<step>[^/]+)")


@dataclass(frozen=True, slots=True)
class Sweep:
    """`crit=-12..-6/1`: a parameter's name, and its candidates in order, as they are written."""

    name: str
    candidates: tuple[tuple[str, Parameter], ...]


def parse_sweep(text: str) -> Sweep:
    """Read `NAME=FROM..TO/STEP`, in numbers or in durations; both ends are tried.

    Raises:
        ValueError: it is written otherwise, or is no range.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        msg = f"{text!r} is not NAME=FROM..TO/STEP, such as crit=-12..-6/1 or hold=5m..20m/5m"
        raise ValueError(msg)
    in_time = found["step"].strip()[-1:].isalpha()
    low, high, step = (_number(found[part].strip(), in_time=in_time) for part in ("low", "high", "step"))
    if step <= 0 or high < low:
        msg = f"{text!r}: FROM must not exceed TO, and STEP must be above 0"
        raise ValueError(msg)
    count = int((high - low) / step) + 1
    if count > MOST:
        msg = f"{text!r}: {count} candidates are too many; take a larger STEP, at most {MOST} are tried"
        raise ValueError(msg)
    values = [low + step * number for number in range(count)]
    return Sweep(found["name"], tuple(_candidate(value, in_time=in_time) for value in values))


def swept(rule_set: RuleSet, sweep: Sweep, only: Iterable[str] = ()) -> tuple[frozenset[str], list[RuleSet]]:
    """Return the rules that have the parameter, and the rule set with each candidate in place of its value.

    `only`: ids of rules to choose from; empty: all. Overrides keep the values that they give some devices.

    Raises:
        ConfigurationError: no such rule has the parameter, or it is of another kind there.
    """
    chosen = frozenset(only) or frozenset(rule_set.rules)
    having = {name: rule for name, rule in rule_set.rules.items() if name in chosen and sweep.name in rule.params}
    if not having:
        known = sorted({name for rule_id in chosen for name in rule_set.rules[rule_id].params})
        msg = f"--sweep {sweep.name}: none of the rules has this parameter; they have {', '.join(known) or 'none'}"
        raise ConfigurationError(msg)
    for rule in having.values():
        if (rule.params[sweep.name].ms is None) != (sweep.candidates[0][1].ms is None):
            kind = "a number" if rule.params[sweep.name].ms is None else "a duration"
            msg = f"--sweep {sweep.name}: in rule {rule.id} it is {kind}; write candidates of that kind"
            raise ConfigurationError(msg)
    sets = [
        replace(
            rule_set,
            rules={**rule_set.rules, **{name: _with(rule, sweep.name, value) for name, rule in having.items()}},
        )
        for _, value in sweep.candidates
    ]
    return frozenset(having), sets


def _with(rule: Rule, name: str, value: Parameter) -> Rule:
    return replace(rule, params={**rule.params, name: value})


def _number(text: str, *, in_time: bool) -> Decimal:
    if in_time:
        return Decimal(parse_duration(text))
    try:
        found = Decimal(text)
    except InvalidOperation as error:
        msg = f"{text!r} is not a number; durations need a unit in all three places, such as 5m..20m/5m"
        raise ValueError(msg) from error
    if not found.is_finite():
        msg = f"{text!r} is not a number that can be counted from"
        raise ValueError(msg)
    return found


def _candidate(value: Decimal, *, in_time: bool) -> tuple[str, Parameter]:
    if in_time:
        return format_duration(int(value)), Parameter(ms=int(value))
    whole = value == value.to_integral_value()
    number = int(value) if whole else float(value)
    return str(number), Parameter(number=number)
