"""The example alerts and the dashboard ask only for figures that are there, with the labels that these have."""

import asyncio
import json
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from iotops.api.app import create_app
from iotops.api.figures import COUNTERS, GAUGES, SECONDS, TRUTHS
from iotops.settings import load
from iotops.store import figures, heartbeats
from iotops.store.database import Database
from iotops.store.figures import Figure
from iotops.store.heartbeats import Heartbeat

DOCS = Path(__file__).resolve().parents[2] / "docs"
DURATION = re.compile(r"(\d+[smhd])+")
# Of PromQL: what stands where a figure could.
WORDS = {"absent", "by", "for", "increase", "or", "rate", "sum", "time", "topk", "vector"}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Return what /metrics says of an ingest that has something to say of everything."""
    database = Database.open(f"sqlite:///{tmp_path_factory.mktemp('figures') / 'iotops.db'}")
    database.upgrade()
    app = create_app(database, load())
    keys = [key for table in (COUNTERS, GAUGES, SECONDS, TRUTHS) for key, _ in table.values()]
    told = dict.fromkeys(keys, 1) | {"rule_faults": {"r": 1}, "dead_letters_by_reason": {"bad_json": 1}}
    with database.begin() as unit:
        heartbeats.beat(unit, Heartbeat("ingest", 0, 0, told))
        figures.add(unit, {Figure("rule", "r", "timed"): 2, Figure("rule", "r", "spent_ns"): 3_000_000_000}, 0)

    async def scrape():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://x") as client:
            return (await client.get("/metrics")).text

    with asyncio.Runner() as runner:
        text = runner.run(scrape())
    database.close()
    return text


@pytest.fixture(scope="module")
def known(page):
    """Return sample name -> the labels that it has."""
    found = {}
    for family in text_string_to_metric_families(page):
        found |= {name: set() for name in (family.name, f"{family.name}_total")}
        for sample in family.samples:
            found[sample.name] = set(sample.labels)
    return found


def asked():
    """Return where -> every expression of both files."""
    groups = yaml.safe_load((DOCS / "prometheus-alerts.yml").read_text())["groups"]
    alerts = {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}
    board = json.loads((DOCS / "grafana-dashboard.json").read_text())
    panels = {f"{p['title']}/{t['refId']}": t["expr"] for p in board["panels"] for t in p["targets"]}
    return alerts | panels


@pytest.mark.parametrize("where", asked())
def test_every_figure_that_is_asked_for_exists(where, known):
    """An alert on a figure that nobody reports would never fire, and nobody would notice."""
    expression = asked()[where]
    bare = re.sub(r'"[^"]*"|\[[^]]*\]', "", expression)
    grouped = {label for found in re.findall(r"by \(([^)]*)\)", bare) for label in re.split(r",\s*", found)}
    names = set(re.findall(r"\b[a-z_]\w*\b", re.sub(r"by \([^)]*\)|\{[^}]*\}", "", bare))) - WORDS
    chosen = set(re.findall(r"(\w+)\s*[=!]~?", " ".join(re.findall(r"\{([^}]*)\}", bare))))

    assert names - known.keys() == set()
    assert grouped | chosen <= {"state", "priority"}.union(*(known[name] for name in names))
    assert bare.count("(") == bare.count(")")


def test_alerts_are_whole():
    """Each says what is wrong and what to do, with a severity, and a time that Prometheus reads."""
    (group,) = yaml.safe_load((DOCS / "prometheus-alerts.yml").read_text())["groups"]

    for rule in group["rules"]:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "description"}
        assert DURATION.fullmatch(rule.get("for", "1m")), rule["alert"]
    names = [rule["alert"] for rule in group["rules"]]
    assert len(names) == len(set(names)) > 15


def test_panels_lie_side_by_side():
    """No panel of the dashboard covers another, and each asks the data source that is chosen above."""
    panels = json.loads((DOCS / "grafana-dashboard.json").read_text())["panels"]
    places = [p["gridPos"] for p in panels]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert {p["datasource"]["uid"] for p in panels} == {"${datasource}"}


def test_figures_are_named_as_prometheus_has_it(page):
    """Ours begin with iotops_, counters end in _total, times are in seconds, and each is explained; promtool agrees."""
    families = list(text_string_to_metric_families(page))

    assert [f.name for f in families if not f.name.startswith("iotops_") or not f.documentation] == []
    assert [f.name for f in families if f.type == "counter" and any("_total" not in s.name for s in f.samples)] == []
    assert [f.name for f in families if f.type != "counter" and f.name.endswith("_total")] == []
    assert [f.name for f in families if re.search(r"_(ms|milli|minutes|hours)", f.name)] == []
    if promtool := shutil.which("promtool"):  # of Debian's package prometheus; the checks above need none
        subprocess.run([promtool, "check", "metrics"], input=page, text=True, check=True)
        subprocess.run([promtool, "check", "rules", str(DOCS / "prometheus-alerts.yml")], check=True)
