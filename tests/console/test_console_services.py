"""The service map and its layout, and the insights: what comes from the server."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotops.clock import now_ms
from iotops.console.bars import AGES, HEIGHT, Bar, ages, day_bars
from iotops.console.gathering import gathered
from iotops.console.layers import BOX_HEIGHT, BOX_WIDTH, arranged
from iotops.console.spans import Span
from iotops.console.views.service_map import related
from iotops.incidents.correlate import correlate
from iotops.incidents.deadlines import Policy
from iotops.incidents.desk import Surroundings
from iotops.rules.alert import Alert, AlertKey, AlertState, Change, Transition
from iotops.rules.rule import Severity
from iotops.store import alerts, incidents, topology
from iotops.telemetry.reading import DeviceKey

DAY_MS = 86_400_000
NOW_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
HOSTILE = "<img src=x onerror=alert(1)>"
EDGES = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=20)


@given(EDGES)
def test_nodes_never_overlap_and_stand_below_what_needs_them(edges):
    """Whatever needs what: every node has a place of its own within the drawing; without circles edges lead down."""
    down = [(high, low) for high, low in edges if high < low]

    layout = arranged("abcdefgh", down, {})

    for one, other in combinations(layout.boxes.values(), 2):
        assert abs(one.x - other.x) >= BOX_WIDTH or abs(one.y - other.y) >= BOX_HEIGHT
    for box in layout.boxes.values():
        assert 0 <= box.x <= layout.width - BOX_WIDTH
        assert 0 <= box.y <= layout.height - BOX_HEIGHT
    for high, low in down:
        assert layout.boxes[high].y < layout.boxes[low].y
        way = layout.ways[high, low]
        assert [y for _, y in way] == sorted(y for _, y in way)


@given(EDGES)
def test_a_circle_is_drawn_all_the_same(edges):
    """Labels of devices may name each other; the drawing ends."""
    assert set(arranged("abcdefgh", edges, {}).boxes) == set("abcdefgh")


def test_a_long_way_goes_past_the_nodes_between():
    """A line never runs behind a node that it has nothing to do with."""
    layout = arranged("abc", [("a", "b"), ("b", "c"), ("a", "c")], {})

    middle = layout.boxes["b"]
    beside = [x for x, y in layout.ways["a", "c"] if middle.y <= y <= middle.y + BOX_HEIGHT]
    assert beside
    assert all(not middle.x <= x <= middle.x + BOX_WIDTH for x in beside)


def test_what_stands_alike_on_many_sites_is_one_node_where_there_is_no_room():
    """Devices and open incidents are added up, the edges lead to the one; a few nodes stay as they are."""

    def node(name, health="ok"):
        kind = name.partition(":")[0]
        devices = {"ok": 3} if kind == "group" else {}
        return {"id": name, "kind": kind, "name": None, "health": health, "open": {"P2": 1}, "devices": devices}

    tills = [node(f"group:cash@s{place}", "alert" if place == 7 else "ok") for place in range(50)]
    gateways = [node(f"device:s{place}/gw") for place in range(50)]
    edges = [("service:cash", till["id"]) for till in tills]
    edges += [(till["id"], gateway["id"]) for till, gateway in zip(tills, gateways, strict=True)]

    nodes, ways = gathered([node("service:cash"), *tills, *gateways], edges)

    assert [each["id"] for each in nodes] == ["service:cash", "group:cash", "device:"]
    assert (nodes[1]["devices"], nodes[1]["open"], nodes[1]["health"]) == ({"ok": 150}, {"P2": 50}, "degraded")
    assert ways == [("service:cash", "group:cash"), ("group:cash", "device:")]
    assert gathered(tills[:3], []) == (tills[:3], [])


def test_what_is_related_is_what_it_needs_and_what_needs_it():
    """Up and down, not sideways."""
    edges = [("shop", "tills"), ("tills", "gw"), ("web", "gw"), ("gw", "carrier"), ("web", "cdn")]

    assert related("tills", edges) == {"shop", "tills", "gw", "carrier"}


@pytest.fixture
def services(database):
    """Two services and a supplier, of which one has a name that wants to be more than that."""
    with database.begin() as unit:
        topology.create(unit, "services", "cash", {"name": HOSTILE, "criticality": "A"}, NOW_MS)
        topology.create(unit, "services", "net", {}, NOW_MS)


@pytest.mark.parametrize("view", ["map", "table"])
def test_the_map_shows_each_service_and_harms_nobody(operator, services, view):
    """As a drawing and as a table: names are text, whatever they are."""
    page = operator.open(f"/services?view={view}")

    assert page.status == 200
    assert HOSTILE not in page.html
    assert "onerror" in page.text
    assert "net" in page.text
    assert ("criticality A" in page.html) == (view == "map")


def test_a_focus_leaves_out_what_has_nothing_to_do_with_it(operator, services):
    """An unknown one shows everything."""
    assert "cash" not in operator.open("/services?focus=service:net").text
    assert "net" in operator.open("/services?focus=service:gone").text


def test_without_services_the_page_says_how_to_have_some(operator):
    """An empty map is no map."""
    assert "services.yaml" in operator.open("/services").text


def test_insights_lead_from_every_number_to_its_incidents(operator, raise_incident):
    """The list behind a figure has the incidents that the figure counts."""
    raise_incident("till 4 stands still", site="lyon", device="pos-4")
    period = "from=2025-12-30T00:00:00Z&to=2026-01-03T00:00:00Z"

    page = operator.open(f"/insights?{period}")
    links = {link["href"] for link in page.all("a") if (link.get("href") or "").startswith("/insights/incidents")}

    assert page.status == 200
    assert links
    for kpi in ("volume", "backlog"):
        assert "till 4 stands still" in operator.open(next(href for href in links if f"kpi={kpi}" in href)).text
    for href in links:
        assert operator.open(href).status == 200
    assert "till 4" not in operator.open(f"/insights/incidents?kpi=volume&{period}&site=paris").text


def test_insights_of_nothing_are_a_page_with_nothing_in_it(operator):
    """No figure is made up: what was not counted is a dash."""
    page = operator.open("/insights?range=24h&priority=P1&service=none")

    assert page.status == 200
    assert "—" in page.text
    assert not [link for link in page.all("a") if "kpi=" in (link.get("href") or "") and "/insights/" in link["href"]]


@pytest.fixture
def recurring(database):
    """The same freezer was warm three times of late."""
    key = DeviceKey("paris", "fz-1")
    at = AlertKey("warm", str(key))
    for hour in (30, 20, 10):
        fired_ms = now_ms() - hour * 3_600_000
        for change, state in ((Change.FIRED, AlertState.FIRING), (Change.RESOLVED, AlertState.RESOLVED)):
            alert = Alert(f"{fired_ms}", at, "v1", "s1", key.site, key, state, Severity.WARNING, fired_ms)
            transitions = [Transition(change, fired_ms + (60_000 if change is Change.RESOLVED else 0), alert)]
            with database.begin() as unit:
                known = incidents.open_for(unit, transitions)
                outcome = correlate(transitions, known, Surroundings(policy=Policy()), transitions[0].at_ms)
                alerts.keep(unit, {at: alert}, transitions, transitions[0].at_ms)
                incidents.keep(unit, outcome, {}, Policy())


def test_what_keeps_coming_back_becomes_a_problem(operator, recurring):
    """One click, and the problem is named."""
    page = operator.open("/insights")
    fields = {name: page.field(name) for name in ("csrf", "once", "rule", "instance")}

    after = operator.submit("/insights/problems", fields)

    assert "PRB-000001 is open" in after.text
    assert "Open a problem" not in after.text


def test_days_are_stacked_from_the_least_pressing_up():
    """Every day of the span has a place, and blocks do not overlap; the counts are those given."""
    counts = {"P1": [Bar("2026-01-01", 3, "/a")], "P4": [Bar("2026-01-01", 7, "/b"), Bar("2026-01-02", 1, "/c")]}

    drawn = day_bars(counts, Span(NOW_MS - DAY_MS, NOW_MS + 2 * DAY_MS, None))

    assert [(day.date, day.total) for day in drawn.days] == [("2025-12-31", 0), ("2026-01-01", 10), ("2026-01-02", 1)]
    low, high = drawn.days[1].blocks
    assert (low.tone, high.tone) == ("P4", "P1")
    assert high.y + high.height == pytest.approx(low.y, abs=0.2)
    assert all(0 <= y <= HEIGHT for y, _ in drawn.rows)


def test_every_age_has_a_bar_and_the_longest_is_full():
    """Classes that nothing is in are there, too."""
    found = ages([Bar("1h", 2, "/x"), Bar("4w", 8, "/y")])

    assert [age.text for age in found] == list(AGES.values())
    assert [(age.n, age.share) for age in found if age.n] == [(2, 25.0), (8, 100.0)]
