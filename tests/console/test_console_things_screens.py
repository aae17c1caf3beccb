"""Devices, the service map and insights in a real Chromium: by keyboard, and without scripts."""

import pytest
from playwright.sync_api import expect

FREEZER = "/devices/paris-north/fz-12?range=6h"
pytestmark = pytest.mark.real("chromium")


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
    expect(tab.locator("[data-chart] svg .line")).to_be_visible()
    expect(tab.get_by_role("heading", name="temp")).to_be_visible()  # of all it sends what its incident is about

    tab.get_by_role("link", name="Insights").click()
    tab.locator(".tip summary").first.click()

    expect(tab.locator(".tip-body").first).to_be_visible()
    expect(tab.locator(".tile")).to_have_count(12)
