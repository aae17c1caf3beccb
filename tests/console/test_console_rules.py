"""The rules on their pages: how they stand, why they fire, what they would have raised, and rules that are pasted."""

import pytest
from playwright.sync_api import expect
from showcase import RULES

from iotops.rules.rulefile import load_rules
from iotops.store import rules

HOSTILE = "<img src=x onerror=alert(1)>{{7*7}}"
TESTED = """rules:
  - alert: warm
    match: {type: fridge}
    when: temp > 5
    summary: "<b>${device}</b>"
    tests:
      - name: "<b>warm</b> at once"
        given: {temp: 1 9 9}
        expect: {1m: warning}
      - name: expects too much
        given: {temp: 1 1}
        expect: {1m: warning}
metrics:
  temp: {kind: gauge, every: 1m}
"""


@pytest.fixture
def loaded(database, tmp_path):
    """Rules in the database, as the ingest leaves them: one of the showcase is broken."""

    def load(folder=tmp_path / "rules"):
        with database.begin() as unit:
            rules.keep_loaded(unit, load_rules(folder), 1_767_225_600_000)

    return load


@pytest.fixture
def author(browser, token):
    browser.submit("/sign-in", {"token": token("author"), "next": "/"})
    return browser


def test_without_rules_the_page_says_that_nothing_is_watched(operator):
    """And leads to where one can be tried."""
    page = operator.open("/rules")

    assert "No rule is loaded" in page.text
    assert operator.open("/rules/none_such").status == 404


def test_pasted_rules_are_checked_and_tested_in_place(author):
    """Findings name line and column of what was typed, with carets; tests that fail say why."""
    csrf = author.open("/playground").field("csrf")

    broken = author.submit("/playground", {"csrf": csrf, "text": "\n\n" + TESTED.replace("temp > 5", "temp >")})
    tested = author.submit("/playground", {"csrf": csrf, "text": TESTED.replace("\n", "\r\n")})

    assert "It would be refused" in broken.text
    assert "line 6, column" in broken.text
    assert "^" in broken.text
    assert all(text in tested.text for text in ("It would be loaded", "passed", "failed", "<b>warm</b> at once"))
    assert "<b>warm" not in tested.html


def test_an_operator_may_look_but_not_have_rules_judged(operator):
    """What costs the server work is for authors, and the page says so."""
    page = operator.open("/playground")

    refused = operator.submit("/playground", {"csrf": page.field("csrf"), "text": TESTED})

    assert "needs a token with the role author" in page.text
    assert refused.status == 403


def test_a_changed_rule_is_judged_by_what_was_stored_beside_the_one_in_force(author, showcase):
    """How many alerts instead of how many, and which of them would be no more."""
    showcase.little()
    csrf = author.open("/playground").field("csrf")
    text = RULES.replace("for: {warning: 10m, critical: 2m}", "for: 5h").replace("max(vibration[5m])", "vibration")

    page = author.submit("/playground", {"csrf": csrf, "once": "o", "text": text, "over": "1d"})
    told = " ".join(page.text.split())

    assert "2 alerts in the last 1d instead of 3" in told
    assert "paris-north/fz-12" in told.partition("No more 1")[2]


@pytest.mark.real("chromium")
def test_a_rule_tells_who_fires_why_and_what_it_would_have_raised(open_tab, stage, showcase, loaded):
    """From the list to the rule, to the explanation of a device, and a backtest that goes on by itself."""
    showcase.little()
    loaded()
    tab = open_tab("/rules", role="author")

    tab.get_by_role("link", name="freezer_warm", exact=True).click()
    tab.locator("#present").get_by_role("link", name="paris-north/fz-12").click()
    expect(tab.locator("#explain .headline")).to_contain_text("FIRING")
    expect(tab.locator("#explain .condition").first).to_contain_text("temp > ")

    tab.locator("#run").get_by_role("button", name="Find out").click()
    expect(tab.locator("#run")).to_contain_text("1 alert from 750 readings")
