"""The rule engine alone: decoded batches in, transitions out."""

import dataclasses
import gc
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from benchmarks import fleet, fleet_shipped
from benchmarks.figures import Result, Scale
from benchmarks.measuring import BATCH, DAY_MS, START_MS
from benchmarks.processes import used
from iotops.rules.authoring.check import check
from iotops.rules.compile import Program, compile_rules
from iotops.rules.engine import Now, evaluate
from iotops.rules.memory import Memory
from iotops.rules.rulefile import parse_rules
from iotops.telemetry.batch import Batch
from iotops.telemetry.decode import decode_all
from iotops.telemetry.limits import Limits

_NOTHING = "none: memory only"
_COLLECT_AFTER: Final = 20_000  # as ingest has it, and `backtest` more
_SPEED: Final = "readings a CPU second"
_BACKTEST: Final = {_SPEED: 200_000}
_ENGINE: Final = {_SPEED: 300_000}
ADDED: Final = "CPU a reading more than with five (µs)"
_WINDOW = '  - {{alert: {name}_{site}, match: {{site: {site}}}, when: "{when}"}}\n'


def engine(_directory: Path, scale: Scale) -> Iterator[Result]:
    """Judge batches as they arrive, two readings of a device in each: beside more and more rules about other things."""
    _settle()
    batches = _arriving(scale.readings)
    five = _judge("engine", fleet.WORKLOAD, _program(fleet.rules()), batches, at_least=_ENGINE)
    yield five
    more = "".join(
        f"  - {{alert: more_{site}, match: {{site: s{site:02}}}, when: pressure > 9.5}}\n"
        for site in range(fleet.SITES)
    )
    program = _program({**fleet.rules(), "more.yaml": f"rules:\n{more}"})
    six = _judge("engine, one matching rule more", "6 rules match each device", program, batches)
    added = 1e6 / six.figures[_SPEED] - 1e6 / five.figures[_SPEED]
    yield dataclasses.replace(six, figures={**six.figures, ADDED: added}, at_most={ADDED: 0.5})
    for name, others in (("few", 10), ("many", scale.readings // 30)):
        workload = f"{fleet.WORKLOAD}, and {others} rules about other metrics"
        yield _judge(f"engine, {name} other rules", workload, _program(fleet.rules(others)), batches)
    for span in ("5m", "24h"):
        yield _windows(span, scale)


def backtest(_directory: Path, scale: Scale) -> Iterator[Result]:
    """Judge stored telemetry by the shipped rules: an hour of many devices at once, a month of one at once."""
    _settle()
    program = compile_rules(fleet_shipped.shipped_rules())
    several = fleet_shipped.devices(max(6, scale.readings // 300), START_MS)
    workload = f"{len(several)} devices of 6 kinds, a reading in 10 s, an hour in a batch, the shipped rules"
    yield _judge(
        "backtest, hours of a fleet",
        workload,
        program,
        fleet_shipped.hours(several, 3, START_MS),
        memory=_knowing(several),
        at_least=_BACKTEST,
    )
    one = fleet_shipped.devices(1, START_MS)
    days = max(1, scale.readings // 10_000)
    workload = f"one pump, a reading in 10 s; a batch of a day, then one of {days} days; the shipped rules"
    batches = [*fleet_shipped.hours(one, 24, START_MS, 24)]
    batches += fleet_shipped.hours(one, 24 * days, START_MS + DAY_MS, 24 * days)
    yield _judge("backtest, a month of a device", workload, program, batches, memory=_knowing(one), at_least=_BACKTEST)


def rules(_directory: Path, scale: Scale) -> Iterator[Result]:
    """Check many rules, and have many at once."""
    texts = fleet.rules(400)
    taken = []
    before = used(os.getpid())
    for _ in range(3):
        start = time.process_time()
        findings = check(texts)
        taken.append((time.process_time() - start) * 1e3)
    faults = tuple(str(finding) for finding in findings if finding.level == "error")
    yield Result(
        "check of 500 rules",
        "100 rules of five kinds, 400 thresholds; CPU time, the best of three",
        _NOTHING,
        {"milliseconds": min(taken)},
        {"benchmark": used(os.getpid()).since(before)},
        faults,
        at_most={"milliseconds": 300},
    )
    _settle()
    batches = _arriving(min(scale.readings, 60_000))  # they count as memory, too
    others = min(7_900, scale.readings // 30)
    workload = f"{fleet.WORKLOAD}, and {others} rules about other metrics"
    found = _judge(f"{others + 100} rules", workload, _program(fleet.rules(others)), batches)
    share = 800 / found.figures[_SPEED] * 100
    memory = found.processes["benchmark"]["rss_mib"]
    figures = {"% of a core at 800 messages a second": share, "memory with rules, devices and batches (MiB)": memory}
    yield Result(
        found.name,
        found.workload,
        _NOTHING,
        figures,
        found.processes,
        found.faults,
        at_most={"% of a core at 800 messages a second": 100, "memory with rules, devices and batches (MiB)": 500},
    )


def _windows(span: str, scale: Scale) -> Result:
    """Judge rules whose windows are read with each sample: full ones, of a minute's samples."""
    text = "metrics:\n  temperature: {unit: °C, kind: gauge}\nrules:\n" + "".join(
        _WINDOW.format(name=name, site=f"s{site:02}", when=when.format(span))
        for site in range(fleet.SITES)
        for name, when in (("spread", "stddev(temperature[{}]) > 50"), ("top", "max(temperature[{}]) > 200"))
    )
    batches = [
        Batch(decode_all(batch, Limits()).readings)
        for batch in fleet.batches(scale.readings // 2, START_MS, 200, devices=20, every_ms=60_000)
    ]
    workload = f"20 devices, a reading a minute, stddev and max over {span} read with each, 200 in a batch"
    full = min(20 * 1_440 // 200, len(batches) // 2)
    return _judge(
        f"engine, windows of {span}", workload, _program({"bench.yaml": text}), batches, skipped=full, fires=False
    )


def _settle() -> None:
    gc.collect()
    gc.set_threshold(_COLLECT_AFTER)


def _arriving(count: int) -> list[Batch]:
    found = [Batch(decode_all(batch, Limits()).readings) for batch in fleet.batches(count, START_MS, BATCH)]
    gc.freeze()  # the input is ours; ingest would not have it all in memory
    return found


def _program(texts: Mapping[str, str]) -> Program:
    rule_set, findings = parse_rules(texts)
    assert not any(finding.level == "error" for finding in findings), findings
    program = compile_rules(rule_set)
    gc.collect()
    gc.freeze()  # as ingest does once it has started: what lives as long as the process is not looked through
    return program


def _knowing(devices: Iterable[fleet_shipped.DeviceFacts]) -> Memory:
    memory = Memory()
    for facts in devices:
        memory.register(facts)
    return memory


def _judge(
    name: str,
    workload: str,
    program: Program,
    batches: Iterable[Batch],
    *,
    memory: Memory | None = None,
    at_least: Mapping[str, float] | None = None,
    skipped: int = 1,
    fires: bool = True,
) -> Result:
    """Judge batches; the first ones, in which devices are new and windows fill, are not counted."""
    memory = memory or Memory()
    counted, transitions, spent, first, cpu = 0, 0, 0.0, 0.0, 0.0
    process = used(os.getpid())
    for number, batch in enumerate(batches):
        newest = batch[len(batch) - 1]
        before, start = time.process_time(), time.perf_counter()
        evaluation = evaluate(program, batch, memory, Now(newest.received_ms, newest.connected_ms - 500))
        evaluation.journal.apply()
        passed = time.perf_counter() - start
        assert not evaluation.faults
        if number < skipped:
            first = first or passed
            continue
        counted += len(batch)
        spent += passed
        cpu += time.process_time() - before
        transitions += len(evaluation.transitions)
    figures = {
        "readings a second": counted / spent,
        _SPEED: counted / max(cpu, 0.01),
        "first batch, all devices new (ms)": first * 1e3,
        "transitions": transitions,
    }
    faults = ("no rule ever fired: nothing was judged",) if fires and not transitions else ()
    processes = {"benchmark": used(os.getpid()).since(process)}
    return Result(
        name, f"{counted} decoded readings; {workload}", _NOTHING, figures, processes, faults, at_least=at_least or {}
    )
