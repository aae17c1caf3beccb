"""Resident memory with nothing to do and with 10 000 devices, and how long a start with all of them takes."""

import re
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks import fleet
from benchmarks.figures import Result, Scale
from benchmarks.incidents import Api
from benchmarks.ingest import DURABILITY, Site
from benchmarks.probe import Probe
from benchmarks.processes import Used, used, used_since
from iotops.broker.mosquitto import find_mosquitto
from iotops.store import slots
from iotops.telemetry.reading import DeviceKey

DEVICES = 10_000
_MANY_SITES = 200
_IDLE_S = 10.0
_SWEEP_MS = 10_000
_SWEPT_WITHIN_S = 180.0
_IDLE, _IDLE_API = "ingest, idle (MB)", "api, idle (MB)"
_FULL, _FULL_API = "ingest, 10 000 devices with 100 rules (MB)", "api beside it (MB)"
_STOPPED, _KILLED = "first message judged after a stop (s)", "first message judged after kill -9 (s)"


def memory(directory: Path, scale: Scale) -> Iterator[Result]:
    """Measure the ingest and the API on SQLite: idle, with many devices, and the ingest starting over them."""
    mosquitto = find_mosquitto()
    if mosquitto is None:
        print("memory: skipped, mosquitto is not installed (apt-get install mosquitto)")
        return
    for name, measure in (("memory", _resident), ("cold", _cold_start)):
        place = directory / name
        with closing(Site(place, f"sqlite:///{place}/iotops.db", mosquitto)) as site:
            yield measure(site, scale.rounds)


def resident_mb(pid: int) -> float:
    """Return what a process has in memory now, in millions of bytes."""
    (kib,) = re.findall(r"^VmRSS:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(kib) * 1_024 / 1e6


def _resident(site: Site, rounds: int) -> Result:
    """Let processes idle, then give them an hour of each device, so that windows of an hour are full."""
    api = Api(site.directory, site.database)
    messages = DEVICES * rounds
    try:
        site.broker.start()
        site.start_ingest()
        client = api.start()
        pids = {"ingest": site.ingest.pid, "api": api.pid}
        before = {name: used(pid) for name, pid in pids.items()}
        client.ask("/api/v1/incidents")
        time.sleep(_IDLE_S)
        figures = {_IDLE: resident_mb(pids["ingest"]), _IDLE_API: resident_mb(pids["api"])}
        _publish(site, messages, rounds)
        _wait_swept(site)
        client.ask("/api/v1/incidents")
        client.ask("/api/v1/devices")
        figures |= {_FULL: resident_mb(pids["ingest"]), _FULL_API: resident_mb(pids["api"])}
        processes = used_since(before, pids)
        client.close()
    finally:
        api.stop()
        site.stop()
    text = (
        f"100 rules, 5 of which match each device; idle: {_IDLE_S:.0f} s after the start, without a device; then "
        f"{DEVICES} devices on {fleet.SITES} sites, an hour of each in {rounds} messages of 3 metrics, and all of "
        "rule memory written once; beside each process its peak"
    )
    at_most = {_IDLE: 120.0, _IDLE_API: 120.0, _FULL: 400.0}
    return Result(
        "memory, sqlite", text, DURABILITY["sqlite"], figures, processes, site.faults(messages), at_most=at_most
    )


def _cold_start(site: Site, rounds: int) -> Result:
    """Start over all devices twice, with a message waiting at the broker: after a stop, and after a kill."""
    (site.directory / "rules" / "bench.yaml").write_text(fleet.rules(sites=_MANY_SITES)["bench.yaml"])
    site.env["IOTOPS_INGEST__SNAPSHOT_MS"] = str(_SWEEP_MS)
    messages, sites = DEVICES * rounds, f"--sites={_MANY_SITES}"
    try:
        site.broker.start()
        site.start_ingest()
        _publish(site, messages, rounds, sites)
        site.ingest.stop(timeout_s=60)
        stopped = _start(site, rounds, messages)
        _wait_swept(site)
        site.ingest.signal(signal.SIGKILL)
        site.ingest.wait(15)
        killed = _start(site, rounds + 1, messages + 1)
        processes = {"ingest": used(site.ingest.pid).since(Used(0, 0))}
    finally:
        site.stop()
    text = (
        f"{DEVICES} devices on {_MANY_SITES} sites with {rounds} messages of 3 metrics each, 1 000 rules of which 5 "
        "match each device; from the start of the process until the message that waited at the broker is committed"
    )
    return Result(
        "cold start, sqlite",
        text,
        DURABILITY["sqlite"],
        {_STOPPED: stopped, _KILLED: killed},
        processes,
        site.faults(messages + 2),
        at_most={_STOPPED: 5.0, _KILLED: 5.0},
    )


def _publish(site: Site, messages: int, rounds: int, *options: str) -> None:
    """Publish an hour of all devices, until it is stored."""
    devices = (f"--devices={DEVICES}", f"--every-ms={3_600_000 // rounds}")
    publisher = site.publisher(messages, 0, *devices, *options)
    publisher.go()
    publisher.wait()
    publisher.close()
    site.wait_stored(messages)


def _start(site: Site, seq: int, stored: int) -> float:
    """Start the ingest while the broker keeps a message for it; returns how many seconds later it was committed."""
    probe = Probe(site.broker.url)
    probe.publish(DeviceKey("s00", "device-0000"), seq, 10.0)
    probe.close(site.ledger)
    begun_s = time.perf_counter()
    site.ingest.start()
    site.wait_stored(stored + 1)
    return time.perf_counter() - begun_s


def _wait_swept(site: Site) -> None:
    """Return as soon as all of rule memory is written as it is now.

    Raises:
        RuntimeError: it takes too long.
    """
    until_s = time.monotonic() + _SWEPT_WITHIN_S
    while time.monotonic() < until_s:
        with site.database.read() as unit:
            if (slots.oldest_position(unit) or 0) >= slots.state(unit).position:
                return
        time.sleep(0.1)
    raise RuntimeError(f"rule memory was not written within {_SWEPT_WITHIN_S:.0f} s")
