"""Administration and dead letters on their pages."""

import re

import pytest

from iotops.clock import now_ms
from iotops.store import dead_letters
from iotops.telemetry.decode import DeadLetter
from iotops.telemetry.message import Message

HOSTILE = "<img src=x onerror=alert(1)>{{7*7}}"


@pytest.fixture
def admin(browser, token):
    browser.submit("/sign-in", {"token": token("admin"), "next": "/"})
    return browser


@pytest.fixture
def bury(database):
    """Keep dead letters of hostile devices."""

    def make(count):
        letters = [
            DeadLetter(Message(f"iot/paris/{HOSTILE}{n}", HOSTILE.encode() * 9, now_ms()), "bad_json", HOSTILE, 0)
            for n in range(count)
        ]
        with database.begin() as unit:
            dead_letters.keep(unit, letters)

    return make


def test_a_token_is_shown_once_holds_as_long_as_it_says_and_can_be_revoked(admin):
    """Its text stands on the page that made it and nowhere else; a second click does not show it again."""
    form = {"csrf": admin.open("/admin").field("csrf"), "once": "o-token"}
    asked = {**form, "name": HOSTILE, "role": "operator", "site": "paris", "lasting": "30d"}

    made, twice = admin.submit("/admin/tokens", asked), admin.submit("/admin/tokens", asked)
    text = re.search(r"iot_\w+", made.text)[0]
    number = re.findall(r"/tokens/(\w+)/revoke", admin.open("/admin").html)[0]
    revoked = admin.submit(f"/tokens/{number}/revoke", {"csrf": form["csrf"]})

    assert text not in twice.html + revoked.html
    assert "shown before" in twice.text
    assert (HOSTILE in made.text, HOSTILE in made.html) == (True, False)
    assert "revoked" in revoked.text


def test_the_chains_are_verified_on_the_page_and_the_doctor_answers(admin):
    """Whole, with the heads to write down."""
    assert "Both chains are whole" in admin.open("/admin?look=audit").text
    assert "nothing to look with" in admin.open("/admin?look=doctor").text


def test_nobody_else_is_led_to_administration_or_shown_it(operator):
    """What the API refuses is refused, and no entry leads there."""
    assert "/admin" not in [link["href"] for link in operator.open("/").all("a")]
    assert operator.open("/admin").status == 403


def test_dead_letters_are_shown_harmless_and_without_a_broker_stay(admin, bury):
    """Reasons with counts, samples as text; what cannot be sent says why."""
    bury(60)

    page = admin.open("/dead-letters?reason=bad_json")
    refused = admin.submit("/dead-letters/redrive", {"csrf": page.field("csrf"), "reason": "bad_topic"})

    assert all(text in page.text for text in ("Dead letters 60", "bad_json 60", "Send 60 again", HOSTILE))
    assert HOSTILE not in page.html
    assert "0 sent again" in refused.text
