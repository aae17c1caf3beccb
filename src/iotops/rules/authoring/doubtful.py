"""Findings about parts of an expression that say the same at all times, or can say nothing at all."""

from collections.abc import Iterator, Mapping

from iotops.durations import format_duration
from iotops.rules.authoring.regions import Setting, constant
from iotops.rules.language.names import Role, label_of, role_of
from iotops.rules.language.nodes import (
    Arithmetic,
    Call,
    Comparison,
    ListOf,
    Literal,
    Logic,
    Node,
    Not,
    Path,
    Window,
)
from iotops.rules.language.usage import paths_in
from iotops.rules.language.walk import shape, walk
from iotops.rules.rule import MetricSpec
from iotops.rules.source.drafts import Draft
from iotops.rules.source.written import Written

_NEEDS_TWO = frozenset({"delta", "range", "rate", "forecast"})


def check_doubtful(draft: Draft, catalogue: Mapping[str, MetricSpec]) -> None:
    """Log conditions, or parts of them, whose answer needs no device, and values that are always missing."""
    setting = Setting(draft.found.get("params", {}), catalogue)
    switched = {name for override in draft.found.get("overrides", ()) for name in override.params}
    for written in draft.conditions:
        _check_constant(draft, written, setting, switched)
    for written in (*draft.conditions, *(draft.summary.slots if draft.summary else ())):
        for node in walk(written.expression.root):
            _check_sides(written, node)
            _check_division(written, node, setting)
            _check_calls(written, node, setting)
            _check_span(written, node, catalogue)


def _check_constant(draft: Draft, written: Written, setting: Setting, switched: set[str]) -> None:
    root = written.expression.root
    if _is_constant(root, setting, switched):
        ends = any(written is each for each in draft.until.values())
        if ends and draft.steps:
            return  # what a sequence brought about may well be over with the next sample
        hint = "leave it out" if ends or written is draft.unless else "compare something that devices report"
        written.say(
            "error", root, "constant-condition", "this is the same at all times, whatever is reported", hint=hint
        )
        return
    for node in walk(root):
        for operand in node.operands if isinstance(node, Logic) else ():
            if _is_constant(operand, setting, switched):
                message = "this part is the same at all times: it decides alone, or changes nothing"
                written.say("warning", operand, "constant-condition", message, hint="remove it")


def _is_constant(node: Node, setting: Setting, switched: set[str]) -> bool:
    """Tell whether a condition depends on nothing; a parameter that overrides change may be meant as a switch."""
    paths = list(paths_in(node))
    named = {path.name for path in paths if role_of(path, setting.params) is Role.PARAMETER}
    fixed = not named & switched and all(role_of(path, setting.params) is Role.PARAMETER for path in paths)
    moves = any(isinstance(part, Call | Window) for part in walk(node))
    return fixed and not moves and isinstance(node, Comparison | Logic | Not | Literal)


def _check_sides(written: Written, node: Node) -> None:
    if not isinstance(node, Comparison):
        return
    for left, right in zip(node.operands, node.operands[1:], strict=False):
        if shape(left) == shape(right):
            written.say("warning", right, "same-twice", "this is compared with itself", hint="compare it with a limit")
    for items in (right.items for right in node.operands if isinstance(right, ListOf)):
        for place, item in enumerate(items):
            if shape(item) in map(shape, items[:place]):
                written.say("warning", item, "same-twice", "this stands in the list before", hint="remove it")


def _check_division(written: Written, node: Node, setting: Setting) -> None:
    if isinstance(node, Arithmetic) and node.op in "/%" and constant(node.right, setting) == 0:
        written.say(
            "error", node.right, "always-missing", "what is divided by 0 is missing", hint="divide by something else"
        )


def _check_calls(written: Written, node: Node, setting: Setting) -> None:
    if not isinstance(node, Call):
        return
    window = next((part for arg in node.args[:1] for part in walk(arg) if isinstance(part, Window)), None)
    if node.name in _NEEDS_TWO and window is not None and window.count == 1:
        message = f"{node.name}() of one sample is always missing"
        written.say("error", window, "always-missing", message, hint=f"write {window.path.name}[2] or more")
    horizon = constant(node.args[1], setting) if node.name == "forecast" and len(node.args) > 1 else None
    if horizon is not None and horizon <= 0:
        message = "forecast() looks ahead, and this is not ahead"
        written.say("error", node.args[1], "bad-horizon", message, hint="as in forecast(level[6h], 4h)")
    if node.name == "peers" and any(isinstance(arg, Path) and label_of(arg) == "device" for arg in node.args[1:]):
        message = "no other device has the same device: this is always missing"
        written.say(
            "error", node.args[1], "always-missing", message, hint="name a label that devices share, such as site"
        )


def _check_span(written: Written, node: Node, catalogue: Mapping[str, MetricSpec]) -> None:
    """Log a window, or an age, that is shorter than the interval at which its metric is declared to come."""
    for metric, span_ms, place in _spans(node):
        spec = catalogue.get(metric)
        if spec is not None and spec.every_ms is not None and spec.kind != "event" and span_ms < spec.every_ms:
            pace = format_duration(spec.every_ms)
            message = f'"{metric}" comes every {pace}, and this is only {format_duration(span_ms)}'
            written.say("warning", place, "shorter-than-every", message, hint=f"make it {pace} at the least")


def _spans(node: Node) -> Iterator[tuple[str, int, Node]]:
    if isinstance(node, Window) and node.span_ms is not None:
        yield node.path.name, node.span_ms, node
    if isinstance(node, Comparison) and len(node.operands) == 2:
        for call, limit in (node.operands, node.operands[::-1]):
            ms = constant(limit, Setting({}, {}))
            if isinstance(call, Call) and call.name == "age" and call.args and isinstance(call.args[0], Path) and ms:
                yield call.args[0].name, int(ms), limit
