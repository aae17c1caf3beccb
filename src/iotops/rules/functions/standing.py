"""How things stand around the samples: how long ago something was heard, and which other rules fire."""

from typing import Any

from iotops.rules.language.nodes import Call, Path
from iotops.rules.moment import Closure, Moment


def age(call: Call, scope: Any) -> Closure:
    """Build `age()`, the time since anything was heard from the device, or `age(x)`, since the metric's last sample.

    Milliseconds on the device clock, without the time for which the broker could not be heard. A device that never
    reported has age since its registration, a metric that never came has none.
    """
    scope.notes.reads_age = True
    if not call.args:
        return lambda moment: moment.device.age_ms(moment.at_ms)
    name = scope.metric(call.args[0])

    def read(moment: Moment) -> int | None:
        device = moment.device
        series = device.series.get(name)
        if series is None or not series.times:
            return None
        return moment.at_ms - series.good_ms - (device.paused_ms - series.paused_ms)

    return read


def firing(call: Call, scope: Any) -> Closure:
    """Build `firing(rule)`, the rule on the same device, or `firing(rule, label)`, on the device that a label names."""
    rule, *labels = (argument.name for argument in call.args if isinstance(argument, Path))
    label = labels[0].removeprefix("device.") if labels else None
    scope.notes.causes.add((rule, label))
    return lambda moment: moment.firing(rule, label)
