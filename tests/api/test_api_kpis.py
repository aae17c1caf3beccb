"""/kpis, what is behind them, and tables that spreadsheets can open without harm."""

import csv
import io

import pytest

from iotops.api.csv_text import csv_lines
from iotops.incidents.kpi import KPIS


@pytest.fixture
def raised(client):
    """Three incidents, of which one is resolved as a false alarm."""
    numbers = [
        client.post("/api/v1/incidents", {"title": title, "site": "paris", "device": "a"}).json()["number"]
        for title in ("=HYPERLINK(1)", "@SUM", "it leaks")
    ]
    for action, body in (("acknowledge", {}), ("resolve", {"verdict": "false_alarm"})):
        assert client.post(f"/api/v1/incidents/{numbers[0]}/{action}", body).status_code == 200
    return numbers


def test_every_figure_has_its_definition_n_and_list(client, raised):
    """Each number leads to the incidents behind it, as many as it says."""
    found = client.get("/api/v1/kpis?by=priority").json()

    by_name = {each["kpi"]: each for each in found["items"]}
    assert list(by_name) == list(KPIS)
    assert all(each["definition"] == KPIS[each["kpi"]].definition for each in found["items"])
    assert (by_name["volume"]["value"], by_name["backlog"]["value"], by_name["false_alarms"]["value"]) == (3, 2, 1)
    assert (by_name["mtta"]["n"], by_name["mttr"]["n"], by_name["volume"]["previous"]["n"]) == (1, 1, 0)
    for each in found["items"]:
        for figure in (each, *each["groups"]):
            listed = client.get(figure["incidents"]).json()["items"]
            assert sum(row["n"] for row in listed) == figure["n"], figure["incidents"]


def test_groups_by_day_are_dates_that_lead_somewhere(client, raised):
    """A day's list is that day's."""
    (volume,) = client.get("/api/v1/kpis?by=day&kpi=volume").json()["items"]

    (day,) = volume["groups"]
    assert len(day["key"]) == len("2026-01-01")
    assert [each["incident"]["number"] for each in client.get(day["incidents"]).json()["items"]] == raised


def test_the_list_behind_a_figure_comes_in_pages(client, raised):
    """By number, with a cursor."""
    first = client.get("/api/v1/kpis/incidents?kpi=volume&limit=2").json()
    second = client.get(
        "/api/v1/kpis/incidents", params={"kpi": "volume", "limit": 2, "cursor": first["next_cursor"]}
    ).json()

    assert [each["incident"]["number"] for each in (*first["items"], *second["items"])] == raised
    assert second["next_cursor"] is None


def test_tables_hold_no_formula(client, raised):
    """A title that a spreadsheet would compute is text there; the same through Accept and by name."""
    table = list(csv.DictReader(io.StringIO(client.get("/api/v1/incidents.csv?sort=number").text)))
    named = client.get("/api/v1/kpis.csv?kpi=volume&to=2100-01-01T00:00:00Z")
    accepted = client.get("/api/v1/kpis?kpi=volume&to=2100-01-01T00:00:00Z", headers={"Accept": "text/csv"})

    assert [row["title"] for row in table] == ["'=HYPERLINK(1)", "'@SUM", "it leaks"]
    assert [row["number"] for row in table] == raised
    assert named.headers["content-type"].startswith("text/csv")
    assert accepted.text == named.text
    assert named.text.splitlines()[0] == "kpi,unit,by,key,value,n,mean,median,p90,previous_value,previous_n"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@A1", "\t=1", "\r=1", " =1", "\ufeff=1", "\u200b-1"])
def test_what_a_spreadsheet_would_compute_becomes_text(text):
    """An apostrophe stands before it; numbers and other texts stay as they are."""
    rows = "".join(csv_lines(("a", "b", "c"), [{"a": text, "b": -5, "c": 'a=b, "c"'}]))

    (_, (first, second, third)) = csv.reader(io.StringIO(rows, newline=""))
    assert (first, second, third) == (f"'{text}", "-5", 'a=b, "c"')


@pytest.mark.parametrize(
    "asked",
    [
        "/kpis?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
        "/kpis?by=colour",
        "/kpis?kpi=luck",
        "/kpis/incidents",
        "/kpis/incidents?kpi=volume&by=day&key=monday",
        "/kpis/noisy?by=site",
        "/incidents.csv?sort=colour",
    ],
)
def test_what_cannot_be_asked_is_refused(client, asked):
    """422 as a problem, with the place."""
    answer = client.get(f"/api/v1{asked}")

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


def test_a_token_of_one_site_counts_that_site(client, token, raised):
    """Figures, lists and tables hold nothing of another one."""
    client.token = token("viewer", site="lyon")

    (volume,) = client.get("/api/v1/kpis?kpi=volume").json()["items"]
    assert volume["n"] == 0
    assert client.get("/api/v1/kpis/incidents?kpi=volume").json()["items"] == []
    assert client.get("/api/v1/kpis/noisy").json() == []
    assert client.get("/api/v1/incidents.csv").text.count("\n") == 1
    assert client.get("/api/v1/kpis?site=paris").status_code == 403
