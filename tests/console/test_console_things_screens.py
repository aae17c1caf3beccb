"""Devices, the service map and insights in a real Chromium: for everybody, on a phone, by keyboard, with any names."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

AXE = Axe()
BLOCKING = ("serious", "critical")
PHONE = {"width": 360, "height": 740}
WIDER = "document.documentElement.scrollWidth - window.innerWidth"
FREEZER = "/devices/paris-north/fz-12?range=6h"
SCREENS = ("/devices", FREEZER, "/services", "/services?view=table", "/insights", "/insights/incidents?kpi=volume")
OF_NOBODY = ("/devices", "/services", "/insights", "/insights/incidents?kpi=volume")
pytestmark = pytest.mark.real("chromium")


def serious(tab):
    """Return what axe holds for serious."""
    found = AXE.run(tab).response["violations"]
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found if each["impact"] in BLOCKING]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_devices_services_and_insights(open_tab, stage, showcase, scheme):
    """Contrast, names, roles and order hold in both appearances, charts and drawings included."""
    showcase.little()
    tab = open_tab("/devices", color_scheme=scheme)
    home = tab.url.removesuffix("/devices")
    found = {}
    for path in SCREENS:
        tab.goto(home + path)
        if path == FREEZER:
            expect(tab.locator(".plot canvas")).to_be_visible()
        found[path] = serious(tab)

    assert {path: faults for path, faults in found.items() if faults} == {}


@pytest.mark.parametrize("amount", ["none", "little", "much"])
def test_devices_services_and_insights_fit_a_phone_with_no_little_and_much_data(open_tab, stage, showcase, amount):
    """Nothing sticks out of the window, and every screen says what it is."""
    {"none": lambda: showcase.beat(devices=0, last_message_ms=None), "little": showcase.little, "much": showcase.much}[
        amount
    ]()
    tab = open_tab("/devices")
    tab.set_viewport_size(PHONE)
    home = tab.url.removesuffix("/devices")
    wide = {}
    for path in OF_NOBODY if amount == "none" else SCREENS:
        tab.goto(home + path)
        expect(tab.get_by_role("heading", level=1)).to_be_visible()
        wide[path] = tab.evaluate(WIDER)

    assert {path: by for path, by in wide.items() if by > 0} == {}
    assert "owned" not in tab.title()


def test_the_range_of_a_chart_is_changed_by_keyboard_and_the_address_follows(open_tab, stage, showcase):
    """What somebody looks at is a bookmark; it is drawn again as it was."""
    showcase.little()
    tab = open_tab(FREEZER)
    expect(tab.locator(".plot canvas")).to_be_visible()

    with tab.expect_response(lambda answer: "/telemetry?" in answer.url):
        tab.locator(".plot").press("-")

    tab.wait_for_function("location.search.includes('from=') && !location.search.includes('range=')")
    tab.reload()
    expect(tab.locator(".plot canvas")).to_be_visible()
    expect(tab.get_by_label("Over the chart")).to_contain_text("INC-000003")


def test_a_device_is_silenced_by_keyboard(open_tab, stage, showcase):
    """The button opens, asks why and for how long, and the page says that it is quiet now."""
    showcase.little()
    tab = open_tab("/devices/lyon/pump-3")

    tab.locator("summary", has_text="Silence").press("Enter")
    tab.get_by_label("Why").fill("bearing is being replaced")
    tab.get_by_label("Why").press("Enter")

    expect(tab.locator("#planned")).to_contain_text("bearing is being replaced")


def test_the_map_leads_to_what_a_service_needs_by_keyboard(open_tab, stage, showcase):
    """Nodes are links in the order of their trouble; one of them shows itself with what it needs."""
    showcase.little()
    tab = open_tab("/services")

    tab.get_by_role("link", name="Service Cold storage").press("Enter")

    expect(tab.get_by_role("heading", level=1)).to_have_text("Cold storage")
    expect(tab.locator("[data-node]", has_text="Gateway 1")).to_be_visible()
    expect(tab.locator("[data-node]", has_text="cooling")).to_have_count(0)


def test_device_services_and_insights_are_read_without_scripts(open_tab, stage, showcase):
    """The chart is a drawing that comes with the page, definitions unfold, links lead on."""
    showcase.little()
    tab = open_tab(FREEZER, java_script_enabled=False)
    expect(tab.locator(".chart svg .line")).to_be_visible()
    expect(tab.get_by_role("heading", name="temp")).to_be_visible()  # of all it sends what its incident is about

    tab.get_by_role("link", name="Insights").click()
    tab.locator(".tip summary").first.click()

    expect(tab.locator(".tip-body").first).to_be_visible()
    expect(tab.locator(".tile")).to_have_count(12)
