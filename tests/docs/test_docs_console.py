"""What the pages show of a terminal is what a terminal shows: the files of the page, its commands, their output."""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from iotops import cli
from iotops.durations import parse_instant
from iotops.rules.rulefile import load_rules
from iotops.store import devices, telemetry
from iotops.store import rules as rules_store
from iotops.store.database import Database
from iotops.store.registry import Registry
from iotops.store.trails import Trails
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import DeviceKey, Reading

HOME = Path(__file__).resolve().parents[2]
PAGE, README = ((HOME / name).read_text(encoding="utf-8") for name in ("docs/rules.md", "README.md"))
FENCE = re.compile(r"^```(yaml|yml|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^# (\S+\.yaml)$", re.MULTILINE)
TIMED = re.compile(r"\d+\.\d+ s\b|[\d ]*\d a second")
FREEZER = DeviceKey("paris", "fz-12")
BEGUN_MS = parse_instant("2026-01-01T14:00:00Z")
TEMPERATURES = [-20.0] * 14 + [-15.3] + [-14.2] * 26 + [-19.0] * 20  # a minute apart: what the page tells of fz-12


class Shown(NamedTuple):
    """A command on the page, with the lines below it."""

    words: list[str]
    lines: list[str]


def commands(block: str) -> Iterator[Shown]:
    """Yield the commands of a block of console, which begin with `$ `."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        typed, *lines = part.rstrip("\n").split("\n")
        yield Shown(shlex.split(typed), lines)


def agrees(shown: list[str], printed: list[str]) -> bool:
    """Tell whether output is as shown, where `...` stands for any lines."""
    pattern = "".join(r"(?:.*\n)*" if line == "..." else re.escape(line.rstrip()) + r"\n" for line in shown)
    return re.fullmatch(pattern, "".join(f"{line.rstrip()}\n" for line in printed)) is not None


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """An empty folder, with an empty database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IOTOPS_DATABASE__URL", f"sqlite:///{tmp_path / 'iotops.db'}")
    for name in ("IOTOPS_TOKEN", "IOTOPS_URL", "IOTOPS_RULES__DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "rules").mkdir()
    return tmp_path


@pytest.fixture
def record(here):
    """Store the hour of a freezer that the page tells of, once its rule stands in its file."""

    def recorded() -> None:
        database = Database.open(f"sqlite:///{here / 'iotops.db'}")
        database.upgrade()
        registry, trails = Registry(), Trails()
        times = [BEGUN_MS + minute * 60_000 for minute in range(len(TEMPERATURES))]
        batch = Batch(
            [
                Reading(FREEZER, at_ms, at_ms, {"temp": value}, at_ms.to_bytes(16), connected_ms=at_ms)
                for at_ms, value in zip(times, TEMPERATURES, strict=True)
            ]
        )
        with database.begin() as unit:
            ids = registry.register(unit, list(batch), 0).ids
            telemetry.append(unit, trails, batch, ids, batch_no=1)
            devices.patch(unit, FREEZER, now_ms=BEGUN_MS, labels={"type": "freezer"})
            rules_store.keep_loaded(unit, load_rules(here / "rules"), BEGUN_MS)
        database.close()

    return recorded


@pytest.fixture
def differs(here, monkeypatch, capsys):
    """Run a command of a page; return what it printed where that is not what the page shows."""

    def ran(shown: Shown) -> str:
        monkeypatch.setattr(sys, "argv", shown.words)
        with pytest.raises(SystemExit):
            cli.main()
        expected, printed = (TIMED.sub("", text) for text in ("\n".join(shown.lines), capsys.readouterr().out))
        return "" if agrees(expected.splitlines(), printed.splitlines()) else f"{' '.join(shown.words)}\n{printed}"

    return ran


def test_commands_on_the_rules_page_print_what_it_shows(here, record, differs):
    """Each file that the page names is written where it writes it, each command run where it runs it."""
    found = []
    for language, body in FENCE.findall(PAGE):
        if language != "console":
            if name := FILE.search(body):
                (here / name[1]).write_text(body, encoding="utf-8")
            continue
        for shown in commands(body):
            if "--at" in shown.words:
                record()
            found.append(differs(shown))

    assert len(found) >= 8
    assert not any(found), "\n\n".join(found)


def test_the_first_rule_of_the_readme_checks_and_passes_as_it_shows(here, differs):
    """Whoever follows the README sees the same lines."""
    rules = re.search(r"^```yaml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)[1]
    shown = re.search(r"^```\n(\$ iotops rules check\n.*?)^```", README, re.MULTILINE | re.DOTALL)[1]
    (here / "rules/cold.yaml").write_text(rules, encoding="utf-8")
    found = [differs(each) for each in commands(shown)]

    assert len(found) == 2
    assert not any(found), "\n\n".join(found)


def test_what_the_page_shows_of_a_terminal_is_compared():
    """The comparison itself: lines have to agree, and `...` stands for any number of them."""
    assert agrees(["a", "...", "d"], ["a ", "b", "c", "d"])
    assert not agrees(["a", "d"], ["a", "b", "d"])
    assert not agrees(["a"], ["A"])
