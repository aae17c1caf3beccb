"""What rules say about each other: names that must be unique, names that must exist, and no circles."""

from collections.abc import Iterable, Mapping, Sequence

from iotops.rules.language.suggest import did_you_mean
from iotops.rules.language.usage import rules_in
from iotops.rules.source.drafts import Draft
from iotops.rules.source.grouping import check_questions
from iotops.rules.source.waiting import check_waiting


def check_references(drafts: Sequence[Draft]) -> None:
    """Log rules of the same name, rules that `firing()` asks for and nobody wrote, and circles of such questions."""
    by_id = _unique(drafts)
    asks: dict[str, tuple[str, ...]] = {}
    for draft in drafts:
        _check_known(draft, by_id)
        check_questions(draft, by_id)
    for name, draft in by_id.items():
        asks[name] = tuple(dict.fromkeys(asked for asked in _asked(draft) if asked in by_id))
    for circle in _circles(asks):
        _say_circle(by_id[circle[0]], circle)
    check_waiting(drafts, by_id)


def _unique(drafts: Iterable[Draft]) -> Mapping[str, Draft]:
    first: dict[str, Draft] = {}
    for draft in drafts:
        other = first.setdefault(draft.id, draft)
        if other is not draft:
            node, place = draft.value("alert"), other.log.source.position(other.key("alert").start)
            start, end = (node.start, node.end) if node else (draft.node.start, draft.node.start + 1)
            message = f'there is another rule "{draft.id}" at {place}'
            draft.log.error(start, end, "duplicate-rule", message, "give one of them another name")
    return first


def _check_known(draft: Draft, by_id: Mapping[str, Draft]) -> None:
    templates = draft.summary.slots if draft.summary else ()
    for written in (*draft.conditions, *templates):
        for path in rules_in(written.expression.root):
            if path.name not in by_id:
                others = (name for name in by_id if name != draft.id)
                message = f'there is no rule "{path.name}"'
                written.say(
                    "error",
                    path,
                    "unknown-rule",
                    message,
                    hint=did_you_mean(path.name, others) or "name a rule of this set",
                )


def _asked(draft: Draft) -> Iterable[str]:
    return (path.name for written in draft.conditions for path in rules_in(written.expression.root))


def _circles(asks: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Return one circle for every edge that closes one; depth first, each rule entered once."""
    found: list[tuple[str, ...]] = []
    done: set[str] = set()
    for start in asks:
        trail = [] if start in done else [start]
        pending = [iter(asks[name]) for name in trail]
        while pending:
            asked = next(pending[-1], None)
            if asked is None:
                pending.pop()
                done.add(trail.pop())
            elif asked in trail:
                found.append(tuple(trail[trail.index(asked) :]))
            elif asked not in done:
                trail.append(asked)
                pending.append(iter(asks[asked]))
    return found


def _say_circle(draft: Draft, circle: tuple[str, ...]) -> None:
    shown = " -> ".join((*circle, circle[0]))
    following = circle[1] if len(circle) > 1 else circle[0]
    for written in draft.conditions:
        for path in rules_in(written.expression.root):
            if path.name == following:
                hint = "a rule cannot wait for itself; drop one of these"
                written.say("error", path, "rule-cycle", f"rules ask for each other in a circle: {shown}", hint=hint)
                return
