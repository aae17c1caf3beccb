"""Messages decoded, without I/O."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import fleet
from benchmarks.figures import Result, Scale
from benchmarks.measuring import BATCH, START_MS
from benchmarks.processes import used
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
