"""`iotops incidents` against a real API."""

import json
import re

import pytest

from iotops.store import topology


def test_list_shows_what_matches_and_ends_with_1_where_nothing_does(run, api, raise_incident):
    """Filters are the API's own; finding nothing is a finding."""
    raise_incident("Door open")
    raise_incident("Pump dry", site="lyon", device="p-1")

    both, one, none = (
        run("incidents", "list"),
        run("incidents", "list", "--site", "lyon"),
        run("incidents", "list", "--state", "closed"),
    )

    assert (both.status, one.status, none.status) == (0, 0, 1)
    assert [line.split()[0] for line in both.out.splitlines()] == ["number", "INC-000002", "INC-000001"]
    assert "lyon/p-1" in one.out
    assert "Door open" not in one.out
    assert (none.out, none.err) == ("", "no incidents match\n")


def test_list_follows_cursors_up_to_its_limit(run, api, raise_incident):
    """More than the API gives at once is fetched page by page, and no more than was asked for."""
    for count in range(205):
        raise_incident(f"Door {count}")

    ran = run("incidents", "list", "--limit", 203, "--sort", "number", "--format", "json")

    numbers = [item["number"] for item in json.loads(ran.out)["items"]]
    assert numbers == [f"INC-{count:06}" for count in range(1, 204)]
    assert len(ran.out.splitlines()) == 1


@pytest.mark.parametrize("written", ["INC-000001", "inc-1", "#1", "1", "0001", "INC1"])
def test_numbers_are_taken_as_people_write_them(run, api, raise_incident, written):
    """All of these are the same incident."""
    raise_incident()

    assert json.loads(run("incidents", "show", written, "--format", "json").out)["number"] == "INC-000001"


def test_an_incident_goes_its_whole_way(run, api, raise_incident):
    """Every action does what it says, and the timeline tells it."""
    number = raise_incident()
    way = [
        (("ack",), "in progress"),
        (("assign", "bo", "--team", "cold"), "in progress, owned by bo of cold"),
        (("hold", "--reason", "parts", "--until", "2h"), "on hold"),
        (("resume",), "in progress"),
        (("resolve", "--code", "repaired", "--verdict", "real", "--note", "new seal"), "resolved"),
        (("reopen", "--note", "again"), "in progress"),
        (("assign", "--nobody"), "owned by cold"),
        (("comment", "looked at it"), "comment written"),
        (("resolve",), "resolved"),
        (("close",), "closed"),
    ]

    said = [(run("incidents", name, number, *rest), expected) for (name, *rest), expected in way]

    assert [(ran.status, expected in ran.out) for ran, expected in said] == [(0, True)] * len(way)
    told = run("incidents", "timeline", number)
    assert "looked at it" in told.out
    assert "new seal" in told.out
    assert "closed" in told.out.splitlines()[-1]


def test_cancelled_as_a_duplicate(run, api, raise_incident):
    """An incident about the same thing ends for good, and says which one stays."""
    first, second = raise_incident(), raise_incident()

    ran = run("incidents", "cancel", second, "--duplicate-of", first, "--format", "json")

    after = json.loads(ran.out)
    assert (after["state"], after["duplicate_of"]) == ("cancelled", first)


def test_illegal_action_is_told_with_what_is_possible(run, api, raise_incident):
    """The API's own words reach the terminal."""
    number = raise_incident()

    ran = run("incidents", "close", number)

    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith("error: INC-000001 is new: 'close' is not possible now, only ")


def test_show_is_readable_and_hides_no_control_characters(run, api, raise_incident):
    """What a device put into a title cannot move the cursor of whoever reads it."""
    number = raise_incident("evil \x1b[2J title")

    ran = run("incidents", "show", number)

    assert ran.status == 0
    assert "\x1b" not in ran.out
    assert "possible now  ack, assign" in ran.out


@pytest.mark.parametrize(
    ("token", "url", "message"),
    [
        ("", None, "no token: set IOTOPS_TOKEN"),
        ("iot_wrong", None, "put a valid one into IOTOPS_TOKEN"),
        (None, "http://127.0.0.1:1", "cannot connect"),
        (None, "127.0.0.1:8000", "is no address of an API"),
    ],
)
def test_what_keeps_us_from_the_api_is_told(run, api, monkeypatch, token, url, message):
    """No token, a wrong one, nobody there, no address: each says what to do."""
    if token is not None:
        monkeypatch.setenv("IOTOPS_TOKEN", token)

    ran = run("incidents", "list", *(["--url", url] if url else []))

    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith("error: ")
    assert message in ran.err


@pytest.mark.parametrize("listen", ["127.0.0.1", "0.0.0.0"])
def test_without_an_address_the_api_is_asked_where_the_settings_say_it_listens(run, api, monkeypatch, listen):
    """Whoever moved the API to another port need not say so twice, and no token goes to whoever has port 8000."""
    monkeypatch.delenv("IOTOPS_URL")
    monkeypatch.setenv("IOTOPS_API__LISTEN", f"{listen}:{api.rpartition(':')[2]}")

    ran = run("incidents", "list")

    assert (ran.status, ran.out, ran.err) == (1, "", "no incidents match\n")


def test_role_that_may_not_is_told_to_use_another(run, api, raise_incident, monkeypatch):
    """A viewer reads and does nothing else."""
    number = raise_incident()
    made = json.loads(run("token", "create", "--role", "viewer", "--format", "json").out)
    monkeypatch.setenv("IOTOPS_TOKEN", made["token"])

    shown, tried = run("incidents", "show", number), run("incidents", "ack", number)

    assert (shown.status, tried.status) == (0, 1)
    assert "(403 forbidden)" in tried.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("assign", "1"), "expected ASSIGNEE"), (("assign", "1", "bo", "--nobody"), "exclude each other")],
)
def test_assigning_to_nobody_or_two_is_usage(run, api, arguments, message):
    """What cannot be meant is refused before anything is sent."""
    ran = run("incidents", *arguments)

    assert ran.status == 2
    assert message in ran.err


def test_suspects_are_listed_with_their_reasons_and_end_with_1_where_there_are_none(run, api, raise_incident):
    """The likeliest change first, in a table and as JSON."""
    number = raise_incident()
    none = run("incidents", "suspects", number)
    run("changes", "add", "new set point", "--kind", "config", "--site", "paris", "--started", "1h")

    found, told = run("incidents", "suspects", number), run("incidents", "suspects", number, "--format", "json")

    assert (none.status, "nothing is known to have changed" in none.err) == (1, True)
    assert (found.status, "CHG-000001" in found.out, "made at the whole site paris" in found.out) == (0, True, True)
    assert json.loads(told.out)["items"][0]["change"]["number"] == "CHG-000001"


def test_held_notices_are_shown_with_the_suppression_that_holds_them(run, api, database, raise_incident):
    """In the text and in the JSON."""
    number = raise_incident()
    with database.begin() as unit:
        unit.connection.exec_driver_sql("UPDATE incident SET muted_by = 'SUP-000001'")

    assert "held by SUP-000001" in run("incidents", "show", number).out
    assert json.loads(run("incidents", "show", number, "--format", "json").out)["muted_by"] == "SUP-000001"


def test_show_tells_how_promises_stand(run, api, database, raise_incident):
    """The clocks in words, nothing where nothing was promised."""
    bare = run("incidents", "show", raise_incident())
    with database.begin() as unit:
        topology.create(unit, "sla-policies", "default", {"respond_minutes": {"P4": 60}}, 0)

    promised = run("incidents", "show", raise_incident())

    assert "promised" not in bare.out
    assert re.search(r"promised +respond in (1h|59m)", promised.out)
