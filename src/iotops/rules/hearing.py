"""Whether a condition can begin to hold because the device was heard: `age()` falls to nothing then."""

from iotops.rules.language.nodes import Call, Comparison, Logic, Node, Not
from iotops.rules.language.walk import children

_RISING = frozenset({">", ">="})
_FALLING = frozenset({"<", "<="})


def begins_when_heard(node: Node, *, wanted: bool = True) -> bool:
    """Tell whether a word from the device can make a condition what is `wanted`.

    Most conditions about `age()` wait for silence, as `age() >= 15m` does; a word only ends them, and while no alert is
    open there is nothing to end. Others wait for a word: `age() < 5m and age(temp) > 1h`.
    """
    if isinstance(node, Not):
        return begins_when_heard(node.operand, wanted=not wanted)
    if isinstance(node, Logic):
        return any(begins_when_heard(operand, wanted=wanted) for operand in node.operands)
    if not _asks(node):
        return False
    if isinstance(node, Comparison) and len(node.ops) == 1:
        left, right = node.operands
        if _is_age(left) and not _asks(right) and node.ops[0] in _RISING | _FALLING:
            return (node.ops[0] in _FALLING) is wanted
        if _is_age(right) and not _asks(left) and node.ops[0] in _RISING | _FALLING:
            return (node.ops[0] in _RISING) is wanted
    return True


def _asks(node: Node) -> bool:
    """Tell whether the age of the device itself is part of this."""
    return _is_age(node) or any(_asks(child) for child in children(node))


def _is_age(node: Node) -> bool:
    return isinstance(node, Call) and node.name == "age" and not node.args
