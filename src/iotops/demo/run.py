"""One demonstration, from an empty folder to its summary."""

import json
import shutil
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iotops.clock import now_ms
from iotops.demo.board import Board
from iotops.demo.by_hand import publishing
from iotops.demo.score import Score, read_fault, score
from iotops.demo.stage import DemoError, Stage, choose_broker
from iotops.errors import ApiError
from iotops.processes import Child

LOOK_EVERY_S = 0.5
DRAIN_S = 60
FLEET = "demo"


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What was asked for. `for_ms` None: until stopped; `broker` None: mosquitto if on PATH, else embedded."""

    for_ms: int | None = None
    port: int = 8000
    fleet: str = FLEET
    seed: int = 1
    broker: str | None = None
    as_json: bool = False
    keep: Path | None = None


def run_demo(options: DemoOptions, stop: threading.Event) -> bool:
    """Run the demonstration until it is over or `stop` is set; print its summary.

    Returns:
        Whether every published message is accounted for.

    Raises:
        DemoError, BrokerError, ConfigurationError: a part could not be started; everything is ended.
    """
    directory = options.keep or Path(tempfile.mkdtemp(prefix="iotops-demo-"))
    directory.mkdir(parents=True, exist_ok=True)
    stage = Stage(directory, choose_broker(options.broker, directory), options.port, options.fleet)
    try:
        stage.start()
        return _Demo(options, stage).play(stop)
    finally:
        stage.stop()
        if options.keep is None:
            shutil.rmtree(directory, ignore_errors=True)


class _Demo:
    """A demonstration on a stage that is ready."""

    def __init__(self, options: DemoOptions, stage: Stage) -> None:
        self._options = options
        self._stage = stage
        self._began_s = time.monotonic()
        self._first_s: float | None = None
        self._ledger = stage.directory / "published.csv"
        self._truth = stage.directory / "truth.jsonl"
        self._report = stage.directory / "simulators.json"
        made = json.loads(stage.run((*_iotops(), "token", "create", "--role", "admin", "--name", "demo", *_AS_JSON)))
        self._token = str(made["token"])
        self._board = Board(stage.url, self._token, to_stderr=options.as_json)

    def play(self, stop: threading.Event) -> bool:
        """Let the fleet run, show what it brings about, and account for it."""
        self._greet()
        fleet = self._start_fleet()
        while fleet.running and not stop.wait(LOOK_EVERY_S):
            self._stage.watch()
            self._look()
        fleet.stop(timeout_s=40)
        if fleet.exit_status:
            self._board.say(f"simulators ended with status {fleet.exit_status}: the fleet is silent from here on")
        self._await_drain()
        self._look()
        self._stage.stop_ingest()
        summary = self._summary()
        self._board.close()
        self._print(summary)
        return bool(summary["accounted"])

    def _greet(self) -> None:
        say = self._board.say
        say(f"console      {self._stage.url}/")
        say(f"admin token  {self._token}")
        say(
            f"broker       {type(self._stage.broker).__name__} (fleet {self._options.fleet}, seed {self._options.seed})"
        )
        say(f"files        {self._stage.directory}")
        if self._stage.broker.children:
            say(f"publish      {publishing(self._stage.directory, self._stage.broker.url)}")
        say("Three hours of the fleet's history run through first, then it goes on live. Ctrl-C ends everything.")
        say()

    def _start_fleet(self) -> Child:
        options, stage = self._options, self._stage
        command = [sys.executable, "-m", "simulators", "run", "--fleet", options.fleet, "--seed", str(options.seed)]
        command += ["--ledger", str(self._ledger), "--truth", str(self._truth), "--json"]
        command += ["--broker", stage.broker.url, "--protocol", str(stage.broker.protocol)]
        command += [] if options.for_ms is None else ["--for", f"{options.for_ms}ms"]
        fleet = stage.child("simulators", command, self._report)
        fleet.start()
        return fleet

    def _look(self) -> None:
        try:
            count = self._board.look()
        except ApiError as error:
            if error.status:
                raise
            return  # nobody answers: the API is being started again
        if count and self._first_s is None:
            self._first_s = round(time.monotonic() - self._began_s, 1)

    def _await_drain(self) -> None:
        """Wait until every published message is accounted for, or nothing more is coming, and somebody can say so."""
        deadline_s = time.monotonic() + DRAIN_S
        while not (self._stage.ready and self._account()["clean"]) and time.monotonic() < deadline_s:
            self._stage.watch()
            time.sleep(LOOK_EVERY_S)

    def _account(self) -> dict[str, Any]:
        """Return the nothing-lost account of the moment; messages that are still on their way look lost."""
        try:
            said = self._stage.run((*_iotops(), "ledger", str(self._ledger), *_AS_JSON), finds=True)
            found: dict[str, Any] = json.loads(said)
        except DemoError:
            return {"clean": False}
        return found

    def _summary(self) -> dict[str, Any]:
        report = _last_json(self._report)
        account = self._account()
        raised = self._board.raised()
        found = self._score(now_ms())
        return {
            "published": account.get("published", 0),
            "stored": account.get("stored", 0),
            "duplicates": account.get("duplicates", 0),
            "dead_lettered": account.get("dead_lettered", 0),
            "lost": account.get("lost"),
            "unacked": account.get("unacked"),
            "incidents_raised": len(raised),
            "faults_injected": len(found.injected),
            "faults_detected": len(found.detected),
            "false_incidents": len(found.false_incidents),
            "missed": [f"{fault.kind} on {fault.devices[0]}" for fault in found.missed],
            "false": [f"{each.number} {each.rule} on {each.site}/{each.device}" for each in found.false_incidents],
            "wills": report.get("wills", 0),
            "first_incident_after_s": self._first_s,
            "broker": type(self._stage.broker).__name__,
            "url": f"{self._stage.url}/",
            "accounted": bool(account["clean"]) and not account.get("unacked"),
        }

    def _score(self, end_ms: int) -> Score:
        lines = self._truth.read_text().splitlines() if self._truth.exists() else []
        return score((read_fault(json.loads(line)) for line in lines), self._board.raised(), end_ms)

    def _print(self, summary: dict[str, Any]) -> None:
        if self._options.as_json:
            sys.stdout.write(json.dumps(summary) + "\n")
            return
        self._board.say()
        for name, value in summary.items():
            self._board.say(
                f"{name.replace('_', ' '):<24}{', '.join(value) or '-' if isinstance(value, list) else value}"
            )


_AS_JSON = ("--format", "json")


def _iotops() -> tuple[str, ...]:
    return (sys.executable, "-m", "iotops")


def _last_json(file: Path) -> dict[str, Any]:
    """Return the JSON object on a file's last line; empty where the simulators left none."""
    lines = file.read_text().splitlines()
    found = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
    return found if isinstance(found, dict) else {}
