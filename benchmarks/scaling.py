"""What a message costs among few and among very many devices, at the same rate, through the whole ingest."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.figures import Result, Scale
from benchmarks.ingest import DURABILITY, Site
from benchmarks.processes import used
from iotops.broker.mosquitto import find_mosquitto

FEW = 100
RATE = 5_000
_CPU = "ingest CPU a message (µs)"
_MORE = "ingest CPU a message among many, % more than among few"


def many_devices(directory: Path, scale: Scale) -> Iterator[Result]:
    """Measure on SQLite, once all devices are known: what a message costs the ingest in CPU."""
    mosquitto = find_mosquitto()
    if mosquitto is None:
        print("devices: skipped, mosquitto is not installed (apt-get install mosquitto)")
        return
    found = []
    for devices in (FEW, scale.most_devices):
        place = directory / f"of-{devices}"
        with closing(Site(place, f"sqlite:///{place}/iotops.db", mosquitto)) as site:
            found.append(_measure(site, devices, scale.most_devices, max(scale.messages, 10 * RATE)))
    few, many = found
    yield few
    more = (many.figures[_CPU] / few.figures[_CPU] - 1) * 100
    yield Result(
        many.name,
        many.workload,
        many.durability,
        {_MORE: more, **many.figures},
        many.processes,
        many.faults,
        at_most={_MORE: 20.0},
    )


def _measure(site: Site, devices: int, first: int, counted: int) -> Result:
    """Let so many messages go first, so that every device is known, and count what others cost after them."""
    messages = first + counted
    try:
        site.broker.start()
        site.start_ingest()
        publisher = site.publisher(messages, RATE, f"--devices={devices}", f"--every-ms={devices * 1_000 // RATE}")
        publisher.go()
        site.wait_stored(first)
        before, begun = used(site.ingest.pid), site.stored()
        site.wait_stored(messages)
        ingest = used(site.ingest.pid).since(before)
        publisher.wait()
        publisher.close()
    finally:
        site.stop()
    figures = {_CPU: ingest["cpu_s"] / (messages - begun) * 1e6}
    text = (
        f"{messages - begun} messages of {devices} devices that are known, in turn, at {RATE} a second, after {begun} "
        "others; 3 metrics a message, 100 rules of which 5 match each device, 1 % of the readings violating"
    )
    name = f"ingest, {devices} devices, sqlite"
    return Result(name, text, DURABILITY["sqlite"], figures, {"ingest": ingest}, site.faults(messages))
