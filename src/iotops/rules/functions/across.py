"""What the devices of a group say together: how many, which share of them, and what is usual among them."""

from typing import Any

from iotops.rules.language.names import label_of
from iotops.rules.language.nodes import Call, Path
from iotops.rules.moment import Closure, Moment


def devices(call: Call, scope: Any) -> Closure:
    """Build `devices(condition)`: on how many devices it is true; bounds where it is unknown on some."""
    rule, (labels, place) = scope.surveys.rule, scope.surveys.poll(call.args[0])

    def read(moment: Moment) -> Any:
        group = moment.group(rule, labels)
        return 0 if group is None else group.tally.count(place)

    return read


def share(call: Call, scope: Any) -> Closure:
    """Build `share(condition)`: the same as a fraction of the devices; missing where there are none."""
    rule, (labels, place) = scope.surveys.rule, scope.surveys.poll(call.args[0])

    def read(moment: Moment) -> Any:
        group = moment.group(rule, labels)
        return None if group is None else group.tally.share(place)

    return read


def peers(call: Call, scope: Any) -> Closure:
    """Build `peers(metric, label)`: the median of the other devices' last values; missing where there are none."""
    label = call.args[1]
    assert isinstance(label, Path)  # noqa: S101  the type checker of the language saw to it
    rule, (labels, place) = scope.surveys.rule, scope.surveys.rank(call.args[0], label_of(label))

    def read(moment: Moment) -> Any:
        group = moment.group(rule, labels)
        return None if group is None else group.tally.median(place, without=moment.device.key)

    return read
