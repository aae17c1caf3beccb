"""The operators' page: what it shows, what can be done on it, and what hostile names do to it (nothing)."""

import re
from datetime import UTC, datetime

import pytest

from iotops.clock import now_ms
from iotops.console.times import ago, short_duration
from iotops.console.words import place
from iotops.store import heartbeats
from iotops.store.heartbeats import Heartbeat

HOSTILE = "<img src=x onerror=alert(1)>\"'</script><script>alert(2)</script>{{7*7}}"


def test_a_visitor_without_a_session_is_asked_to_sign_in_and_then_shown_what_was_wanted(browser, token, raise_incident):
    """The way leads over the sign-in page back to the page."""
    number = raise_incident()
    asked = browser.open(f"/incidents/{number}")

    page = browser.submit("/sign-in", {"token": token("viewer"), "next": asked.field("next")})

    assert asked.all("form")[0]["action"] == "/sign-in"
    assert number in page.text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [(wrong, "unknown, expired or revoked") for wrong in ("iot_x_y", "nonsense", "é")] + [("", "A token is needed")],
)
def test_a_wrong_token_does_not_sign_in(browser, wrong, said):
    """The page says so, and no cookie is set."""
    page = browser.submit("/sign-in", {"token": wrong})

    assert page.status == 401
    assert said in page.text
    assert not browser.cookies


@pytest.mark.parametrize("elsewhere", ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)"])
def test_signing_in_leads_nowhere_else(browser, token, elsewhere):
    """A prepared link cannot use our sign-in page as a springboard."""
    page = browser.submit("/sign-in", {"token": token("viewer"), "next": elsewhere}, follow_redirects=False)

    assert page.headers["location"] == "/"


def test_the_sign_in_form_of_another_site_is_refused(browser, token):
    """Nobody is signed in as somebody else without noticing."""
    page = browser.submit("/sign-in", {"token": token("viewer")}, headers={"Sec-Fetch-Site": "cross-site"})

    assert page.status == 403
    assert not browser.cookies


def test_signing_out_ends_the_session(operator):
    """After that the board asks for a token again."""
    operator.submit("/sign-out", {"csrf": operator.open("/").field("csrf")})

    assert "Sign in" in operator.open("/").text


def test_the_board_shows_what_is_open(operator, raise_incident, database):
    """Number, what, where, state, owner, count and age; the resolved ones are a view of their own."""
    raise_incident("till 4 stands still", site="lyon", device="pos-4")
    done = raise_incident("over")
    csrf = operator.open(f"/incidents/{done}").field("csrf")
    operator.submit(f"/incidents/{done}/resolve", {"csrf": csrf, "code": "fixed"})

    board = operator.open("/")
    resolved = operator.open("/?state=resolved")

    assert all(word in board.text for word in ("INC-000001", "till 4 stands still", "lyon", "pos-4", "New", "P4"))
    assert "over" not in board.text
    assert "over" in resolved.text


@pytest.mark.parametrize(
    ("silent_ms", "title"), [(2_000, "Nothing needs you now"), (7_200_000, "Nothing is listed, and nothing arrives")]
)
def test_an_empty_board_says_what_is_watched_and_when_data_arrived(operator, database, silent_ms, title):
    """Silence can be told from health, and both from death."""
    at_ms = now_ms()
    data = {"ready": True, "subscribed": True, "rules_loaded": 7, "devices": 12, "last_message_ms": at_ms - silent_ms}
    with database.begin() as unit:
        heartbeats.beat(unit, Heartbeat("ingest", at_ms, at_ms, data))

    page = operator.open("/")

    assert title in page.text
    assert "7 rules watch 12 devices" in page.text
    assert "Data last arrived" in page.text


def test_an_empty_board_without_an_ingest_does_not_say_that_all_is_well(operator):
    """Nothing listed because nobody listens is no good news."""
    page = operator.open("/")

    assert "Nobody is watching" in page.text
    assert "Nothing needs you" not in page.text


def test_an_ingest_that_is_not_ready_is_shown_on_every_page(operator):
    """The bar says what is wrong, not just a lag."""
    assert "ingest not ready: the ingest has never run" in operator.open("/").text


def test_an_address_with_the_apis_own_names_is_a_view(operator, raise_incident):
    """Filters in the address are those of the API, and a wrong one is refused as the API does."""
    raise_incident("in lyon", site="lyon")
    raise_incident("in paris", site="paris")

    page = operator.open("/?site=lyon")

    assert "in lyon" in page.text
    assert "in paris" not in page.text
    assert operator.open("/?colour=red").status == 400


def test_a_view_that_somebody_saved_stands_in_the_rail_with_its_count(operator, raise_incident):
    """What the address asks for gets a name; the view is that address, until it is deleted."""
    raise_incident("in lyon", site="lyon")
    raise_incident("in paris", site="paris")
    board = operator.open("/?device=&q=lyon&state=new")
    fields = {name: board.field(name) for name in ("csrf", "query")}

    saved = operator.submit("/views", {**fields, "name": "New in <Lyon>", "once": "1"})
    elsewhere = operator.open("/")

    assert "New in <Lyon>1" in saved.text
    assert {"href": "/?q=lyon&state=new"} in elsewhere.all("a")
    (delete,) = [form["action"] for form in saved.all("form") if form.get("action", "").endswith("/delete")]
    assert "New in <Lyon>" not in operator.submit(delete, fields).text
    assert operator.submit("/views", {**fields, "name": ""}).status == 422


def test_many_incidents_are_shown_page_by_page(operator, raise_incident):
    """A link leads to those that are left."""
    for _ in range(3):
        raise_incident()

    first = operator.open("/?limit=2")
    link = next(found["href"] for found in first.all("a") if "cursor=" in (found["href"] or ""))

    assert len(re.findall("INC-", first.text)) == 2
    assert len(re.findall("INC-", operator.open(link).text)) == 1


def test_the_incident_page_offers_exactly_the_allowed_actions(operator, raise_incident):
    """A form per allowed action, none else but the priority's; the buttons are those of the actions."""
    number = raise_incident()

    page = operator.open(f"/incidents/{number}")

    offered = {form["action"].rsplit("/", 1)[-1] for form in page.all("form") if number in form.get("action", "")}
    assert offered == {"acknowledge", "assign", "resolve", "cancel", "merge", "comment", "edit"}


def test_a_priority_is_set_by_hand_and_only_of_what_was_seen(operator, raise_incident):
    """Who sets it, and from what to what, is told; on top of a change that nobody saw it is offered again."""
    number = raise_incident()
    page = operator.open(f"/incidents/{number}")
    fields = {"csrf": page.field("csrf"), "version": page.field("version"), "seen": page.field("seen")}

    done = operator.submit(f"/incidents/{number}/edit", {**fields, "once": "a", "priority": "P1"})
    late = operator.submit(f"/incidents/{number}/edit", {**fields, "once": "b", "priority": "P5"})

    assert "the operator changed priority from P4 to P1" in " ".join(done.text.split())
    assert "the operator set P1" in done.text
    assert (late.status, "Edit all the same" in late.text) == (412, True)
    assert late.field("priority") == "P5"


def test_an_action_is_done_and_shown(operator, raise_incident):
    """Assigned on the page, assigned in the API, told on the timeline; a second click does nothing."""
    number = raise_incident()
    page = operator.open(f"/incidents/{number}")
    fields = {"csrf": page.field("csrf"), "once": page.field("once"), "assignee": "bo"}

    operator.submit(f"/incidents/{number}/assign", fields)
    again = operator.submit(f"/incidents/{number}/assign", fields)

    assert "owner bo" in " ".join(again.text.split())
    assert again.text.count("assigned") == 1


def test_an_action_without_the_proof_of_our_page_is_refused(operator, raise_incident):
    """A form of another site changes nothing."""
    number = raise_incident()

    page = operator.submit(f"/incidents/{number}/acknowledge", {})

    assert page.status == 403
    assert "New" in operator.open(f"/incidents/{number}").text


def test_an_action_that_is_not_possible_any_more_says_why(operator, raise_incident):
    """Two operators at once: the second reads what the API says."""
    number = raise_incident()
    csrf = operator.open(f"/incidents/{number}").field("csrf")
    operator.submit(f"/incidents/{number}/acknowledge", {"csrf": csrf})

    page = operator.submit(f"/incidents/{number}/acknowledge", {"csrf": csrf})

    assert page.status == 409
    assert "'acknowledge' is not possible now" in page.text


def test_a_viewer_is_offered_no_actions(browser, token, raise_incident):
    """Who may only read sees no buttons that would be refused."""
    number = raise_incident()
    browser.submit("/sign-in", {"token": token("viewer")})

    page = browser.open(f"/incidents/{number}")

    assert [form["action"] for form in page.all("form") if form["method"] == "post"] == ["/sign-out"]


@pytest.mark.parametrize("place", ["title", "site", "device", "note"])
def test_hostile_text_is_shown_harmless(operator, raise_incident, place):
    """Whatever a device or a person writes is text on both pages, wherever it stands."""
    number = raise_incident(**{place: HOSTILE})

    pages = [operator.open("/"), operator.open(f"/incidents/{number}")]

    for page in pages:
        assert page.status == 200
        assert all((found["src"] or "").startswith("/console/") for found in page.all("img"))
        assert all((found.get("src") or "").startswith("/console/") for found in page.all("script"))
        assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
        assert "49" not in page.text.replace("INC-000049", "")
    assert HOSTILE in pages[1].text or place == "site"


def test_pages_carry_no_inline_script_or_style_and_nothing_from_elsewhere(operator, raise_incident):
    """What the content security policy forbids is not there to be forbidden."""
    for path in ("/", f"/incidents/{raise_incident()}", "/sign-in"):
        page = operator.open(path)
        assert not page.all("style")
        assert not any("style" in attributes for _, attributes in page.tags)
        assert all(found.get("src") for found in page.all("script"))
        assert not re.search(r'(?:src|href)="(?:https?:)?//', page.html)


def test_files_have_an_address_that_may_be_kept_for_ever_and_changes_with_them(browser):
    """What a page refers to is there, and never asked for twice; a name without version is asked about each time."""
    page = browser.open("/sign-in")
    named = [tag["src"] for tag in page.all("script")] + [tag["href"] for tag in page.all("link")]
    files = [browser.open(address) for address in named]

    assert len(files) >= 4
    assert {(file.status, file.headers["cache-control"]) for file in files} == {
        (200, "public, max-age=31536000, immutable")
    }
    assert {file.headers["content-encoding"] for file in files if len(file.html) > 500} == {"gzip"}
    assert browser.open("/console/shell.js").headers["cache-control"] == "no-cache"
    assert browser.open("/console/elsewhere/shell.js").status == 404


def test_an_unknown_incident_is_a_page_too(operator):
    """404 in words."""
    page = operator.open("/incidents/INC-9")

    assert page.status == 404
    assert "INC-9" in page.text


@pytest.mark.parametrize(
    ("seconds", "word"), [(0, "now"), (-5, "now"), (59, "59s"), (60, "1m"), (7_199, "1h"), (200_000, "2d")]
)
def test_durations_are_said_in_their_largest_unit(seconds, word):
    """Rounded down, so that nothing looks older than it is."""
    assert short_duration(seconds) == word


def test_a_time_that_is_not_there_is_a_dash():
    """Never acknowledged is not long ago."""
    assert ago(None, datetime(2026, 1, 1, tzinfo=UTC)) == "—"


@pytest.mark.parametrize(
    ("site", "device", "instance", "told"),
    [
        ("paris", "fz-1", "paris/fz-1", "paris / fz-1"),
        ("paris", None, "site=paris", "paris"),
        ("paris", None, "site=paris,room=lab", "paris / room=lab"),
        (None, None, "room=lab", "room=lab"),
        (None, None, "fleet", "fleet"),
        (None, None, "ingest", "—"),
        (None, None, None, "—"),
    ],
)
def test_a_place_is_a_device_or_a_group(site, device, instance, told):
    """A group's labels stand where a device's name would, and its site is said once."""
    assert place({"site": site, "device": device, "instance": instance}) == told
