"""What operators do, in a real Chromium: work on what comes in, together, and over a restart."""

import pytest
from playwright.sync_api import expect

RULES = """rules:
  - alert: freezer_warm
    when: temp > -15
    summary: ${device} at ${temp} °C
"""
pytestmark = pytest.mark.real("chromium")


@pytest.mark.real("mosquitto")
def test_an_incident_comes_in_live_is_worked_on_by_key_and_nothing_is_missed_over_a_restart(
    deploy, mosquitto, device, tab_at, stage, tmp_path, wait_until
):
    """From a message on the broker to a row on an open board, to a resolved incident; without one reload."""
    iotops = deploy(mosquitto.url, f"sqlite:///{tmp_path / 'iotops.db'}", {"cold.yaml": RULES}, "ingest", "api")
    tab = tab_at(iotops.url, iotops.token)
    expect(tab.get_by_text("Nothing is listed, and nothing arrives")).to_be_visible()
    expect(tab.locator("[data-live-state]")).to_have_text("live")
    tab.evaluate(
        """async () => {
          window.told = [];
          const { onEntry } = await import(document.querySelector("script").src.replace("shell.js", "stream.js"));
          onEntry((entry) => window.told.push(entry.seq));
        }"""
    )

    device.publish("iot/paris/fz-1/telemetry", {"temp": -3.5})
    first = tab.locator("#INC-000001")
    expect(first).to_contain_text("fz-1 at -3.5 °C")
    tab.keyboard.press("j")
    tab.keyboard.press("a")
    expect(first).to_contain_text("In progress")
    tab.keyboard.press("m")
    tab.keyboard.type("bo")
    tab.keyboard.press("Enter")
    expect(first.locator(".c-owner")).to_contain_text("bo")

    iotops.stop("api")
    expect(tab.locator("[data-live-state]")).to_have_text("reconnecting …")
    device.publish("iot/paris/fz-2/telemetry", {"temp": -4.5})
    iotops.start("api")
    iotops.wait_ready()
    wait_until(lambda: len(iotops.incidents()) == 2, what="the incident raised while nobody could look")
    expect(tab.locator("[data-live-state]")).to_have_text("live")
    tab.get_by_role("button", name="1 new").click()  # nothing was put in while the first row had the focus
    expect(tab.locator("#INC-000002")).to_contain_text("fz-2")
    entries = [each for number in (1, 2) for each in iotops.get(f"/incidents/{number}/timeline")["items"]]
    tab.wait_for_function("count => window.told.length >= count", arg=len(entries))
    assert tab.evaluate("window.told") == sorted(each["seq"] for each in entries)

    first.locator(".what").focus()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", level=1)).to_contain_text("INC-000001")
    expect(tab.locator("[data-live-state]")).to_have_text("live")  # the page's scripts have run
    tab.keyboard.press("r")
    form = tab.locator("details.action[open] form")
    form.get_by_label("How it ended").fill("repaired")
    form.get_by_label("Cause").fill("worn seal")
    form.get_by_label("Was it real?").select_option("real")
    form.get_by_role("button").click()
    expect(tab.locator(".stepper [aria-current]")).to_have_text("Resolved")
    expect(tab.locator("#timeline")).to_contain_text("resolved it: repaired, worn seal, it was real")
    tab.complaints.clear()  # that the server was away for a while is what the test is about


def test_the_second_of_two_operators_is_told_what_the_first_one_did(open_tab, stage, raise_incident):
    """What was typed is kept, what changed is told, and doing it all the same is one click."""
    number = raise_incident("till 4 stands still")
    ana, bo = (open_tab(f"/incidents/{number}") for _ in range(2))
    bo.locator("summary", has_text="Resolve").click()
    bo.get_by_label("Cause").fill("a loose cable")

    ana.locator("summary", has_text="Assign").click()
    ana.locator("details.action[open]").get_by_label("Owner").fill("ana")
    ana.locator("details.action[open]").get_by_role("button").click()
    expect(ana.locator(".facts")).to_contain_text("owner ana")
    bo.locator("details.action[open]").get_by_role("button").click()

    expect(bo.get_by_role("heading", level=1)).to_contain_text("changed while you were looking")
    expect(bo.locator("main")).to_contain_text("the operator assigned it to ana")
    expect(bo.locator("main")).to_contain_text("a loose cable")
    bo.get_by_role("button", name="Resolve all the same").click()
    expect(bo.locator("#timeline")).to_contain_text("resolved it: a loose cable")
    assert "412" in "".join(bo.complaints)
    bo.complaints.clear()


def test_news_do_not_move_what_is_pointed_at(open_tab, stage, raise_incident):
    """The list stays while the pointer is on it, rows tell their new state in place, and a button offers the rest."""
    number = raise_incident("till 4 stands still")
    tab = open_tab("/")
    expect(tab.locator("[data-live-state]")).to_have_text("live")
    row = tab.locator(f"#{number}")
    row.hover()
    before = row.bounding_box()

    other = raise_incident("till 5 stands still, too")
    news = tab.get_by_role("button", name="1 new")
    expect(news).to_be_visible()

    assert row.bounding_box()["height"] == before["height"]
    expect(tab.locator(f"#{other}")).to_have_count(0)
    news.click()
    expect(tab.locator(f"#{other}")).to_be_visible()


def test_all_that_are_selected_are_acknowledged_at_once(open_tab, stage, raise_incident):
    """Selected by key, done by one button, and told how many."""
    for place in range(3):
        raise_incident(f"till {place} stands still")
    tab = open_tab("/")
    expect(tab.locator("[data-live-state]")).to_have_text("live")
    for key in "jxjx":
        tab.keyboard.press(key)
    bar = tab.get_by_role("region", name="Do with all selected")
    expect(bar).to_contain_text("2 selected")

    bar.get_by_role("button", name="Acknowledge").click()

    expect(tab.get_by_role("heading", level=1)).to_have_text("2 done")
    tab.get_by_role("link", name="Back to the board").click()
    expect(tab.locator(".incidents .state.in_progress")).to_have_count(2)
