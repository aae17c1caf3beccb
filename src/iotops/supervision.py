"""`iotops up`: an ingest and an API process, kept running until somebody stops the whole."""

import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from iotops.processes import Child, Report, Supervisor, iotops_command

LOOK_EVERY_S = 0.2


def pair(config: Path | None) -> tuple[Child, Child]:
    """Return the ingest and the API as children with the same settings file."""
    options = ("--config", str(config)) if config else ()
    return (
        Child("ingest", iotops_command(*options, "ingest")),
        Child("api", iotops_command(*options, "api", "--supervised")),
    )


def supervise(children: Sequence[Child], report: Report, started: Callable[[], None]) -> None:
    """Run the children until SIGTERM or SIGINT, then stop them, the last one first.

    Args:
        children: started in this order.
        report: gets a line whenever a child ended or was started again.
        started: called once when all were started.
    """
    stop = stop_event()
    supervisor = Supervisor(children, report)
    supervisor.start()
    try:
        started()
        while not stop.wait(LOOK_EVERY_S):
            supervisor.watch()
    finally:
        supervisor.stop()


def stop_event() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set from now on."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda _number, _frame: stop.set())
    return stop
