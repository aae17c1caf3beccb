"""The status page of a service: for those who depend on it, with and without a session."""

import re

import pytest

from iotops.clock import now_ms
from iotops.console.files import FOLDER
from iotops.store import standing, topology

HOSTILE = "<img src=x onerror=alert(1)>{{7*7}}"


@pytest.fixture
def service(database):
    """Declare a service and look at it."""

    def make(**members):
        with database.begin() as unit:
            topology.create(unit, "services", "pay", members, now_ms())
        standing.follow(database, now_ms(), silent_ms=900_000, threshold=0.5)

    return make


def test_a_public_status_needs_no_sign_in_no_script_and_nothing_inline(browser, service):
    """State in words, 90 days as a list, no script, no style attribute, a style sheet of its own."""
    service(public=True, name="Payment")

    page = browser.open("/services/pay/status")

    assert page.status == 200
    assert "Payment" in page.text
    assert "Nobody can say now whether it works" in page.text
    assert page.headers["cache-control"] == "public, max-age=10"
    assert not page.all("script")
    assert not [tag for tag, attributes in page.tags if "style" in attributes or tag == "style"]
    assert len([each for each in page.all("li") if re.match(r"\d{4}-\d\d-\d\d: ", each.get("title") or "")]) == 90
    assert browser.open(page.all("link")[1]["href"]).status == 200


def test_a_private_status_asks_for_a_token_and_leads_back(browser, token, service):
    """Without a session the way leads over the sign-in page; with one the page is no shared cache's."""
    service(name="Payment")
    asked = browser.open("/services/pay/status")
    page = browser.submit("/sign-in", {"token": token("viewer"), "next": asked.field("next")})

    assert asked.all("form")[0]["action"] == "/sign-in"
    assert "Status of" in page.text
    assert page.headers["cache-control"] == "private, no-cache"
    assert browser.open("/services/none/status").status == 404


def test_hostile_names_and_notes_are_text(operator, service, database, raise_incident):
    """Whatever somebody calls a service or writes for everybody, it stays text."""
    service(public=True, name=HOSTILE)

    page = operator.open("/services/pay/status")

    assert HOSTILE in page.text
    assert not page.all("img")


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1])
def test_every_text_on_the_page_has_the_contrast_of_wcag_aa(theme):
    """4.5:1 for text on the ground, on paper, and on the marks of days, in light and in dark."""
    style = "".join((FOLDER / name).read_text("utf-8") for name in ("tokens.css", "status.css"))
    found = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", style)
    colours = {name: pair[theme] for name, *pair in found}

    texts = [(ink, ground) for ink in ("ink", "quiet", "accent") for ground in ("ground", "paper")]
    marks = [("on-state", colour) for colour in ("good", "p2", "p1", "accent", "quiet")]
    too_weak = {each: contrast(*map(colours.get, each)) for each in (*texts, *marks)}

    assert {each: found for each, found in too_weak.items() if found < 4.5} == {}
