"""The process that keeps the ingest and the API running."""

from pathlib import Path

from iotops.api.listening import listen_address
from iotops.processes import Report
from iotops.settings import Settings
from iotops.supervision import pair, supervise
from iotops.wiring.greeting import greet
from iotops.wiring.opening import open_database


def run_up(settings: Settings, config: Path | None) -> None:
    """Run ingest and API, supervised; on loopback a fresh admin token is printed at the start."""
    report = Report()
    listen_address(settings)
    with open_database(settings, upgrade=True):
        pass
    supervise(pair(config), report, lambda: greet(settings, report))
