"""Measure iotops on this machine.

    python -m benchmarks [NAME ...] [--quick] [--directory DIR] [--keep DIR] [--output FILE]

Prints what is measured and writes it as JSON; the exit status is 1 where a message was lost or stored twice, and,
unless it was a quick run, where a figure did not reach its target. Figures beside those of
benchmarks/results/KIND.json, the committed result of such a machine, where there is one.
"""

import argparse
import dataclasses
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.backtesting import backtest_stored
from benchmarks.charts import charts
from benchmarks.figures import FULL, QUICK, Benchmark, Result, Scale, lines
from benchmarks.incidents import incidents
from benchmarks.ingest import ingest
from benchmarks.judging import backtest, engine, rules
from benchmarks.latency import latency
from benchmarks.memory import memory
from benchmarks.processes import forget_peak
from benchmarks.pure import decode
from benchmarks.receiving import receiving
from benchmarks.scaling import many_devices
from benchmarks.storing import storing

TABLE: Mapping[str, Benchmark] = {
    "decode": decode,
    "rules": rules,
    "engine": engine,
    "backtest": backtest,
    "store": storing,
    "chart": charts,
    "receive": receiving,
    "ingest": ingest,
    "backtest-stored": backtest_stored,
    "latency": latency,
    "memory": memory,
    "devices": many_devices,
    "incidents": incidents,
}
MAIN = ("engine", "store", "ingest", "latency", "memory")
"""What `--quick` measures where nothing is named: the main rows, in two minutes on a machine that does nothing else."""
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Run the benchmarks that are named, or all."""
    arguments = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument(
        "names", nargs="*", metavar="NAME", help=f"{', '.join(TABLE)}; default: all, the main ones if --quick"
    )
    arguments.add_argument("--quick", action="store_true", help=f"less work; without names {', '.join(MAIN)}")
    arguments.add_argument("--directory", type=Path, default=Path(tempfile.gettempdir()), help="where files go: a disk")
    arguments.add_argument("--keep", type=Path, help="where the databases of `incidents` stay, for the next time")
    arguments.add_argument("--output", type=Path, help="default: benchmarks/results/run-TIME.json")
    chosen = arguments.parse_args()
    unknown = sorted(set(chosen.names) - set(TABLE))
    if unknown:
        arguments.error(f"unknown benchmark {', '.join(unknown)}; there are {', '.join(TABLE)}")
    try:
        machine.check_disk(chosen.directory)
        machine.check_disk((chosen.keep or chosen.directory).absolute())
    except machine.Unsuitable as error:
        arguments.error(str(error))
    output = chosen.output or RESULTS / time.strftime("run-%Y%m%d-%H%M%S.json")
    names = tuple(chosen.names or (MAIN if chosen.quick else TABLE))
    document = run(names, QUICK if chosen.quick else FULL, chosen.directory, chosen.keep)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    print(f"written to {output}")
    for line in document["missed"]:
        print(f"MISSED: {line}")
    failed = any(each["faults"] for each in document["results"])
    return 1 if failed or (document["missed"] and not chosen.quick) else 0


def run(names: tuple[str, ...], scale: Scale, directory: Path, keep: Path | None = None) -> dict[str, Any]:
    """Run benchmarks one after the other, print each as it ends, and return everything as a JSON document."""
    table = {**TABLE, "incidents": partial(incidents, keep=keep)}
    with tempfile.TemporaryDirectory(prefix="iotops-bench-", dir=directory) as place:
        Path(place).chmod(0o755)  # as root the PostgreSQL server runs as nobody, below here
        host = machine.describe(Path(place))
        versions = ", ".join(f"{name} {number}" for name, number in host["versions"].items())
        print(f"{host['cpu']}, {host['cores']} cores, {host['memory_gib']} GiB, {host['system']}; {versions}")
        print(f"{place} is on {host['file_system']}, one fsync takes {host['fsync_ms']} ms")
        before = _committed(host["kind"])
        results: list[Result] = []
        for name in names:
            folder = Path(place) / name
            folder.mkdir()
            forget_peak()
            for found in table[name](folder, scale):
                result = dataclasses.replace(found, load_average=os.getloadavg())
                results.append(result)
                forget_peak()
                print("\n" + "\n".join(lines(result, before.get(result.name, {}))), flush=True)
    return {
        "measured": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": host,
        "scale": dataclasses.asdict(scale),
        "missed": [line for result in results for line in result.missed()],
        "results": [dataclasses.asdict(result) for result in results],
    }


def _committed(kind: str) -> Mapping[str, Mapping[str, float]]:
    file = RESULTS / f"{kind}.json"
    if not file.is_file():
        return {}
    return {result["name"]: result["figures"] for result in json.loads(file.read_text())["results"]}


if __name__ == "__main__":
    sys.exit(main())
