"""`iotops problems` and `iotops incidents similar` against a real API."""

import json

import pytest


def test_a_problem_goes_its_whole_way(run, api, raise_incident):
    """Every command does what it says, and says where the problem stands."""
    first, second = raise_incident(), raise_incident()
    way = [
        (("create", first, "--title", "worn seals", "--owner", "ana"), "PRB-000001 is open, behind 1 incidents"),
        (("link", "1", second), "behind 2 incidents"),
        (("unlink", "prb-1", second), "behind 1 incidents"),
        (("known", "#1", "--root-cause", "heat", "--workaround", "tape"), "is known error"),
        (("change", "1", "--owner", "bo"), "is known error"),
        (("resolve", "1", "--incidents", "resolve"), "is resolved"),
        (("reopen", "1"), "is open"),
        (("close", "PRB-000001"), "is closed"),
    ]

    said = [(run("problems", *arguments), expected) for arguments, expected in way]

    assert [(ran.status, expected in ran.out) for ran, expected in said] == [(0, True)] * len(way)
    shown = json.loads(run("problems", "show", "1", "--format", "json").out)
    assert (shown["owner"], shown["root_cause"], shown["incidents"]) == ("bo", "heat", [first])
    told = json.loads(run("problems", "timeline", "1", "--format", "json").out)["items"]
    whole = ["known_error", "resolve", "reopen", "close"]
    assert [entry["data"].get("did") for entry in told if entry["incident"] == first] == [None, *whole]
    assert [entry["type"] for entry in told if entry["incident"] == second] == ["problem_linked", "problem_unlinked"]
    incident = run("incidents", "show", first)
    assert "PRB-000001 worn seals (closed); workaround: tape" in incident.out
    assert "closed" in incident.out


def test_lists_end_with_1_where_there_is_nothing(run, api, raise_incident):
    """Finding nothing is a finding, for problems, candidates and what is similar."""
    number = raise_incident()
    run("problems", "create", number, "--title", "worn seals")

    found, none = run("problems", "list", "--q", "seal"), run("problems", "list", "--state", "closed")
    candidates, similar = run("problems", "candidates"), run("incidents", "similar", number, "--format", "json")

    assert (found.status, "worn seals" in found.out) == (0, True)
    assert [ran.status for ran in (none, candidates, similar)] == [1, 1, 1]
    assert (none.err, candidates.err) == ("no problems match\n", "nothing keeps coming back\n")
    assert json.loads(similar.out) == {"like": None, "items": [], "fixes": [], "by_itself": 0}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create",), "expected --title, or --candidate RULE INSTANCE"),
        (("change", "1"), "expected --title"),
        (("show", "x-1"), "'x-1' is no problem; write PRB-000007, or 7"),
        (("link", "1"), "incidents"),
    ],
)
def test_usage_errors_say_what_is_expected(run, api, arguments, said):
    """They end with 2 and name what is missing."""
    ran = run("problems", *arguments)

    assert (ran.status, said.lower() in ran.err.lower()) == (2, True)
