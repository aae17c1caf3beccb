"""Rules against the devices that there are: labels that none has, values that none has, metrics that none reports."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from iotops.rules.finding import Level
from iotops.rules.language.names import Role, label_of, role_of
from iotops.rules.language.suggest import nearest
from iotops.rules.language.usage import paths_in
from iotops.rules.matching import matches
from iotops.rules.rule import MetricSpec
from iotops.rules.source.drafts import Draft
from iotops.rules.source.nodes import YamlMap
from iotops.rules.source.written import Written


@dataclass(frozen=True, slots=True)
class Member:
    """A device as registered: its labels, `site`, `device` and `name` among them, and the metrics that it reported."""

    labels: Mapping[str, str]
    metrics: frozenset[str]


Fleet = Sequence[Member]


def check_against(fleet: Fleet, draft: Draft, catalogue: Mapping[str, MetricSpec]) -> None:
    """Log where a rule is about no device, and which metrics and labels none of its devices has.

    A metric that the catalogue declares may be yet to come: that none reports it is a warning, else an error.
    """
    match = draft.found.get("match", {})
    members = [member for member in fleet if matches(match, member.labels)]
    if not members:
        _say_nobody(fleet, draft)
        return
    reported = Counter(metric for member in members for metric in member.metrics)
    labelled = Counter(label for member in members for label in member.labels)
    params = draft.found.get("params", {})
    for written in _expressions(draft):
        for path in paths_in(written.expression.root):
            role = role_of(path, params)
            if role is Role.METRIC and path.name not in reported:
                level: Level = "warning" if path.name in catalogue else "error"
                message = f'no device that matches reports a metric "{path.name}"'
                hint = _seen(path.name, reported, len(members), "matched devices")
                written.say(level, path, "unknown-metric", message, hint=hint)
            elif role is Role.LABEL and label_of(path) not in labelled:
                message = f'no device that matches has a label "{label_of(path)}"'
                hint = _seen(label_of(path), labelled, len(members), "matched devices")
                written.say("warning", path, "unknown-label", message, hint=hint)


def _expressions(draft: Draft) -> Iterator[Written]:
    yield from draft.conditions
    yield from draft.summary.slots if draft.summary else ()


def _say_nobody(fleet: Fleet, draft: Draft) -> None:
    """Log that no device matches, at the label that is to blame where a single one is."""
    match = draft.found.get("match", {})
    node = draft.value("match")
    for key, value in node.entries if isinstance(node, YamlMap) else ():
        if any(key.text in member.labels for member in fleet):
            accepted = match.get(key.text, ())
            if not any(matches({key.text: accepted}, member.labels) for member in fleet):
                values = Counter(member.labels[key.text] for member in fleet if key.text in member.labels)
                message = f"no device has {key.text} {' or '.join(accepted)}"
                hint = _seen(accepted[0] if accepted else "", values, len(fleet), "devices")
                draft.log.add("warning", value.start, value.end, "no-device", message, hint=hint)
                return
        else:
            labels = Counter(label for member in fleet for label in member.labels)
            message = f'no device has a label "{key.text}"'
            hint = _seen(key.text, labels, len(fleet), "devices")
            draft.log.add("warning", key.start, key.end, "unknown-label", message, hint=hint)
            return
    key = draft.key("match")
    message = "no device matches" if fleet else "no device is registered"
    draft.log.add("warning", key.start, key.end, "no-device", message, hint="`iotops devices list` shows what there is")


def _seen(word: str, known: Counter[str], total: int, what: str) -> str:
    found = nearest(word, known)
    return f'did you mean "{found}"? (seen on {known[found]} of {total} {what})' if found else ""
