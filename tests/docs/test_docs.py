"""The documentation is tested like code: what it shows loads, exists and is complete."""

import os
import re
import threading
from pathlib import Path

import pytest

from iotops.api.app import create_app
from iotops.durations import parse_duration
from iotops.incidents.kpi import KPIS
from iotops.incidents.timeline import ENTRY_TYPES
from iotops.incidents.transitions import MOVES
from iotops.ingest.receiver import ReceiverStatus
from iotops.ingest.retry import Patience
from iotops.ingest.vitals import Vitals
from iotops.rules.authoring.check import check
from iotops.rules.authoring.rehearse import rehearse
from iotops.rules.devicefile import parse_devices
from iotops.rules.language.signatures import SIGNATURES
from iotops.rules.language.supported import FUNCTIONS
from iotops.rules.rulefile import parse_rules
from iotops.rules.servicefile import parse_services
from iotops.rules.slafile import parse_promises
from iotops.rules.source.keys import RULE_KEYS
from iotops.settings import load, shown
from iotops.store.database import Database
from iotops.store.slots import IngestState
from iotops.telemetry.reasons import REASONS

HOME = Path(__file__).resolve().parents[2]
PAGES = sorted([*HOME.glob("*.md"), *HOME.glob("docs/**/*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def text_of(name: str) -> str:
    return (HOME / name).read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    return [body for name, body in FENCE.findall(page.read_text(encoding="utf-8")) if name == language]


@pytest.mark.parametrize("name", ["README.md", "docs/rules.md", "docs/cookbook.md"])
def test_every_rule_on_a_page_loads_and_passes_its_tests(name):
    """A rule copied from a page works: it loads without a finding, has tests, and they pass."""
    files = [body for body in blocks(HOME / name, "yaml") if "rules:" in body]
    assert files

    for body in files:
        rules, _ = parse_rules({name: body})
        results = tuple(rehearse(rules, None))

        assert check({name: body}) == ()
        assert set(rules.rules) == {result.rule for result in results}
        assert [result for result in results if result.fault or result.differs_at is not None] == []


def test_the_devices_file_on_its_page_loads():
    """A devices.yaml copied from the page works."""
    (body,) = (body for body in blocks(HOME / "docs/devices.md", "yaml") if body.startswith("devices:"))

    devices, findings = parse_devices("devices.yaml", body)

    assert findings == ()
    assert {"paris/fz-1", "paris/gw-1"} == {str(key) for key in devices}


def test_the_services_file_on_its_page_loads():
    """A services.yaml copied from the page works."""
    (body,) = (body for body in blocks(HOME / "docs/devices.md", "yaml") if "services:" in body)

    found, findings = parse_services("services.yaml", body)

    assert findings == ()
    assert (list(found.sites), list(found.suppliers), list(found.services)) == (
        ["paris"],
        ["cashco"],
        ["card-network", "cash"],
    )


def test_the_promises_on_their_page_load():
    """An sla.yaml copied from the page works."""
    (body,) = (body for body in blocks(HOME / "docs/incidents.md", "yaml") if body.startswith("calendars:"))

    found, findings = parse_promises("sla.yaml", body)

    assert findings == ()
    assert (list(found.calendars), list(found.policies)) == (["office"], ["default", "gold"])


def test_the_incidents_page_defines_every_figure():
    """The definition on the page is the one that is printed beside the number."""
    table = text_of("docs/incidents.md").split("| figure |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*) \|$", table, re.MULTILINE)

    assert rows == [(kpi.name, kpi.unit, kpi.definition) for kpi in KPIS.values()]


def test_the_rules_page_knows_every_key_and_function():
    """Keys and functions are documented, and no function that the language knows is put off."""
    page = text_of("docs/rules.md")

    assert [key for key in RULE_KEYS if f"`{key}`" not in page] == []
    assert [name for name in FUNCTIONS if not re.search(rf"\b{name}\b", page.split("| function |")[1])] == []
    assert SIGNATURES.keys() == FUNCTIONS


def test_every_setting_is_on_the_operating_page():
    """Whoever looks for a setting finds it, and no setting is listed that does not exist."""
    table = text_of("docs/operating.md").split("## Settings")[1].split("\n## ")[0]
    listed = set(re.findall(r"`([a-z]+\.[a-z_]+)`", "\n".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE))))

    assert {f"{section}.{name}" for section, names in shown(load()).items() for name in names} == listed


def test_the_defaults_on_the_operating_page_are_those_of_the_settings(monkeypatch, tmp_path):
    """A default on the page is what a run without settings uses."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("IOTOPS_")]:
        monkeypatch.delenv(name)
    known = {f"{section}.{name}": value for section, names in shown(load()).items() for name, value in names.items()}
    table = text_of("docs/operating.md").split("## Settings")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]*`) \| ([^|]*) \|", table, re.MULTILINE)
    assert rows

    for names, defaults in rows:
        said = [default.strip("` ") for default in defaults.split(",")]
        for name, default in zip(
            re.findall(r"`([^`]+)`", names), said * (len(names) if said == [""] else 1), strict=False
        ):
            value = known[name]
            if isinstance(value, list):
                continue
            expected = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
            assert expected == (str(parse_duration(default)) if name.endswith("_ms") else default), name


def test_every_heartbeat_key_is_on_the_operating_page():
    """What ingest says about itself is explained, and nothing is explained that it does not say."""
    vitals = Vitals("mqtt://127.0.0.1", Patience(threading.Event()))
    table = text_of("docs/operating.md").split("| heartbeat key |")[1].split("\n\n")[0]
    keys = {key for row in re.findall(r"^\| (`[^|]*`) \|", table, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)}

    assert vitals.shown(ReceiverStatus(), IngestState(), 0).keys() == keys


def test_every_dead_letter_reason_is_on_the_devices_page():
    """The table of reasons is complete and says what the code says."""
    table = dict(re.findall(r"^\| `([a-z0-9_]+)` \| (.*) \|$", text_of("docs/devices.md"), re.MULTILINE))

    assert dict(REASONS) == {reason: table.get(reason) for reason in REASONS}


def test_states_actions_and_entries_are_on_the_incidents_page():
    """The table of actions by state is the one of the state machine, and every timeline entry is explained."""
    before, entries = text_of("docs/incidents.md").split("## Timeline")
    row = re.compile(r"^\| `([a-z_]+)` \| (.*) \|$", re.MULTILINE)
    rows = dict(row.findall(before.split("## States and actions")[1]))
    allowed: dict[str, set[str]] = {}
    for name, move in MOVES.items():
        for state in move.to if move.listed and move.by_people else ():
            allowed.setdefault(state.value, set()).add(name)

    assert allowed == {state: set(re.findall(r"`(\w+)`", rows[state])) for state in allowed}
    assert dict(ENTRY_TYPES) == dict(row.findall(entries))


def test_the_api_page_lists_what_exists_and_all_of_it(tmp_path):
    """Paths on the page are those of the OpenAPI document, with their methods."""
    database = Database.open(f"sqlite:///{tmp_path / 'docs.db'}")
    paths = create_app(database, load()).openapi()["paths"]
    database.close()
    rows = dict(re.findall(r"^\| `(/[^`]*)` \| (.*) \|$", text_of("docs/api.md"), re.MULTILINE))
    actions = {
        path for path in paths if re.fullmatch(r"/api/v1/incidents/\{number\}/\w+", path) and "post" in paths[path]
    }

    assert paths.keys() == rows.keys()
    for path in paths.keys() - actions:
        assert {method.upper() for method in paths[path]} == set(re.findall(r"\b([A-Z]+):", rows[path])), path


def test_the_api_page_lists_the_members_of_every_action(tmp_path):
    """What an action's body may hold is on the page, and nothing else."""
    database = Database.open(f"sqlite:///{tmp_path / 'docs.db'}")
    document = create_app(database, load()).openapi()
    database.close()
    rows = dict(
        re.findall(r"^\| `/api/v1/incidents/\{number\}/(\w+)` \| (.*) \|$", text_of("docs/api.md"), re.MULTILINE)
    )
    bodies = {
        path.rpartition("/")[2]: re.findall(r"schemas/(\w+)", str(found["post"]["requestBody"]))[0]
        for path, found in document["paths"].items()
        if path.startswith("/api/v1/incidents/{number}/") and "post" in found
    }
    assert bodies

    for action, schema in bodies.items():
        members = set(document["components"]["schemas"][schema].get("properties", {}))
        assert members == set(re.findall(r"`(\w+)`", rows[action])), action


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HOME)))
def test_every_link_leads_somewhere(page):
    """Links between files resolve; links elsewhere are not looked at."""
    links = LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8")))

    broken = [link for link in links if "://" not in link and not (page.parent / link.partition("#")[0]).exists()]
    assert broken == []


def test_the_picture_is_small():
    """Whoever clones the repository does not pay for its pictures."""
    assert [picture.name for picture in HOME.glob("docs/images/*") if picture.stat().st_size > 200_000] == []
