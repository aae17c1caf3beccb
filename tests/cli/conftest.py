"""The command line as its users meet it: arguments in, output, errors and exit status out."""

import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from iotops import cli
from iotops.api.app import create_app
from iotops.api.server import api_server
from iotops.clock import now_ms
from iotops.incidents.deadlines import Policy
from iotops.incidents.incident import Actor
from iotops.rules.rule import Severity
from iotops.settings import Settings
from iotops.store import dead_letters, incidents, tokens
from iotops.store.database import Database
from iotops.store.registry import Registry
from iotops.telemetry.decode import DeadLetter
from iotops.telemetry.message import Message
from iotops.telemetry.reading import DeviceKey, Reading

ANA = Actor("token", "ana")


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    status: int
    out: str
    err: str


@pytest.fixture
def run(tmp_path, monkeypatch, capsys, database_file) -> Callable[..., Ran]:
    """Run one command in an empty folder, over this test's database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IOTOPS_DATABASE__URL", f"sqlite:///{database_file}")
    for name in ("IOTOPS_TOKEN", "IOTOPS_URL", "IOTOPS_BROKER__URL", "IOTOPS_API__LISTEN", "IOTOPS_RULES__DIRECTORY"):
        monkeypatch.delenv(name, raising=False)

    def ran(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["iotops", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return Ran(int(ended.value.code or 0), captured.out, captured.err)

    return ran


@pytest.fixture
def database_file(tmp_path):
    return tmp_path / "iotops.db"


@pytest.fixture
def database(database_file, sqlite_template) -> Iterator[Database]:
    opened = Database.open(f"sqlite:///{shutil.copy(sqlite_template, database_file)}")
    yield opened
    opened.close()


@pytest.fixture
def raise_incident(database) -> Callable[..., str]:
    """Raise an incident as a person would, and return its number."""

    def raised(title="Door open", **facts: Any) -> str:
        with database.begin() as unit:
            options = {"severity": Severity.WARNING, "site": "paris", "device": "fz-1", "note": None, **facts}
            return incidents.create(unit, ANA, now_ms(), title=title, policy=Policy(), **options).number

    return raised


@pytest.fixture
def register(database) -> Callable[..., None]:
    """Register devices, as their first messages do."""

    def registered(*devices: str) -> None:
        keys = [DeviceKey(*device.split("/")) for device in devices]
        readings = [Reading(key, 1_000, 1_000, {"temp": 1.0}, bytes([n] * 16)) for n, key in enumerate(keys)]
        with database.begin() as unit:
            Registry.load(unit).register(unit, readings, 0)

    return registered


@pytest.fixture
def bury(database) -> Callable[..., None]:
    """Keep dead letters."""

    def buried(*messages: Message, reason: str = "bad_json") -> None:
        with database.begin() as unit:
            dead_letters.keep(unit, [DeadLetter(each, reason, "detail", n) for n, each in enumerate(messages)])

    return buried


@pytest.fixture
def api(database, free_port, wait_until, monkeypatch, run) -> Iterator[str]:
    """A real API on loopback; the command line finds it, and has an admin's token."""
    port = free_port()
    server = api_server(create_app(database, Settings()), "127.0.0.1", port)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, what="the API listening")
    with database.begin() as unit:
        _, text = tokens.create(unit, "admin", now_ms=now_ms(), name="ana")
    monkeypatch.setenv("IOTOPS_TOKEN", text)
    monkeypatch.setenv("IOTOPS_URL", f"http://127.0.0.1:{port}")
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(60)
