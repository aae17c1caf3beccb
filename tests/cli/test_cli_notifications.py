"""`iotops notifications` against a real API, and channels of this machine."""

import json

import pytest

from iotops.store import notices


@pytest.fixture
def rules(tmp_path, run):
    """The rules directory of the settings, beside which notify.yaml stands."""
    (tmp_path / "rules").mkdir()
    return tmp_path / "rules"


def test_what_failed_is_listed_and_delivered_again(run, api, database, raise_incident):
    """The list names the reason, and `redeliver` makes it pending."""
    number = raise_incident()
    with database.begin() as unit:
        (told,) = notices.take(unit, 10)
        with notices.gathering(unit) as messages:
            messages.add("all", "desk", told, notices.Times(1, 1, lambda _: True))
        (sent,) = notices.claim(unit, 2, set())
        notices.settle(unit, sent.id, 3, error="nobody there")

    listed = run("notifications", "list", "--state", "failed").out
    again = json.loads(run("notifications", "redeliver", sent.id, "--format", "json").out)

    assert "nobody there" in listed
    assert f"raised {number}" in listed
    assert (again["state"], run("notifications", "list", "--state", "failed").status) == ("pending", 1)


def test_channels_are_tried_out(run, rules):
    """Each says whether it took the message; a mistake in the file is named, and so is a channel that is none."""
    file = rules / "notify.yaml"
    file.write_text("channels: {log: {kind: log}}\nroutes: []\n", encoding="utf-8")
    good = run("notifications", "test", "--format", "json")
    missing = run("notifications", "test", "desk")
    file.write_text("channels: {log: {kind: pigeon}}\nroutes: []\n", encoding="utf-8")
    broken = run("notifications", "test")

    assert (good.status, json.loads(good.out)["items"]) == (0, [{"channel": "log", "outcome": "delivered"}])
    assert (missing.status, "no channel 'desk'" in missing.err) == (1, True)
    assert (broken.status, "notify.yaml:1" in broken.err) == (1, True)
