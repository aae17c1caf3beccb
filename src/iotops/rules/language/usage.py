"""Which metrics and which rules an expression reads."""

from collections.abc import Container, Iterator

from iotops.rules.language.names import Role, role_of
from iotops.rules.language.nodes import Call, Node, Path
from iotops.rules.language.signatures import SIGNATURES, Takes
from iotops.rules.language.walk import children

_NAMES = (Takes.RULE, Takes.LABEL)


def paths_in(root: Node, outside: Container[str] = ()) -> Iterator[Path]:
    """Yield the paths whose values are read, from left to right; names of rules and labels are not.

    Nor is anything in calls of the functions that are `outside`.
    """
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, Path):
            yield node
        elif isinstance(node, Call) and node.name in outside:
            continue
        elif isinstance(node, Call):
            pending.extend(reversed([child for child in node.args if not _is_only_a_name(node, child)]))
        else:
            pending.extend(children(node)[::-1])


def metrics_in(root: Node, params: Container[str], *, outside: Container[str] = ()) -> frozenset[str]:
    """Return the metrics that are read, `event` for event messages among them; not in calls of what is `outside`."""
    paths = paths_in(root, outside)
    return frozenset(path.name for path in paths if role_of(path, params) in (Role.METRIC, Role.EVENT))


def rules_in(root: Node) -> Iterator[Path]:
    """Yield the names of rules asked for by `firing()`."""
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, Call) and node.name == "firing" and node.args and isinstance(node.args[0], Path):
            yield node.args[0]
        pending.extend(children(node)[::-1])


def _is_only_a_name(node: Call, child: Node) -> bool:
    if node.name not in SIGNATURES:
        return False
    takes = SIGNATURES[node.name].takes
    return any(argument is child and kind in _NAMES for argument, kind in zip(node.args, takes, strict=False))
