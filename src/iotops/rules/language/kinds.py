"""Which kinds of values can be combined, and what comes out."""

from iotops.rules.language.signatures import QUANTITY, REPORTED, Kind

_NUMBER, _DURATION = Kind.NUMBER, Kind.DURATION
_RESULTS = {
    "+": {(_NUMBER, _NUMBER): _NUMBER, (_DURATION, _DURATION): _DURATION},
    "-": {(_NUMBER, _NUMBER): _NUMBER, (_DURATION, _DURATION): _DURATION},
    "*": {(_NUMBER, _NUMBER): _NUMBER, (_NUMBER, _DURATION): _DURATION, (_DURATION, _NUMBER): _DURATION},
    "/": {(_NUMBER, _NUMBER): _NUMBER, (_DURATION, _DURATION): _NUMBER},
    "%": {(_NUMBER, _NUMBER): _NUMBER},
}
_WORDS = {
    Kind.NUMBER: "a number",
    Kind.DURATION: "a duration",
    Kind.TRUTH: "a truth value",
    Kind.TEXT: "a text",
    QUANTITY: "a number or a duration",
    REPORTED: "a metric",
}


def arithmetic_kind(op: str, left: Kind, right: Kind) -> Kind | None:
    """Return what `left op right` can be; None where it makes no sense whatever the values."""
    found = Kind(0)
    for (one, other), result in _RESULTS[op].items():
        if left & one and right & other:
            found |= result
    return found or None


def comparable(op: str, left: Kind, right: Kind) -> bool:
    """Tell whether `left op right` can make sense; texts and truth values have no order."""
    both = left & right
    return bool(both & QUANTITY if op in ("<", "<=", ">", ">=") else both)


def comparison_hint(left: Kind, right: Kind) -> str:
    """Return what to write instead of a comparison that cannot make sense."""
    if left | right == QUANTITY:
        return "give the number a unit, as in 5m"
    return "texts and truth values know only ==, != and in" if left & right else "both sides must be of one kind"


def shown(kind: Kind) -> str:
    """Return what people call a value of this kind."""
    return _WORDS.get(kind, "a label" if kind & Kind.DURATION else "a value")
