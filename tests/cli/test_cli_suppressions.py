"""`iotops suppressions` against a real API."""

import json


def test_a_silence_is_added_listed_and_ended(run, api, register):
    """What was said is shown, with the devices it is about now; ended is for good."""
    register("paris/fz-1", "lyon/fz-1")
    said = ("--site", "paris", "--until", "2h", "--owner", "ana", "--reason", "door is painted")

    added = json.loads(run("suppressions", "add", *said, "--format", "json").out)
    listed = run("suppressions", "list").out
    ended = json.loads(run("suppressions", "end", added["id"], "--format", "json").out)

    assert (added["kind"], added["state"], added["matched_devices"]) == ("silence", "active", 1)
    assert added["id"] in listed
    assert "door is painted" in listed
    assert (ended["state"], run("suppressions", "list", "--not-ended").status) == ("ended", 1)


def test_what_cannot_be_is_refused_with_the_reason(run, api):
    """No end, or a label that is none."""
    who = ("--owner", "ana", "--reason", "x")

    forever, unreadable = (
        run("suppressions", "add", "--site", "paris", *who),
        run("suppressions", "add", "--label", "x", *who),
    )

    assert (forever.status, "until_cleared" in forever.err) == (1, True)
    assert (unreadable.status, "LABEL=VALUE" in unreadable.err) == (2, True)
