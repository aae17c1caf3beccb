"""Arguments that must be the same at all times: the fraction of a quantile, the horizon of a forecast, a season."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from iotops.rules.language.names import Role, role_of
from iotops.rules.language.nodes import Call, DurationLiteral, Literal, Negative, Node, Path
from iotops.rules.language.types import Complaint
from iotops.rules.language.walk import walk
from iotops.rules.rule import Parameter

Settings = Sequence[Mapping[str, Parameter]]
"""The parameters of a rule, then those of each override on top of them."""

_FIXED = (Role.PARAMETER, Role.LABEL, Role.EVERY)

MIN_SEASON_MS: Final = 60_000
MAX_SEASON_MS: Final = 366 * 86_400_000


def check_constants(root: Node, settings: Settings) -> tuple[Complaint, ...]:
    """Return what is wrong with such arguments in an expression whose kinds are right."""
    calls = [node for node in walk(root) if isinstance(node, Call)]
    fractions = [call.args[1] for call in calls if call.name == "quantile"]
    horizons = [call.args[1] for call in calls if call.name == "forecast"]
    seasons = [call.args[1] for call in calls if call.name == "anomaly" and len(call.args) > 1]
    return (
        *(complaint for node in seasons for complaint in _check_season(node, settings)),
        *(complaint for node in fractions for complaint in _check_fraction(node, settings)),
        *(complaint for node in horizons for complaint in _check_horizon(node, settings)),
    )


def _check_fraction(node: Node, settings: Settings) -> Iterator[Complaint]:
    numbers = _numbers(node, settings)
    if not numbers:
        message = "quantile() takes a fixed number from 0 to 1 here"
        yield Complaint(node, "wrong-arguments", message, "write the number, or the name of a parameter")
    for number in numbers:
        if not 0 <= number <= 1:
            found = f'"{node.name}" can be {number:g}' if isinstance(node, Path) else f"found {number:g}"
            hint = (
                f"for {number:g} percent write {number / 100:g}"
                if 1 < number <= 100
                else "as in quantile(temp[1h], 0.95)"
            )
            yield Complaint(node, "bad-fraction", f"quantile() takes a number from 0 to 1, {found}", hint)
            return


def _check_season(node: Node, settings: Settings) -> Iterator[Complaint]:
    """Accept a duration, or a parameter that is one: a model is kept for every season that is asked about."""
    if isinstance(node, DurationLiteral):
        found = [node.ms]
    elif isinstance(node, Path) and role_of(node, settings[0]) is Role.PARAMETER:
        found = [ms for params in settings if (ms := params[node.name].ms) is not None]
    else:
        message = "the season of anomaly() is the same at all times, and this may not be"
        yield Complaint(node, "wrong-arguments", message, "write a duration, or the name of a parameter")
        return
    if any(not MIN_SEASON_MS <= ms <= MAX_SEASON_MS for ms in found):
        message = "anomaly() takes a season of 1m to 366d"
        yield Complaint(node, "bad-season", message, "as in anomaly(power, 1d) for what differs by the hour of the day")


def _numbers(node: Node, settings: Settings) -> list[float]:
    """Return the numbers that an argument stands for, one for each set of parameters; none where it may be anything."""
    if isinstance(node, Literal) and not isinstance(node.value, str):
        return [node.value]
    if isinstance(node, Negative):
        return [-number for number in _numbers(node.operand, settings)]
    if isinstance(node, Path) and role_of(node, settings[0]) is Role.PARAMETER:
        found = (params[node.name].number for params in settings)
        return [number for number in found if number is not None]
    return []


def _check_horizon(node: Node, settings: Settings) -> Iterator[Complaint]:
    for part in walk(node):
        moving = isinstance(part, Path) and role_of(part, settings[0]) not in _FIXED
        if moving or isinstance(part, Call):
            message = "the horizon of forecast() is the same at all times, and this is not"
            yield Complaint(part, "wrong-arguments", message, "write a duration, or the name of a parameter")
            return
