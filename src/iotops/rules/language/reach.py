"""What the rule of a group can ask: its devices all together, its labels, other rules; never one device."""

from collections.abc import Container, Iterator

from iotops.rules.language.names import Role, label_of, role_of
from iotops.rules.language.nodes import Call, Node, Path
from iotops.rules.language.types import Complaint
from iotops.rules.language.walk import children, walk

DEVICE = ("device",)  # `per` of a rule whose instances are devices
SURVEYS = frozenset({"devices", "share", "peers"})  # functions that ask all devices of a group
_OF_DEVICES = {Role.METRIC, Role.EVENT, Role.ONLINE, Role.EVERY}


def check_reach(root: Node, per: tuple[str, ...], params: Container[str]) -> tuple[Complaint, ...]:
    """Return what an expression asks that an instance of its rule cannot answer."""
    found: list[Complaint] = []
    for node in _beside_conditions(root):
        if isinstance(node, Call) and node.name in ("devices", "share"):
            found += _check_condition(node)
        elif per == DEVICE:
            continue
        elif isinstance(node, Path):
            found += _check_path(node, per, params)
        elif isinstance(node, Call):
            found += _check_call(node, per)
    return tuple(found)


def own_questions(root: Node) -> Iterator[Path]:
    """Yield the names of rules that `firing()` asks for about the instance itself, not about devices of a group."""
    for node in _beside_conditions(root):
        if isinstance(node, Call) and node.name == "firing" and len(node.args) == 1 and isinstance(node.args[0], Path):
            yield node.args[0]


def _beside_conditions(root: Node) -> Iterator[Node]:
    """Yield what is asked about the instance: nothing below `devices()` and its like, no names of rules and labels."""
    pending = [root]
    while pending:
        node = pending.pop()
        yield node
        named = isinstance(node, Call) and node.name in SURVEYS | {"firing", "age"}
        pending.extend(() if named else reversed(children(node)))


def _check_condition(call: Call) -> Iterator[Complaint]:
    for node in (found for argument in call.args for found in walk(argument)):
        if isinstance(node, Call) and node.name in SURVEYS:
            message = f"{node.name}() cannot stand inside {call.name}(): each device is asked on its own"
            hint = "write a rule for it, and ask for that: devices(firing(that_rule))"
            yield Complaint(node, "group-in-group", message, hint)


def _check_path(path: Path, per: tuple[str, ...], params: Container[str]) -> Iterator[Complaint]:
    role = role_of(path, params)
    if role in _OF_DEVICES:
        message = f'this rule is about groups ("per: {", ".join(per)}"), and "{path.name}" is of one device'
        asked = "not online" if role is Role.ONLINE else f"{path.name} > ..."
        yield Complaint(path, "reads-device", message, f"ask all devices: devices({asked}) >= 1, or share({asked})")
    elif role is Role.LABEL:
        yield from _check_label(path, per)


def _check_call(call: Call, per: tuple[str, ...]) -> Iterator[Complaint]:
    if call.name == "age":
        message = f'this rule is about groups ("per: {", ".join(per)}"), and age() is of one device'
        yield Complaint(call, "reads-device", message, "ask all devices: devices(age() > 15m) >= 1")
    label = call.args[1] if len(call.args) > 1 else None
    if not isinstance(label, Path):
        return
    if call.name == "firing":
        yield from _check_label(label, per)
    elif call.name == "peers" and (label_of(label),) != per:
        message = f'in a rule per {", ".join(per)}, peers() is about these very groups, and not about "{label.name}"'
        hint = f"write {per[0]}" if len(per) == 1 and per != ("fleet",) else "ask in a rule per device"
        yield Complaint(label, "label-not-in-per", message, hint)


def _check_label(path: Path, per: tuple[str, ...]) -> Iterator[Complaint]:
    if label_of(path) not in per:
        message = f'the groups of this rule ("per: {", ".join(per)}") have no label "{label_of(path)}"'
        known = "the whole fleet shares none" if per == ("fleet",) else f"they share {', '.join(per)}"
        yield Complaint(path, "label-not-in-per", message, f"{known}; add it to per, or leave it out")
