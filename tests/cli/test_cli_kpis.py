"""`iotops kpis` against a real API, and `iotops sla rebuild` over a database."""

import json

from iotops.incidents.kpi import KPIS


def test_figures_are_told_for_people_programs_and_spreadsheets(run, api, raise_incident):
    """Text with units, one line of JSON, a table; groups under their figure."""
    raise_incident("Door open")

    text = run("kpis", "--by", "site")
    told = run("kpis", "--kpi", "volume", "--format", "json")
    table = run("kpis", "--kpi", "volume", "--format", "csv")
    wrong = run("kpis", "--by", "colour")

    assert (text.status, told.status, table.status, wrong.status) == (0, 0, 0, 2)
    assert "Incidents raised" in text.out
    assert "paris" in text.out
    assert [each["value"] for each in json.loads(told.out)["items"]] == [1]
    assert table.out.splitlines()[0].startswith("kpi,unit,by,key,value,n")
    assert table.out.splitlines()[1].startswith("volume,count,,,1")


def test_definitions_are_those_of_the_figures(run, api):
    """Every figure says what it is."""
    ran = run("kpis", "--definitions", "--format", "json")

    assert [each["kpi"] for each in json.loads(ran.out)["items"]] == list(KPIS)


def test_rebuild_tells_whether_clocks_are_what_the_timeline_says(run, database, raise_incident):
    """With nothing promised there is nothing to compute, and nothing differs."""
    raise_incident("Door open")

    ran = run("sla", "rebuild", "--check", "--format", "json")

    assert (ran.status, json.loads(ran.out)) == (0, {"clocks": 0, "different": 0, "incidents": [], "written": False})
