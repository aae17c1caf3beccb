"""How pages look in a real Chromium: readable by everybody, on a phone, in a hurry, and whatever names devices have."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

AXE = Axe()
BLOCKING = ("serious", "critical")
MOST_BYTES = 150_000
PHONE = {"width": 360, "height": 740}
WIDER = "document.documentElement.scrollWidth - window.innerWidth"
pytestmark = pytest.mark.real("chromium")


def serious(tab):
    """Return what axe holds for serious."""
    found = AXE.run(tab).response["violations"]
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found if each["impact"] in BLOCKING]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_tab, stage, showcase, scheme):
    """Contrast, names, roles and order hold in both appearances, on the board, an incident, with menus open."""
    showcase.little()
    tab = open_tab("/", color_scheme=scheme)
    board = serious(tab)
    tab.goto(tab.url.rstrip("/") + "/incidents/INC-000003")
    tab.locator("summary", has_text="Resolve").click()
    incident = serious(tab)
    tab.context.clear_cookies(name="iotops_session")
    tab.goto(tab.url)

    assert (board, incident, serious(tab)) == ([], [], [])
    tab.complaints.clear()  # that the session was gone


@pytest.mark.parametrize("amount", ["none", "little", "much"])
def test_each_screen_fits_a_phone_and_a_desk_with_no_little_and_much_data(open_tab, stage, showcase, amount, tmp_path):
    """Nothing sticks out of the window, whatever there is to show."""
    {"none": lambda: showcase.beat(devices=0, last_message_ms=None), "little": showcase.little, "much": showcase.much}[
        amount
    ]()
    tab = open_tab("/")
    home = tab.url.rstrip("/")
    paths = ["/"] if amount == "none" else ["/", "/?sort=-raised_at&limit=200", "/incidents/1", "/incidents/3"]
    wide = {}
    for path in paths:
        tab.goto(home + path)
        for width, height in ((1280, 800), tuple(PHONE.values())):
            tab.set_viewport_size({"width": width, "height": height})
            expect(tab.get_by_role("heading", level=1)).to_be_visible()
            tab.screenshot(path=tmp_path / f"{amount}{len(wide)}.png")
            wide[path, width] = tab.evaluate(WIDER)

    assert {place: by for place, by in wide.items() if by > 0} == {}
    assert tab.evaluate("document.title").find("owned") == -1


@pytest.mark.parametrize("path", ["/", "/incidents/INC-000003"])
def test_the_first_load_transfers_less_than_150_kilobytes(open_tab, stage, showcase, console, path):
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
