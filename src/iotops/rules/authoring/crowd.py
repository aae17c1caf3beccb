"""What is said beyond a device, for people: by the devices of a group, and by the rules that `firing()` asks for."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from iotops.durations import format_instant
from iotops.rules.alert import Alert
from iotops.rules.authoring.explanation import Line
from iotops.rules.device import DeviceMemory
from iotops.rules.group import Group
from iotops.rules.language import nodes
from iotops.rules.language.names import label_of
from iotops.rules.moment import Moment
from iotops.rules.surveys import Question, Surveys
from iotops.rules.values import Truth
from iotops.telemetry.reading import DeviceKey
from iotops.wording import counted

DEVICES_SHOWN: Final = 5  # of those for which a condition is true, and of those for which it is unknown
_POLLS_SHOWN: Final = 3


class Asked(NamedTuple):
    """A question that `devices()`, `share()` or `peers()` puts to a group, at its place among those of its kind."""

    group: Group
    place: int

    @property
    def poll(self) -> Question:
        """Return the condition that is counted."""
        return self.group.survey.polls[self.place]

    @property
    def of_all(self) -> str:
        """Return on how many of the devices a condition is true: `1 of 3`, `1 to 2 of 3` where one does not say."""
        true, false, unknown = self.group.tally.counts(self.place)
        found = f"{true} to {true + unknown}" if unknown else str(true)
        return f"{found} of {true + false + unknown}"


def asked_of(node: nodes.Call, surveys: Surveys | None, moment: Moment) -> Asked | None:
    """Return what a call asks a group, None where there is no such group."""
    if surveys is None:
        return None
    if node.name == "peers":
        label = node.args[1]
        labels, place = surveys.rank(node.args[0], label_of(label) if isinstance(label, nodes.Path) else "")
    else:
        labels, place = surveys.poll(node.args[0])
    group = moment.group(surveys.rule, labels)
    return None if group is None else Asked(group, place)


def devices_of(asked: Asked, moment: Moment, depth: int) -> Iterator[Line]:
    """Yield the first devices for which a condition is true, and those for which it is unknown, with what they said."""
    answers = asked.group.tally.answers
    for truth, word in ((True, "true"), (None, "unknown")):
        found = sorted(key for key, answer in answers.items() if answer.truths[asked.place] is truth)
        for key in found[:DEVICES_SHOWN]:
            yield _device(asked, moment, key, truth, depth)
        if len(found) > DEVICES_SHOWN:
            yield Line(depth, f"and {len(found) - DEVICES_SHOWN} more", truth, word)


def others_of(asked: Asked, moment: Moment) -> str:
    """Return of how many other devices a median was taken."""
    own = moment.device.key
    answers = asked.group.tally.answers.items()
    others = sum(key != own and answer.values[asked.place] is not None for key, answer in answers)
    return f"of {counted(others, 'other device')}"


def firing_of(node: nodes.Call, moment: Moment) -> str:
    """Return on whom a rule that `firing()` asks for fires, or that it does not."""
    names = [argument.name for argument in node.args if isinstance(argument, nodes.Path)]
    subject: DeviceMemory | Group | None = moment.device
    if len(names) > 1:
        label = names[1].removeprefix("device.")
        subject = moment.memory.linked(moment.device, label)
        if subject is None:
            return f"no device behind the label {label}"
    holder = moment.memory.holder(names[0], moment.device if subject is None else subject)
    if holder is None:
        return "no group has these labels"
    alert = holder.open.get(names[0])
    if isinstance(holder, Group):
        return f"{names[0]}({', '.join(holder.group_key.values) or holder.key}) {_state(alert)}{_said(holder)}"
    return f"{_state(alert, f' on {holder.key}')}"


def _device(asked: Asked, moment: Moment, key: DeviceKey, truth: Truth, depth: int) -> Line:
    device = moment.memory.get(key)
    metrics = sorted(asked.poll.notes.metrics)
    found = [(name, device.series[name]) for name in metrics if device is not None and name in device.series]
    heard = [(name, series) for name, series in found if series.times]
    shown = ", ".join(f"{name} = {series.values[-1]}" for name, series in heard)
    newest_ms = max((series.times[-1] for _, series in heard), default=None)
    never = "never reported" if metrics else ""
    note = never if newest_ms is None else f"at {format_instant(newest_ms)}"
    return Line(depth, str(key), truth, shown or ("true" if truth else "unknown"), note)


def _state(alert: Alert | None, where: str = "") -> str:
    if alert is None:
        return f"not firing{where}"
    since_ms = alert.began_ms if alert.fired_ms is None else alert.fired_ms
    return f"{alert.state.value}{where} since {format_instant(since_ms)}"


def _said(group: Group) -> str:
    """Return how many devices say what the group's rule counts."""
    polls = group.survey.polls[:_POLLS_SHOWN]
    names = ["devices"] if len(polls) == 1 else [f"devices({poll.text})" for poll in polls]
    said = ", ".join(f"{name} = {Asked(group, place).of_all}" for place, name in enumerate(names))
    return f": {said}" if said else ""
