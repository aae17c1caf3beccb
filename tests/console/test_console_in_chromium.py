"""The shell of all pages in a real Chromium."""

import pytest
from axe_playwright_python.sync_playwright import Axe

AXE = Axe()
BLOCKING = ("serious", "critical")
pytestmark = pytest.mark.real("chromium")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_the_board(open_tab, stage, showcase, scheme):
    """Contrast, names, roles and order hold in both appearances."""
    showcase.little()

    found = AXE.run(open_tab("/", color_scheme=scheme))

    serious = [each for each in found.response["violations"] if each["impact"] in BLOCKING]
    assert serious == []


def test_a_page_needs_no_script_to_be_read(open_tab, stage, showcase):
    """What came from the server stands there without a script having run."""
    showcase.little()

    tab = open_tab("/", java_script_enabled=False)

    assert tab.get_by_text("Freezer 12 at").is_visible()
