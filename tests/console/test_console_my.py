"""My work on a phone: what is due first, what helps, and buttons that work without a network, and without scripts."""

import pytest
from playwright.sync_api import expect

from iotops.incidents.deadlines import Policy
from iotops.incidents.incident import Actor
from iotops.store import incidents

HOSTILE = "<img src=x onerror=alert(1)>{{7*7}}"
PHONE = {"width": 360, "height": 740}


@pytest.fixture
def mine(database, raise_incident):
    """Raise an incident that is the operator's, and nobody has acknowledged; return its number."""

    def make(title="till 4 stands still", name="the operator", **facts):
        number = raise_incident(title, **facts)
        with database.begin() as unit:
            ana = Actor("token", "ana")
            incidents.act(unit, number, "assign", ana, 1_767_225_600_500, policy=Policy(), assignee=name)
        return number

    return make


def test_the_page_shows_my_work_by_site_and_what_is_free(operator, mine, raise_incident):
    """Not that of others; and whatever names there are."""
    first, free = mine(HOSTILE, site="lyon"), raise_incident("router is gone", site="paris")
    mine("somebody else's", name="bo")

    page = operator.open("/my")

    assert all(text in page.text for text in (first, free, HOSTILE, "lyon 1", "New and free 1"))
    assert "somebody else" not in page.text
    assert HOSTILE not in page.html
    assert "Nothing is assigned to you" in operator.open("/my?who=nobody").text


@pytest.mark.real("chromium")
def test_a_button_pressed_without_a_network_is_sent_once_when_it_is_back(open_tab, stage, mine, database):
    """It is kept over a reload of the page, and says that it waits."""
    number = mine()
    tab = open_tab("/my", viewport=PHONE)
    tab.context.set_offline(True)
    tab.get_by_role("button", name=f"On my way to {number}").click()
    expect(tab.locator("#queue")).to_contain_text("1 waiting for the network")

    tab.context.set_offline(False)
    expect(tab.locator("#queue")).to_be_hidden()
    tab.goto(tab.url.replace("/my", f"/incidents/{number}"))

    expect(tab.locator("#timeline").get_by_text("On my way")).to_have_count(1)
    tab.complaints.clear()  # that the network was gone


@pytest.mark.real("chromium")
def test_the_buttons_are_forms_where_no_script_runs(open_tab, stage, mine):
    """Fixed asks how, and the work is gone from the list."""
    number = mine()
    tab = open_tab("/my", viewport=PHONE, java_script_enabled=False)

    tab.locator(f"#{number} summary", has_text="Fixed").click()
    tab.get_by_label("Cause").fill("loose plug")
    tab.get_by_role("button", name=f"Fixed {number}").click()

    expect(tab.locator("h1")).to_have_text("My work 0")
