"""What rules of groups may say: nothing of one device, and parameters that all devices of a group share."""

from collections.abc import Iterable, Mapping

from iotops.rules.language.reach import DEVICE, check_reach, own_questions
from iotops.rules.source.drafts import Draft
from iotops.rules.source.nodes import YamlList, YamlMap
from iotops.rules.source.written import Written


def check_grouping(draft: Draft) -> None:
    """Log what the instances of a rule cannot answer, and overrides that not all devices of a group share."""
    params = draft.found.get("params", {})
    for written in _expressions(draft):
        for complaint in check_reach(written.expression.root, draft.per, params):
            written.say("error", complaint.node, complaint.code, complaint.message, hint=complaint.hint)
    if draft.per != DEVICE:
        _check_overrides(draft)


def check_questions(draft: Draft, by_id: Mapping[str, Draft]) -> None:
    """Log where a rule of groups asks for a rule of which several instances, or none, could be meant."""
    if draft.per == DEVICE:
        return
    for written in _expressions(draft):
        for path in own_questions(written.expression.root):
            asked = by_id.get(path.name)
            if asked is None or asked.per == ("fleet",) or set(asked.per) <= set(draft.per):
                continue
            if asked.per == DEVICE:
                message = f'"{path.name}" fires per device, and this rule is about groups'
                hint = f"ask how many: devices(firing({path.name})) >= 1"
            else:
                message = f'"{path.name}" fires per {", ".join(asked.per)}, this rule per {", ".join(draft.per)}'
                both = ", ".join(dict.fromkeys((*draft.per, *asked.per)))
                hint = f"several of its groups could be meant; write per: [{both}]"
            written.say("error", path, "unclear-instance", message, hint=hint)


def _expressions(draft: Draft) -> Iterable[Written]:
    return (*draft.conditions, *(draft.summary.slots if draft.summary else ()))


def _check_overrides(draft: Draft) -> None:
    node = draft.value("overrides")
    for override in node.items if isinstance(node, YamlList) else ():
        match = override.get("match") if isinstance(override, YamlMap) else None
        for key, _ in match.entries if isinstance(match, YamlMap) else ():
            if key.text not in draft.per and not key.broken:
                message = f'a group has one set of parameters, and its devices need not share the label "{key.text}"'
                hint = f"match by {', '.join(draft.per)}" if draft.per != ("fleet",) else "the fleet has no labels"
                draft.log.error(key.start, key.end, "override-not-shared", message, f"{hint}, or write two rules")
