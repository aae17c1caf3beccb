"""The rooms without I/O, measured: messages decoded, decoded batches judged."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import fleet
from benchmarks.figures import Result, Scale
from benchmarks.measuring import BATCH, START_MS
from benchmarks.processes import used
from iotops.rules.compile import compile_rules
from iotops.rules.engine import Now, evaluate
from iotops.rules.memory import Memory
from iotops.rules.rulefile import parse_rules
from iotops.telemetry.batch import Batch
from iotops.telemetry.decode import decode_all
from iotops.telemetry.limits import Limits

_NOTHING = "none: memory only"


def decode(_directory: Path, scale: Scale) -> Iterator[Result]:
    """Decode telemetry as devices send it, in batches."""
    batches = list(fleet.batches(scale.readings, START_MS, BATCH))
    decode_all(batches[0], Limits())
    before = used(os.getpid())
    start = time.perf_counter()
    readings = sum(len(decode_all(batch, Limits()).readings) for batch in batches)
    spent = time.perf_counter() - start
    process = used(os.getpid()).since(before)
    faults = () if readings == scale.readings else (f"{readings} readings of {scale.readings} messages",)
    figures = {
        "messages a second": scale.readings / spent,
        "CPU a message (µs)": process["cpu_s"] / scale.readings * 1e6,
    }
    workload = f"{scale.readings} JSON messages of 3 metrics with ts, boot and seq, in batches of {BATCH}"
    yield Result("decode", workload, _NOTHING, figures, {"benchmark": process}, faults)


def engine(_directory: Path, scale: Scale) -> Iterator[Result]:
    """Judge decoded batches; then the same beside 1 000 rules about metrics that nobody sends."""
    batches = [Batch(decode_all(batch, Limits()).readings) for batch in fleet.batches(scale.readings, START_MS, BATCH)]
    yield _judge("engine", fleet.WORKLOAD, batches, 0)
    yield _judge("engine, other rules", f"{fleet.WORKLOAD}, and 1 000 rules about other metrics", batches, 1_000)


def _judge(name: str, workload: str, batches: list[Batch], others: int) -> Result:
    rule_set, findings = parse_rules({"bench.yaml": fleet.rules(others)})
    assert not any(finding.level == "error" for finding in findings), findings
    program, memory = compile_rules(rule_set), Memory()

    def judge(batch: Batch) -> int:
        newest = batch[len(batch) - 1]
        evaluation = evaluate(program, batch, memory, Now(newest.received_ms, newest.connected_ms - 500))
        evaluation.journal.apply()
        assert not evaluation.faults
        return len(evaluation.transitions)

    begun = time.perf_counter()
    judge(batches[0])
    before = used(os.getpid())
    start = time.perf_counter()
    transitions = sum(map(judge, batches[1:]))
    spent = time.perf_counter() - start
    process = used(os.getpid()).since(before)
    count = sum(map(len, batches[1:]))
    figures = {
        "readings a second": count / spent,
        "readings a CPU second": count / max(process["cpu_s"], 0.01),
        "first batch, all devices new (ms)": (start - begun) * 1e3,
        "transitions": transitions,
    }
    faults = () if transitions else ("no rule ever fired: nothing was judged",)
    workload = f"{count} decoded readings in batches of {BATCH}; {workload}"
    return Result(name, workload, _NOTHING, figures, {"benchmark": process}, faults)
