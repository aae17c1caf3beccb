"""Numbers and durations a little larger and a little smaller, written as an author would."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from iotops.durations import UNITS_MS, format_duration
from iotops.rules.language.timewords import duration_ms

TENTH: Final = Decimal("0.1")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")

UNIT: Final = "by one unit"
PERCENT: Final = "by 10 %"


def numbers_near(text: str, *, whole: bool = False) -> Iterator[tuple[str, str]]:
    """Yield what a number becomes one unit, and 10 %, up and down, each with how: `15` gives 16, 14, 16.5, 13.5.

    One unit is one in the last written place: 1 for 15, 0.1 for 4.5. Where only whole numbers make sense, 10 % are
    rounded, and left out where they round to nothing or to one unit.
    """
    number = Decimal(text)
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)  # noqa: S101  for the type checker: infinity and NaN are no numbers of the language
    unit = Decimal(1).scaleb(min(exponent, 0))
    for changed in (number + unit, number - unit):
        yield _written(changed), UNIT
    for changed in (number * (1 + TENTH), number * (1 - TENTH)):
        rounded = changed.to_integral_value() if whole else changed
        if rounded not in (number, number + unit, number - unit):
            yield _written(rounded), PERCENT


def durations_near(text: str) -> Iterator[tuple[str, str]]:
    """Yield what a duration becomes one unit, and 10 %, up and down: `10m` gives 11m and 9m, each for both reasons.

    One unit is one of the last unit written: a minute for 10m and for 1h30m. Nothing becomes shorter than 0.
    """
    duration = duration_ms(text)
    unit = UNITS_MS[_PART.findall(text)[-1][1]]
    near = [(duration + unit, UNIT), (duration - unit, UNIT)]
    near += [(round(duration * factor), PERCENT) for factor in (1 + TENTH, 1 - TENTH)]
    for changed, how in near:
        if changed >= 0:
            yield format_duration(changed), how


def _written(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
