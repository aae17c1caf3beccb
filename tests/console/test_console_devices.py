"""The devices: their list, and the page of one, as they come from the server."""

import pytest

from iotops.console.figures import figure, reading
from iotops.console.spans import read_span
from iotops.durations import format_instant
from iotops.store import telemetry
from iotops.store.registry import Registry
from iotops.store.trails import Trails
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import DeviceKey, Reading

NOW_MS = 1_767_225_600_000
HOUR_MS = 3_600_000
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def devices(database):
    """Store one reading for each device named, and say what its labels are."""

    def make(*names, labels=None, **values):
        keys = [DeviceKey("paris", name) for name in names]
        batch = [Reading(key, NOW_MS, NOW_MS, values or {"t": 4.5}, f"{key}".encode()[-16:]) for key in keys]
        with database.begin() as unit:
            registry, trails = Registry.load(unit), Trails.load(unit)
            ids = registry.register(unit, batch, 0).ids
            telemetry.append(unit, trails, Batch(batch), ids, batch_no=1)

    return make


def test_the_list_has_filters_in_the_names_of_the_api_and_pages(operator, devices):
    """A view is a bookmark; what does not fit a page is behind a link that keeps the filter."""
    devices(*(f"fz-{number:02}" for number in range(60)))

    page = operator.open("/devices?q=fz&site=paris")
    links = [link["href"] for link in page.all("a") if (link.get("href") or "").startswith("/devices?")]
    second = operator.open(next(href for href in links if "cursor" in href))

    assert "fz-49" in page.text
    assert "fz-50" not in page.text
    assert "fz-59" in second.text
    assert "q=fz" in next(href for href in links if "health=unknown" in href)
    assert "No device answers" in operator.open("/devices?q=nothing").text


def test_an_unknown_filter_is_said_to_be_none(operator):
    """The console asks as it is asked, and shows what the API says."""
    assert operator.open("/devices?colour=red").status == 400


def test_the_page_of_a_device_is_read_without_a_script(operator, devices, raise_incident):
    """Chart, incidents, values and the last message are there when they come from the server."""
    devices("fz-1", temp=4.5, open=True)
    raise_incident("it leaks", site="paris", device="fz-1")

    page = operator.open("/devices/paris/fz-1?metric=temp")

    assert page.status == 200
    assert len(page.all("svg")) >= 1
    assert all(word in page.text for word in ("fz-1", "INC-000001", "it leaks", "4.5", '"open": true', "P4"))
    assert page.all("figure")[0]["data-metric"] == "temp"


@pytest.mark.parametrize("query", ["metric=no-such", "range=7y", "from=then&to=now", "from=2026-01-02&to=2026-01-01"])
def test_a_range_or_metric_that_makes_no_sense_shows_the_page_all_the_same(operator, devices, query):
    """Whoever mistypes an address sees the device, not an error."""
    devices("fz-1")

    assert operator.open(f"/devices/paris/fz-1?{query}").status == 200


def test_what_a_device_sends_does_nothing_on_its_page(operator, devices):
    """Names and values of devices are text."""
    devices("fz-1", **{HOSTILE: 1.0, "note": HOSTILE})

    for metric in (HOSTILE, "note"):
        page = operator.open("/devices/paris/fz-1", params={"metric": metric})
        assert page.status == 200
        assert HOSTILE not in page.html
        assert not any("onerror" in attributes for _, attributes in page.tags)


def test_a_device_is_silenced_with_a_reason_and_an_end(operator, devices):
    """The silence stands on the page, and only for as long as was chosen."""
    devices("fz-1")
    page = operator.open("/devices/paris/fz-1")
    fields = {
        "csrf": page.field("csrf"),
        "once": page.field("once"),
        "reason": "defrosting",
        "owner": "ana",
        "for": "4h",
    }

    after = operator.submit("/devices/paris/fz-1/silence", fields)

    assert "defrosting" in after.text
    assert "SUP-000001" in after.text
    assert "until all is clear" not in after.text.partition("Maintenance and silences")[2].partition("Around it")[0]


def test_a_silence_without_a_reason_is_refused_as_the_api_says(operator, devices):
    """Nobody is silenced for nothing."""
    devices("fz-1")
    csrf = operator.open("/devices/paris/fz-1").field("csrf")

    assert operator.submit("/devices/paris/fz-1/silence", {"csrf": csrf, "owner": "ana"}).status == 422


def test_a_viewer_has_no_button_to_silence(browser, token, devices):
    """Who may only read is offered nothing else."""
    devices("fz-1")
    browser.submit("/sign-in", {"token": token("viewer"), "next": "/"})

    assert "silence" not in [form.get("action", "")[-7:] for form in browser.open("/devices/paris/fz-1").all("form")]


def test_a_span_is_a_length_up_to_now_or_two_instants():
    """A length stays one in the address, so that a bookmark of it always ends now."""
    assert read_span({}, ("1h", "24h"), NOW_MS, "24h").address == {"range": "24h"}
    two = {"from": format_instant(NOW_MS - HOUR_MS), "to": format_instant(NOW_MS)}
    assert read_span(two, ("1h",), NOW_MS, "1h").address == two
    assert read_span(two, ("1h",), NOW_MS, "1h").step_s(240) == 15
    assert read_span({"range": "24h"}, ("24h",), NOW_MS, "24h").step_s(1) == 86_400


@pytest.mark.parametrize(
    ("value", "unit", "told"),
    [
        (None, "ms", "—"),
        (11_400_000, "ms", "3h10m"),
        (5, "ms", "< 1s"),
        (0.942, "share", "94.2 %"),
        (1, "share", "100 %"),
        (12_345, "count", "12,345"),
    ],
)
def test_figures_are_spelled_for_people(value, unit, told):
    """Durations in two units, shares in percent, counts with separators."""
    assert figure(value, unit) == told


def test_readings_are_spelled_as_they_came():
    """Numbers lose what nobody reads; words and truth values stay."""
    assert [reading(value) for value in (4.123456789, 7, True, "open")] == ["4.12346", "7", "true", "open"]
