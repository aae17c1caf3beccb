"""Every screen with no data, little and much, whatever names devices have: for everybody, on a phone, unscripted."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from flood import flood

from iotops.console.pages import PAGES

AXE = Axe()
BLOCKING = ("serious", "critical")
WIDTHS = (360, 800, 1280)
WIDER = "document.documentElement.scrollWidth - window.innerWidth"
FREEZER = "/devices/paris-north/fz-12?range=6h"
OF_SOMETHING = {
    "/": ("/", "/?q=nothing"),
    "/incidents/{number}": ("/incidents/INC-000003", "/incidents/INC-000002"),
    "/devices/{site}/{device}": (FREEZER, "/devices/lyon/pump-3"),
    "/services": ("/services", "/services?view=table", "/services?focus=service:cold"),
    "/insights/incidents": ("/insights/incidents?kpi=volume",),
    "/rules/{rule}": ("/rules/freezer_warm?of=paris-north/fz-12",),
}
FILL = {
    "none": lambda showcase: showcase.beat(devices=0, last_message_ms=None, rules_loaded=0),
    "little": lambda showcase: showcase.little(),
    "much": flood,
}
pytestmark = pytest.mark.real("chromium")


def screens(amount):
    """Return the address of every screen of which there is something to see."""
    found = [address for page in PAGES for address in OF_SOMETHING.get(page.path, (page.path,))]
    return [address for address in found if amount != "none" or address.count("/") == 1 or "kpi=" in address]


@pytest.mark.parametrize(
    ("amount", "scheme"), [("none", "dark"), ("little", "light"), ("little", "dark"), ("much", "light")]
)
def test_every_screen_is_for_everybody_and_fits_every_window(open_tab, stage, showcase, rules_loaded, amount, scheme):
    """Axe finds nothing serious, nothing sticks out at any width, names run nothing, and the page has a heading."""
    FILL[amount](showcase)
    if amount == "little":
        rules_loaded()
    tab = open_tab("/sign-in", role="admin", color_scheme=scheme)
    home, found = tab.url.removesuffix("/sign-in"), {}
    for path in screens(amount):
        answer = tab.goto(home + path)
        tab.wait_for_load_state("load")
        wide = []
        for width in WIDTHS:
            tab.set_viewport_size({"width": width, "height": 800})
            wide += [width] if tab.evaluate(WIDER) > 0 else []
        faults = [each for each in AXE.run(tab).response["violations"] if each["impact"] in BLOCKING]
        serious = [(each["id"], [node["html"] for node in each["nodes"][:3]]) for each in faults]
        shown = tab.get_by_role("heading", level=1).first.is_visible() and "owned" not in tab.title()[:8]
        found[path] = (answer.status, shown, wide, serious)

    assert {path: seen for path, seen in found.items() if seen != (200, True, [], [])} == {}


def test_every_screen_is_read_without_scripts(open_tab, stage, showcase, rules_loaded):
    """What came from the server is all there: nothing waits for a script, nothing says that it is loading."""
    showcase.little()
    rules_loaded()
    tab = open_tab("/sign-in", role="admin", java_script_enabled=False)
    home = tab.url.removesuffix("/sign-in")
    read = {}
    for path in screens("little"):
        tab.goto(home + path)
        main = tab.locator("main").inner_text()
        read[path] = len(main) > 40 and "oading" not in main and tab.get_by_role("heading", level=1).first.is_visible()

    assert read == dict.fromkeys(read, True)
