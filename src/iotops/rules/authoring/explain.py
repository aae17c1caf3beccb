"""The values of a rule's expressions on one device at one instant, part by part."""

from dataclasses import dataclass
from typing import Any

from iotops.rules.compile import Program
from iotops.rules.evidence import plain
from iotops.rules.memory import Memory
from iotops.rules.moment import Moment
from iotops.telemetry.reading import DeviceKey


@dataclass(frozen=True, slots=True)
class Line:
    """A part of an expression, with its value: a number, text or truth; None is missing or unknown."""

    tier: str
    text: str
    value: Any
    file: str
    line: int


def explain(program: Program, memory: Memory, rule: str, instance: str, at_ms: int) -> tuple[Line, ...]:
    """Return every part of a rule's conditions with its value at an instant; nothing for a rule that does not match."""
    device = memory.get(DeviceKey(*instance.split("/", 1)))
    compiled = program.plan_of(device.facts).by_id.get(rule) if device is not None else None
    if device is None or compiled is None:
        return ()
    moment = Moment(memory)
    moment.at(device, at_ms, False, compiled.asof_ms(device))
    lines = [
        Line(tier, part.text, plain(part.read(moment)), part.expression.position.file, part.expression.position.line)
        for tier, parts in compiled.parts.items()
        for part in parts
    ]
    lines += [
        Line("", part.text, plain(part.read(moment)), part.expression.position.file, part.expression.position.line)
        for part in compiled.slots
    ]
    place = compiled.rule.position
    for cause, label in sorted(compiled.notes.causes, key=str):
        asked = f"firing({cause}, {label})" if label else f"firing({cause})"
        lines.append(Line("", asked, moment.firing(cause, label), place.file, place.line))
    return tuple(lines)
