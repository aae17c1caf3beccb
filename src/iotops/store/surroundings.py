"""What rules under scrutiny meet: the devices with their metrics, and what would have been raised of late."""

from collections import Counter
from typing import Final

from sqlalchemy import select

from iotops.rules.alert import Change
from iotops.rules.authoring.fleet import Member
from iotops.rules.authoring.raised import Raised
from iotops.rules.authoring.replay import replay
from iotops.rules.compile import compile_rules
from iotops.rules.memory import Memory
from iotops.rules.rule import RuleSet
from iotops.store import fleet, telemetry
from iotops.store.arrivals import watermarks
from iotops.store.database import Unit
from iotops.store.hindsight import facts_of
from iotops.store.replay import tail
from iotops.store.tables import arrival, block

LATELY: Final = 20_000  # readings: some seconds of work; a backtest goes through as many as there are


def members(unit: Unit) -> tuple[Member, ...]:
    """Return the devices that are not retired, with their labels and the metrics that they sent lately."""
    return tuple(
        Member(facts_of(device).labels, frozenset(telemetry.metrics(unit, device.key)))
        for device in fleet.every(unit)
        if device.lifecycle == "active"
    )


def raised_lately(unit: Unit, rule_set: RuleSet, most: int = LATELY) -> Raised:
    """Run rules over at most so many of the newest stored readings; windows begin empty."""
    program, memory = compile_rules(rule_set), Memory()
    for device in fleet.every(unit):
        memory.register(facts_of(device))
    readings = [reading for _, reading in tail(unit, _before_newest(unit, most))][-most:]
    fired = (each for each in replay(program, readings, memory) if each.change is Change.FIRED)
    span_ms = readings[-1].received_ms - readings[0].received_ms if readings else 0
    rules = (each.alert.key.rule for each in fired)
    return Raised(Counter(rule for rule in rules if rule in rule_set.rules), len(readings), span_ms)


def _before_newest(unit: Unit, most: int) -> int:
    """Return a position behind which the newest so many arrivals lie, and as few others as blocks allow."""
    compacted = watermarks(unit)["compacted"]
    rows = select(arrival.c.position).where(arrival.c.position > compacted).order_by(arrival.c.position.desc())
    positions = list(unit.connection.execute(rows.limit(most)).scalars())
    found, start = len(positions), positions[-1] - 1 if positions else compacted
    blocks = select(block.c.first_position, block.c.readings).order_by(block.c.last_position.desc())
    for first, count in unit.connection.execute(blocks, execution_options={"yield_per": 100}):
        if found >= most:
            break
        found, start = found + count, min(start, first - 1)
    return start
