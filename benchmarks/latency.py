"""How long a message takes to become an incident, and to be seen by a person who looks on, while others stream in."""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from benchmarks.asking import share, spread
from benchmarks.figures import Result, Scale
from benchmarks.fleet import WORKLOAD
from benchmarks.incidents import Api
from benchmarks.ingest import DURABILITY, Site, published
from benchmarks.onlookers import Commits, Stream
from benchmarks.probe import Probe
from benchmarks.processes import used, used_since
from iotops.broker.mosquitto import find_mosquitto
from iotops.telemetry.reading import DeviceKey

_RULE = "rules:\n  - {alert: probe, match: {site: probe}, when: pressure > 9}\n"
_SEEN_WITHIN_S = 60.0
_P50, _P99 = "publish to incident committed, p50 (ms)", "publish to incident committed, p99 (ms)"
_STREAM_P99 = "publish to visible through /stream, p99 (ms)"
_AT_MOST = {_P50: 50.0, _P99: 250.0, _STREAM_P99: 1_000.0}


class Ways(NamedTuple):
    """How long each message took to its incident's commit, and to its first entry on /stream, milliseconds."""

    to_commit: list[float]
    to_stream: list[float]


def latency(directory: Path, scale: Scale) -> Iterator[Result]:
    """Time violating messages at half the rate that a burst was stored at just before, on SQLite."""
    mosquitto = find_mosquitto()
    if mosquitto is None:
        print("latency: skipped, mosquitto is not installed (apt-get install mosquitto)")
        return
    burst, busy = directory / "burst", directory / "busy"
    with closing(Site(burst, f"sqlite:///{burst}/iotops.db", mosquitto)) as site:
        most = published(site, "sqlite", scale.messages)
    rate = int(next(iter(most.figures.values())) / 2)
    with closing(Site(busy, f"sqlite:///{busy}/iotops.db", mosquitto)) as site:
        (busy / "rules" / "probe.yaml").write_text(_RULE)
        yield _measure(site, rate, scale, most.faults)


def _measure(site: Site, rate: int, scale: Scale, faults: tuple[str, ...]) -> Result:
    seconds = max(scale.steady_s, scale.probes // 50)
    keys = [DeviceKey("probe", f"probe-{number:05}") for number in range(scale.probes)]
    api = Api(site.directory, site.database)
    try:
        site.broker.start()
        site.start_ingest()
        api.start().close()
        probe = Probe(site.broker.url)
        for key in keys:
            probe.publish(key, 0, 5.0)
        site.wait_stored(len(keys))
        background = site.publisher(rate * seconds, rate)
        pids = {"mosquitto": site.broker_pid, "ingest": site.ingest.pid, "api": api.pid}
        before = {name: used(pid) for name, pid in pids.items()}
        with Stream(api.port, api.token) as stream, Commits(site.database) as commits:
            background.go()
            ways = _ways(_violate(probe, keys, seconds * 0.9), commits, stream)
            background.wait()
        everything = rate * seconds + len(probe.sent)
        site.wait_stored(everything)
        processes = used_since(before, pids)
        background.close()
        probe.close(site.ledger)
    finally:
        api.stop()
        site.stop()
    faults = (*faults, *_unseen(ways, scale.probes), *site.faults(everything))
    return _told(ways, rate=rate, scale=scale, processes=processes, faults=faults)


def _ways(sent: Mapping[str, float], commits: Commits, stream: Stream) -> Ways:
    """Wait for an incident of each device, here and there."""
    committed = commits.of(sent, time.monotonic() + _SEEN_WITHIN_S)
    numbers = {commits.numbers[name]: name for name in committed}
    seen = stream.of(numbers, time.monotonic() + _SEEN_WITHIN_S)
    return Ways(
        [(at_s - sent[name]) * 1e3 for name, at_s in committed.items()],
        [(at_s - sent[numbers[number]]) * 1e3 for number, at_s in seen.items()],
    )


def _violate(probe: Probe, keys: Sequence[DeviceKey], seconds: float) -> dict[str, float]:
    """Publish a violating message of each device at random times; returns device -> when."""
    chance = random.Random(11)
    begun = time.perf_counter() + 0.1 * seconds
    due = sorted(begun + chance.random() * 0.9 * seconds for _ in keys)
    sent = {}
    for key, at_s in zip(keys, due, strict=True):
        time.sleep(max(0.0, at_s - time.perf_counter()))
        sent[key.device] = probe.publish(key, 1, 10.0)
    return sent


def _unseen(ways: Ways, probes: int) -> tuple[str, ...]:
    found = {"became no incident": len(ways.to_commit), "were not told by /stream": len(ways.to_stream)}
    return tuple(f"{probes - seen} of {probes} messages {what}" for what, seen in found.items() if seen < probes)


def _told(
    ways: Ways, *, rate: int, scale: Scale, processes: dict[str, dict[str, float]], faults: tuple[str, ...]
) -> Result:
    figures = {
        _P50: share(ways.to_commit, 0.5),
        _P99: share(ways.to_commit, 0.99),
        _STREAM_P99: share(ways.to_stream, 0.99),
        "publish to visible through /stream, p50 (ms)": share(ways.to_stream, 0.5),
        "messages a second beside them": rate,
    }
    text = (
        f"{scale.probes} single violating messages of as many known devices, beside {rate} messages a second, half of "
        f"what a burst was stored at; {WORKLOAD}; committed: as another connection finds it, looking each 5 ms"
    )
    spreads = {"to the commit (ms)": spread(ways.to_commit), "to /stream (ms)": spread(ways.to_stream)}
    name = "latency, sqlite"
    return Result(name, text, DURABILITY["sqlite"], figures, processes, faults, at_most=_AT_MOST, spreads=spreads)
