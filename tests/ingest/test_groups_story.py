"""One incident for a site: from messages, through the real pipeline and both databases, to the alert of a group."""

import pytest
from plant import MINUTE_MS, START_MS, Plant

from iotops.rules.alert import Change
from iotops.store import alerts, incidents, timeline, topology
from iotops.store.database import Database

RULES = """
metrics:
  temp: {kind: gauge, every: 1m}
rules:
  - alert: freezer_warm
    match: {type: freezer}
    when: temp > -15
    for: 2m
    unless: firing(site_cooling_failure)
  - alert: site_cooling_failure
    match: {type: freezer}
    per: site
    when: devices(temp > -15) >= 3 and share(temp > -15) >= 0.5
    for: 5m
    severity: critical
    summary: ${devices(temp > -15)} freezers warm at ${site}
"""
FREEZERS = ("paris/fz-1", "paris/fz-2", "paris/fz-3", "paris/fz-4", "oslo/fz-1", "oslo/fz-2")
DEVICES = "devices:\n" + "".join(
    f"  - {{site: {site}, device: {device}, type: freezer, service: cooling-{site}, room: r{device[-1]}}}\n"
    for site, device in (name.split("/") for name in FREEZERS)
)
SERVICES = "services:\n  - {id: cooling-paris, criticality: A, team: cold-chain}\n"
OPEN = ("new", "in_progress", "on_hold")


@pytest.fixture
def database(database_url):
    opened = Database.open(database_url)
    opened.upgrade()
    yield opened
    opened.close()


class Sites(Plant):
    """Freezers of two sites that report every minute."""

    def minute(self, *warm, silent=()):
        """Let a minute pass, then all report: those named that they are warm."""
        self.wait(MINUTE_MS)
        temps = {name: -9 if name in warm else -20 for name in FREEZERS if name not in silent}
        self.process(*[self.message(f"{name}/telemetry", {"ts": self.now_ms, "temp": temps[name]}) for name in temps])

    def minutes(self, count, *warm, silent=()):
        for _ in range(count):
            self.minute(*warm, silent=silent)

    def incidents(self, *states, **wanted):
        with self.database.read() as unit:
            filters = incidents.Filters(state=states, **wanted)
            return incidents.page(unit, filters, sort="number", limit=99).items

    def fired(self, rule):
        return [
            (at_ms - START_MS) // 1000
            for change, at_ms, alert, _ in self.log
            if change is Change.FIRED and alert.key.rule == rule
        ]


@pytest.fixture
def sites(database, tmp_path):
    """Make the sites' plant with these rules; everything has been cold for some minutes."""

    def make(rules=RULES):
        folder = tmp_path / "rules"
        folder.mkdir()
        (folder / "rules.yaml").write_text(rules)
        (folder / "devices.yaml").write_text(DEVICES)
        (folder / "services.yaml").write_text(SERVICES)
        made = Sites(database, folder)
        made.look()
        made.minutes(3)
        return made

    return make


PARIS = FREEZERS[:3]


def test_one_cause_is_one_incident(sites):
    """Freezers fire after 2 m and wait, for the site is pending; it fires after 5 m: one incident explains them all."""
    plant = sites()
    plant.minutes(5, *PARIS)
    waiting = plant.incidents()
    plant.minutes(3, *PARIS)

    assert plant.fired("freezer_warm") == [360, 360, 360]
    assert waiting == []
    (found,) = plant.incidents()
    assert plant.fired("site_cooling_failure") == [540]
    assert (found.rule, found.instance, found.site, found.device) == (
        "site_cooling_failure", "site=paris", "paris", None,
    )  # fmt: skip
    assert (found.title, found.service, found.team, found.priority) == (
        "3 freezers warm at paris", "cooling-paris", "cold-chain", "P1",
    )  # fmt: skip
    assert found.evidence["group"] == {"site": "paris"}
    assert [each["device"] for each in found.evidence["devices"][0]["first"]] == ["fz-1", "fz-2", "fz-3"]
    assert plant.incidents(site=("oslo",)) == []
    assert plant.incidents(site=("paris",)) == [found]
    with plant.database.read() as unit:
        kept = alerts.page(unit, alerts.AlertFilter({"rule": ["freezer_warm"]}), limit=9)
        entries = [each.entry.type for each in timeline.entries(unit, found.number)]
    assert [(each.incident, each.cause) for each in kept] == [(found.number, "site=paris")] * 3
    assert entries[:1] == ["raised"]


def test_a_freezer_that_stays_warm_after_its_site_gets_its_own_incident(sites):
    """One of three is cold again, so that the site is over: the two that are still warm raise after they settled."""
    plant = sites()
    plant.minutes(7, *PARIS)
    assert [found.rule for found in plant.incidents(*OPEN)] == ["site_cooling_failure"]

    plant.minutes(3, *PARIS[:2])

    assert sorted((found.rule, found.device) for found in plant.incidents(*OPEN)) == [
        ("freezer_warm", "fz-1"),
        ("freezer_warm", "fz-2"),
    ]


def test_what_was_raised_before_its_site_is_merged_into_it(sites):
    """One freezer is warm for long and has an incident; two more make it the site's."""
    plant = sites()
    plant.minutes(4, *PARIS[:1])
    assert [(found.rule, found.device) for found in plant.incidents(*OPEN)] == [("freezer_warm", "fz-1")]

    plant.minutes(7, *PARIS)

    (found,) = plant.incidents(*OPEN)
    (merged,) = plant.incidents("cancelled")
    assert (found.rule, merged.device, merged.merged_into) == ("site_cooling_failure", "fz-1", found.number)


@pytest.mark.parametrize("snapshots", [True, False])
def test_kills_between_messages_change_nothing_for_a_site(sites, snapshots, database):
    """Pending and firing, from real rows and snapshots: fired at the same instant, nothing twice, nothing lost."""
    plant = sites()
    for number in range(14):
        plant.minute(*(PARIS if number < 9 else ()))
        if snapshots and number % 3 == 0:
            plant.snapshot()
        plant.restart()
        plant.process()

    assert plant.fired("site_cooling_failure") == [540]
    assert plant.fired("freezer_warm") == [360, 360, 360]
    (found,) = plant.incidents()
    assert (found.rule, found.state, found.fired_ms - START_MS) == ("site_cooling_failure", "resolved", 540_000)


def test_a_kill_in_the_very_second_in_which_time_alone_fires_a_site(sites):
    """The hold runs on while the ingest is away from its devices: it is served at its instant, by a timer."""
    plant = sites()
    plant.minutes(5, *PARIS)
    plant.restart()
    plant.wait(2 * MINUTE_MS)
    plant.process()
    plant.restart()
    plant.process()

    assert plant.fired("site_cooling_failure") == [540]
    assert [found.fired_ms - START_MS for found in plant.incidents(*OPEN)] == [540_000]


FLEET = """
metrics:
  temp: {kind: gauge, every: 1m}
rules:
  - {alert: many_warm, per: fleet, when: devices(temp > -15) >= 4}
  - {alert: room_warm, per: [site, room], when: devices(temp > -15) >= 1}
  - {alert: service_warm, per: service, when: devices(temp > -15) >= 2, unless: firing(many_warm)}
"""


def test_groups_of_other_labels_have_the_site_and_service_that_follow_from_them(sites):
    """The fleet is of no site, a room is of its site, a service's group is about that service."""
    plant = sites(FLEET)
    plant.minutes(1, *PARIS[:2])
    plant.minutes(2, *PARIS[:2])

    told = {(found.rule, found.instance): (found.site, found.service) for found in plant.incidents()}
    assert told == {
        ("room_warm", "site=paris,room=r1"): ("paris", "cooling-paris"),
        ("room_warm", "site=paris,room=r2"): ("paris", "cooling-paris"),
        ("service_warm", "service=cooling-paris"): ("paris", "cooling-paris"),
    }

    plant.minutes(2, *PARIS, "oslo/fz-1")

    (fleet,) = plant.incidents(*OPEN, rule=("many_warm",))
    assert (fleet.site, fleet.service, fleet.device) == ("", None, None)
    assert plant.incidents(*OPEN, rule=("service_warm",)) == []


def test_silence_of_all_is_not_the_end_of_a_sites_incident(sites):
    """Nobody reports any more: the site is as it was, its data unknown."""
    plant = sites()
    plant.minutes(7, *PARIS)
    plant.minutes(10, silent=FREEZERS)
    plant.restart()
    plant.minutes(5, silent=FREEZERS)

    (found,) = plant.incidents(*OPEN)
    assert (found.rule, found.data_known) == ("site_cooling_failure", False)


def test_a_sites_incident_becomes_more_pressing_as_more_of_the_service_fails(sites, database):
    """Half of the freezers is one step more: told on the timeline, and never taken back when the scope shrinks."""
    rules = RULES.replace(">= 3 and share(temp > -15) >= 0.5", ">= 1").replace(
        "for: 5m\n    severity: critical", "for: 1m"
    )
    plant = sites(rules.replace("unless: firing(site_cooling_failure)", "severity: info"))
    with database.begin() as unit:
        topology.change(unit, "services", "cooling-paris", {"criticality": "B"}, START_MS)
    plant.look()

    def site():
        (found,) = plant.incidents(*OPEN, rule=["site_cooling_failure"])
        return found

    plant.minutes(3, PARIS[0])
    few = site()
    plant.minutes(3, *PARIS[:2])
    many = site()
    plant.minutes(3, PARIS[0])

    assert (few.priority, many.priority, site().priority) == ("P3", "P2", "P2")
    assert "2 of its 4 devices are affected" in many.priority_reason["impact"]["because"]
    with database.read() as unit:
        told = [each.entry for each in timeline.entries(unit, many.number) if each.entry.type == "priority_changed"]
    assert [(entry.data["from"], entry.data["to"], entry.data["affected"]) for entry in told] == [("P3", "P2", 2)]
