"""`iotops changes` against a real API."""

import json


def test_a_script_reports_a_change_and_ends_it(run, api):
    """`add` prints nothing but the number, `end` takes it, `list` shows what became of it."""
    number = run("changes", "add", "new set point", "--kind", "config", "--site", "paris", "--label", "type=pump").out
    assert number == "CHG-000001\n"

    ended = json.loads(run("changes", "end", number.strip(), "--format", "json").out)
    listed = run("changes", "list", "--state", "done").out

    assert (ended["state"], ended["target"]["labels"]) == ("done", {"type": "pump"})
    assert "site=paris type=pump" in listed
    assert "new set point" in listed


def test_a_change_that_was_not_made_is_cancelled(run, api):
    """Even one that is planned for later; it then has no end."""
    run("changes", "add", "later", "--supplier", "acme", "--started", "2100-01-01T00:00:00Z")

    cancelled = json.loads(run("changes", "end", "1", "--cancelled", "--format", "json").out)

    assert (cancelled["state"], cancelled["ended_at"]) == ("cancelled", None)
    assert run("changes", "list", "--state", "planned").status == 1


def test_a_change_of_nothing_is_a_mistake(run, api):
    """It says which options name what was changed, and how a label is written."""
    nothing = run("changes", "add", "something")
    label = run("changes", "add", "something", "--label", "pump")

    assert (nothing.status, label.status) == (2, 2)
    assert "--site" in nothing.err
    assert "NAME=VALUE" in label.err
