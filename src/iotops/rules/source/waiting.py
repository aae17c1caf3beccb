"""What a rule with a `lateness` may ask: it waits for one device's samples, and others have clocks of their own."""

from collections.abc import Iterable, Mapping

from iotops.rules.language.nodes import Call, Path
from iotops.rules.language.reach import DEVICE, SURVEYS
from iotops.rules.language.usage import rules_in
from iotops.rules.language.walk import walk
from iotops.rules.source.drafts import Draft
from iotops.rules.source.written import Written


def check_waiting(drafts: Iterable[Draft], by_id: Mapping[str, Draft]) -> None:
    """Log where a rule would wait for late samples, and looks at other devices."""
    beyond = _looking_beyond(by_id)
    for draft in drafts:
        if not draft.found.get("lateness") or by_id.get(draft.id) is not draft or draft.id not in beyond:
            continue
        own = draft.value("lateness") is not None
        key = draft.key("lateness" if own else "alert")
        message = '"lateness" waits for what one device sends late, and this rule looks at other devices'
        hint = "leave it out" if own else "write lateness: 0s, for the defaults of this file say otherwise"
        draft.log.error(key.start, key.end, "lateness-across", message, f"{hint}, and let the rules it asks for wait")


def _looking_beyond(by_id: Mapping[str, Draft]) -> set[str]:
    """Return the rules that look at other devices, or ask for a rule that does."""
    found = {name for name, draft in by_id.items() if draft.per != DEVICE or any(map(_is_across, _said(draft)))}
    while True:
        more = {name for name, draft in by_id.items() if name not in found and not _asked(draft).isdisjoint(found)}
        if not more:
            return found
        found |= more


def _is_across(written: Written) -> bool:
    calls = (node for node in walk(written.expression.root) if isinstance(node, Call))
    return any(call.name in SURVEYS or (call.name == "firing" and len(call.args) > 1) for call in calls)


def _asked(draft: Draft) -> set[str]:
    return {path.name for each in _said(draft) for path in rules_in(each.expression.root) if isinstance(path, Path)}


def _said(draft: Draft) -> tuple[Written, ...]:
    return (*draft.conditions, *(draft.summary.slots if draft.summary else ()))
