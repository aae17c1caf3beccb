"""How pages look in a real Chromium: readable by everybody, on a phone, in a hurry, and whatever names devices have."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

AXE = Axe()
BLOCKING = ("serious", "critical")
MOST_BYTES = 100_000  # two thirds of what was promised
PHONE = {"width": 360, "height": 740}
WIDER = "document.documentElement.scrollWidth - window.innerWidth"
pytestmark = pytest.mark.real("chromium")


def serious(tab):
    """Return what axe holds for serious."""
    found = AXE.run(tab).response["violations"]
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found if each["impact"] in BLOCKING]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_what_opens(open_tab, stage, showcase, scheme):
    """The list of keys, what is selected, filters, what resolving asks, how the priority came about, signing in."""
    showcase.little()
    tab = open_tab("/", color_scheme=scheme)
    expect(tab.locator("[data-live-state]")).to_have_text("live")  # the page's scripts have run
    tab.keyboard.press("?")
    expect(tab.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("Next incident")
    keys = serious(tab)
    for key in ("Escape", "j", "x"):
        tab.keyboard.press(key)
    tab.locator("summary", has_text="Filter").click()
    expect(tab.get_by_role("region", name="Do with all selected")).to_contain_text("1 selected")
    board = serious(tab)
    tab.goto(tab.url.rstrip("/") + "/incidents/INC-000003")
    for opens in ("Resolve", "Why P1?"):
        tab.locator("summary", has_text=opens).evaluate("menu => { menu.parentElement.open = true; }")
    incident = serious(tab)
    tab.context.clear_cookies(name="iotops_session")
    tab.goto(tab.url)

    assert (keys, board, incident, serious(tab)) == ([], [], [], [])
    tab.complaints.clear()  # that the session was gone


@pytest.mark.parametrize("path", ["/", "/incidents/INC-000003", "/devices/paris-north/fz-12"])
def test_the_first_load_transfers_less_than_a_hundred_kilobytes(open_tab, stage, showcase, console, path):
    """Page, styles, scripts and the images in sight, as they go over the wire, with much data."""
    showcase.much()
    tab = open_tab("/sign-in")
    protocol = tab.context.new_cdp_session(tab)
    received = []
    protocol.send("Network.enable")
    protocol.on("Network.loadingFinished", lambda done: received.append(done["encodedDataLength"]))

    tab.goto(console.url + path)
    tab.wait_for_load_state("load")

    assert len(received) > 5
    assert sum(received) < MOST_BYTES


def test_hostile_names_are_shown_and_nothing_else(open_tab, stage, raise_incident):
    """A script, markup, a change of direction and ten thousand characters are text, and stay in their place."""
    names = ["<script>document.title='owned'</script>", "<img src=x onerror=document.title='owned'>", "a\u202egnp.exe"]
    number = raise_incident(" ".join(names), device="d" * 64, note="<b>bold</b> " + "long " * 2_000)
    tab = open_tab("/")
    expect(tab.locator(f"#{number} .what")).to_contain_text("<script>")
    tab.set_viewport_size(PHONE)
    tab.goto(tab.url.rstrip("/") + f"/incidents/{number}")

    expect(tab.locator("h1")).to_contain_text("onerror=")
    expect(tab.locator("#timeline blockquote")).to_contain_text("<b>bold</b>")
    assert tab.evaluate(WIDER) <= 0
    assert "owned" not in tab.title().replace("='owned'", "")
    assert tab.evaluate("getComputedStyle(document.querySelector('h1 .text')).unicodeBidi") == "isolate"


def test_a_page_needs_no_script_to_be_read_or_to_act(open_tab, stage, showcase):
    """What came from the server stands there, and its forms do what they say."""
    showcase.little()
    tab = open_tab("/", java_script_enabled=False)
    expect(tab.get_by_text("Freezer 12 at")).to_be_visible()

    tab.get_by_role("button", name="Acknowledge INC-000003").click()
    expect(tab.locator("#INC-000003")).to_contain_text("In progress")
    tab.get_by_role("link", name="Freezer 12 at").click()

    expect(tab.get_by_role("img", name="temp of paris-north/fz-12")).to_be_visible()
    tab.locator("#note").fill("doors closed")
    tab.get_by_role("button", name="Add note").click()
    expect(tab.locator("#timeline")).to_contain_text("doors closed")


def test_the_theme_that_somebody_chose_stays_without_a_flash(open_tab, stage, raise_incident):
    """The server renders the choice, so that the first paint has it."""
    raise_incident()
    tab = open_tab("/", color_scheme="light")
    tab.locator("details.menu summary", has_text="the operator").click()
    tab.get_by_role("button", name="Dark").click()
    tab.reload()

    expect(tab.locator("html")).to_have_attribute("data-theme", "dark")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 20, 25)"
