"""Check that the expressions of a rule make sense: types, names of parameters, formats of placeholders."""

from collections.abc import Callable, Mapping

from iotops.rules.language.constants import check_constants
from iotops.rules.language.names import RESERVED, Role, role_of
from iotops.rules.language.nodes import Node
from iotops.rules.language.scope import Scope
from iotops.rules.language.signatures import Kind
from iotops.rules.language.suggest import did_you_mean
from iotops.rules.language.template import NUMBER_FORMAT, TEXT_FORMAT, Slot
from iotops.rules.language.types import Complaint, check_condition, check_value
from iotops.rules.language.usage import paths_in
from iotops.rules.rule import MetricSpec
from iotops.rules.source.drafts import Draft
from iotops.rules.source.nodes import YamlList, YamlMap
from iotops.rules.source.written import Written


def check_meaning(draft: Draft, catalogue: Mapping[str, MetricSpec]) -> None:
    """Log every expression, placeholder and override of a rule that cannot work."""
    scope = Scope(draft.found.get("params", {}), catalogue)
    settings = [scope.params, *({**scope.params, **override.params} for override in draft.found.get("overrides", ()))]
    for written in draft.conditions:
        root = written.expression.root
        _say(written, check_condition(root, scope) or check_constants(root, settings))
    for written in draft.summary.slots if draft.summary else ():
        complaints, kind = check_value(written.expression.root, scope)
        complaints = complaints or check_constants(written.expression.root, settings)
        _say(written, complaints)
        if written.slot is not None and not complaints:
            _check_format(written, written.slot, kind)
    _check_metrics(draft, scope)
    _check_overrides(draft, scope)


def _say(written: Written, complaints: tuple[Complaint, ...]) -> None:
    for complaint in complaints:
        written.say("error", complaint.node, complaint.code, complaint.message, hint=complaint.hint)


def _check_format(written: Written, slot: Slot, kind: Kind) -> None:
    if not slot.format_start:
        return
    fits: Callable[[str], object] = NUMBER_FORMAT.fullmatch if kind & Kind.NUMBER else TEXT_FORMAT.fullmatch
    if fits(slot.format) or (kind & Kind.TEXT and TEXT_FORMAT.fullmatch(slot.format)):
        return
    what = "a number" if kind & Kind.NUMBER else "a text"
    hint = "as in ${temp:.1f}" if kind & Kind.NUMBER else "leave the format out"
    length = len(written.expression.text)
    message = f'":{slot.format[:40]}" is no format for {what}'
    written.say("error", Node(length, length + 1 + len(slot.format)), "bad-format", message, hint=hint)


def _check_metrics(draft: Draft, scope: Scope) -> None:
    """Log metrics that the catalogue does not list: an error where the file closes it, else a note."""
    if not draft.closed and not draft.declares:
        return
    known = (*scope.catalogue, *scope.params, *RESERVED)
    for written in (*draft.conditions, *(draft.summary.slots if draft.summary else ())):
        for path in paths_in(written.expression.root):
            if role_of(path, scope.params) is Role.METRIC and path.name not in scope.catalogue:
                hint = did_you_mean(path.name, known) or "list it under metrics"
                message = f'the catalogue lists no metric "{path.name}"'
                written.say("error" if draft.closed else "note", path, "unknown-metric", message, hint=hint)


def _check_overrides(draft: Draft, scope: Scope) -> None:
    node = draft.value("overrides")
    for override in node.items if isinstance(node, YamlList) else ():
        params = override.get("params") if isinstance(override, YamlMap) else None
        for key, _ in params.entries if isinstance(params, YamlMap) else ():
            if key.text not in scope.params and not key.broken:
                message = f'"params" names no "{key.text}" that could be overridden'
                draft.log.error(
                    key.start,
                    key.end,
                    "unknown-param",
                    message,
                    did_you_mean(key.text, scope.params) or "add it to params",
                )
