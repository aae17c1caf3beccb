"""A token of one site: over every operation there is, for every role, nothing of another site is seen or changed."""

import json
from functools import partial

import pytest
from sqlalchemy import select

from iotops.api.app import create_app
from iotops.api.openapi import api_routes, required_role
from iotops.settings import RulesSettings, Settings
from iotops.store import notices
from iotops.store.database import Database
from iotops.store.tables import METADATA

ROLES = ("viewer", "operator", "author", "admin")
MARK = "zz-oslo"  # stands in everything that belongs to the other site
RULE = "rules:\n  - {alert: freezer_warm, when: temp > -5, severity: warning}\n"

# What has no site in it, or is judged apart: who am I, saved views and backtests, which only their owner sees, rule
# texts that the caller brings, and the stream, whose test is test_a_token_of_one_site_hears_of_no_other.
WITHOUT_SITE = {
    "get_session", "start_session", "end_session", "list_views", "save_view", "delete_view",
    "begin_backtest", "get_backtest", "check_rules", "test_rules", "test_rule", "stream_timeline",
}  # fmt: skip

QUERIES = {
    "list_incidents": ("", "?site=zz-oslo", "?device=zz-oslo-1", "?q=zz-oslo", "?state=new"),
    "list_incidents_csv": ("", "?site=zz-oslo"),
    "list_alerts": ("", "?site=zz-oslo"),
    "list_devices": ("", "?site=zz-oslo", "?q=zz-oslo"),
    "list_sites": ("", "?id=zz-oslo", "?q=zz"),
    "list_changes": ("", "?site=zz-oslo"),
    "list_problems": ("", "?site=zz-oslo", "?q=zz-oslo"),
    "list_dependencies": ("", "?node=device:zz-oslo/zz-oslo-1"),
    "list_dead_letters": ("", "?reason=bad_json"),
    "get_kpis": ("?by=site", "?by=device", "?by=rule", "?site=zz-oslo"),
    "get_kpis_csv": ("?by=site", "?by=device"),
    "list_kpi_incidents": (
        "?kpi=volume",
        "?kpi=backlog",
        "?kpi=volume&by=site&key=zz-oslo",
        "?kpi=volume&site=zz-oslo",
    ),
    "list_noisy": ("", "?by=device"),
    "get_telemetry": ("?metric=temp",),
    "explain_rule": ("?site=zz-oslo&device=zz-oslo-1",),
    "backtest_rules": ("", "?site=zz-oslo", "?device=zz-oslo-1"),
}
BODIES = {
    "raise_incident": {"title": "x", "site": "zz-oslo"},
    "change_incident": {"title": "x"},
    "act_on_incidents": {"action": "acknowledge", "numbers": ["INC-000002"], "expected_count": 1},
    "merge_incident": {"into": "INC-000001"},
    "mark_incident_cause": {"change": "CHG-000001"},
    "open_problem": {"title": "x", "site": "zz-oslo"},
    "change_problem": {"title": "x"},
    "know_problem": {"root_cause": "x"},
    "link_incidents": {"incidents": ["INC-000001"]},
    "unlink_incidents": {"incidents": ["INC-000002"]},
    "report_change": {"kind": "config", "title": "x", "target": {"site": "zz-oslo"}},
    "change_change": {"title": "x"},
    "change_device": {"lifecycle": "retired"},
    "create_site": {"id": "x"},
    "create_service": {"id": "x"},
    "create_supplier": {"id": "x"},
    "create_calendar": {"id": "x", "timezone": "UTC", "hours": {"mon-fri": "08:00-18:00"}},
    "create_sla_policy": {"id": "x"},
    "create_dependency": {"from": "service:s1", "kind": "runs_on", "to": "device:zz-oslo/zz-oslo-1"},
    "create_suppression": {
        "kind": "silence",
        "owner": "x",
        "reason": "x",
        "until_cleared": True,
        "matcher": {"sites": ["zz-oslo"]},
    },
    "change_suppression": {"reason": "x"},
    "create_token": {"role": "viewer", "site": "zz-oslo"},
}


@pytest.fixture
def database(tmp_path):
    """One database is enough: what a caller may see is decided in the API, by queries that other files test on both."""
    opened = Database.open(f"sqlite:///{tmp_path / 'api.db'}")
    opened.upgrade()
    yield opened
    opened.close()


@pytest.fixture
def app(database, tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "cold.yaml").write_text(RULE)
    return create_app(database, Settings(rules=RulesSettings(directory=tmp_path / "rules")))


@pytest.fixture
def world(client, database, machine, a_reading):
    """Two sites with one of everything; returns what to put into the paths to reach the other site's."""
    for site, device in (("paris", "fz-1"), ("zz-oslo", "zz-oslo-1")):
        machine.reads(a_reading(device, site, temp=-3.5, note=f"{site} says"))
        machine.fires(site=site, device=device, summary=f"{device} is warm")
        machine.rejects(f"iot/{site}/{device}/telemetry", f"{{{site}".encode())
        create = partial(created, client)
        create("changes", kind="config", title=f"change of {site}", target={"site": site})
        create("problems", title=f"problem of {site}", site=site)
        create("suppressions", **{**BODIES["create_suppression"], "reason": site, "matcher": {"sites": [site]}})
        create("tokens", role="viewer", name=f"token of {site}", site=site)
    create("services", id="s1")
    create("dependencies", **{"from": "service:s1", "kind": "runs_on", "to": "device:zz-oslo/zz-oslo-1"})
    client.patch("/api/v1/devices/zz-oslo/zz-oslo-1", {"labels": {"type": MARK}}, headers={"If-Match": "*"})
    with database.begin() as unit, notices.gathering(unit) as messages:
        for each in notices.take(unit, 10):
            messages.add("all", "desk", each, notices.Times(1_000, 1_000, lambda _: True))
    return found_ids(client)


def created(client, path, **body):
    answer = client.post(f"/api/v1/{path}", body)
    assert answer.status_code == 201, answer.text


def found_ids(client):
    """Return path prefix -> parameter -> the other site's."""

    def theirs(path, key):
        (found,) = [each for each in client.get(f"/api/v1/{path}").json()["items"] if MARK in json.dumps(each)]
        return found[key]

    number = theirs("incidents", "number")
    (notice,) = [
        each["id"]
        for each in client.get("/api/v1/notifications").json()["items"]
        if number in json.dumps(each["events"])
    ]
    return {
        "incidents": {"number": number},
        "problems": {"number": theirs("problems", "number")},
        "changes": {"number": theirs("changes", "number")},
        "alerts": {"alert_id": theirs("alerts", "id")},
        "devices": {"site": "zz-oslo", "device": "zz-oslo-1"},
        "sites": {"site_id": "zz-oslo"},
        "suppressions": {"suppression_id": theirs("suppressions", "id")},
        "notifications": {"notification_id": notice},
        "dead-letters": {"letter_id": theirs("dead-letters", "id")},
        "tokens": {"token_id": theirs("tokens", "id")},
        "rules": {"rule_id": "freezer_warm"},
        "services": {"service_id": "s1"},
        "suppliers": {"supplier_id": "s1"},
        "calendars": {"calendar_id": "s1"},
        "sla-policies": {"policy_id": "s1"},
    }


def operations(app, role):
    """Yield (method, path, operation) of all that a role may do, but for what has no site in it."""
    for route in api_routes(app):
        needed = required_role(route.dependant)
        if needed is None or route.operation_id in WITHOUT_SITE or ROLES.index(role) < ROLES.index(needed.word):
            continue
        for method in sorted(route.methods):
            yield method, route.path, route.operation_id


def aimed(path, ids):
    """Put the other site's things into a path."""
    prefix = path.split("/")[3] if path.startswith("/api/v1/") else ""
    return path.format(**ids.get(prefix, {}))


def looks(operation, method):
    return method == "GET" or operation == "backtest_rules"


def asked(client, method, path, operation):
    """Send what an operation needs, aimed at the other site; yields (query, answer) of each way to ask."""
    for query in QUERIES.get(operation, ("",)):
        options = {"json": BODIES.get(operation, {})} if method in ("POST", "PATCH") else {}
        if operation == "backtest_rules":
            options = {"content": RULE}
        if operation == "delete_dependency":
            query = "?from=service:s1&kind=runs_on&to=device:zz-oslo/zz-oslo-1"  # noqa: PLW2901  it has no body
        headers = {"If-Match": "*"} if method == "PATCH" else {}
        yield query, client.request(method, path + query, headers=headers, **options)


def test_nothing_of_another_site_is_seen(client, app, token, world):
    """No operation that looks answers, to any role, with what belongs to a site which is not the token's."""
    hidden = (MARK, world["incidents"]["number"], world["problems"]["number"], world["changes"]["number"])
    faults, seen = [], set()

    for role in ROLES:
        client.token = token(role, site="paris")
        for method, path, operation in operations(app, role):
            for query, answer in (
                asked(client, method, aimed(path, world), operation) if looks(operation, method) else ()
            ):
                told = [mark for mark in hidden if mark in said(answer)]
                if told or answer.status_code not in (200, 403, 404):
                    faults.append((role, operation, query, answer.status_code, told, answer.text[:300]))
                seen |= {operation} if answer.is_success else set()

    assert not faults, "\n".join(map(str, faults))
    assert len(seen) > 20  # what belongs to nobody or to paris is there, so that this says something


def test_nothing_of_another_site_is_changed(client, app, database, token, world):
    """Every operation that changes something is refused on another site's things, and leaves every table as it was."""
    faults, refused = [], set()
    mine = {role: token(role, site="paris") for role in ROLES[1:]}
    before = contents(database)

    for role, client.token in mine.items():
        for method, path, operation in operations(app, role):
            for _, answer in (
                asked(client, method, aimed(path, world), operation) if not looks(operation, method) else ()
            ):
                if not is_refused(answer) or MARK in said(answer):
                    faults.append((role, method, path, answer.status_code, answer.text[:300]))
                refused.add(operation)

    assert not faults, "\n".join(map(str, faults))
    assert len(refused) > 40
    assert contents(database) == before


def is_refused(answer):
    """Tell whether nothing was done; of many things at once each is answered."""
    if answer.status_code == 200 and "refused" in answer.json():
        found = answer.json()
        return found["done"] == 0 and {each["status"] for each in found["items"]} == {404}
    return answer.status_code in (403, 404)


def said(answer):
    """Return what an answer tells; what stood in the question is no news."""
    problem = answer.json() if answer.headers["content-type"] == "application/problem+json" else None
    asked_for = answer.request.url
    if problem is None:
        return answer.text.replace(str(asked_for), "")
    return "" if problem["code"] == "not_found" else problem["detail"]


def contents(database):
    """Return every row of every table, but for the log of who was denied what and when a token was used."""
    with database.read() as unit:
        return {
            table.name: sorted(
                repr([value for name, value in row.items() if name != "last_used_ms"])
                for row in unit.connection.execute(select(table)).mappings()
            )
            for table in METADATA.sorted_tables
            if not table.name.startswith("deed")
        }
