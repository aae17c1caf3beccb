"""Backtests and figures of rules over HTTP."""

import pytest

from iotops.clock import now_ms

RULE = """
metrics:
  temp: {kind: gauge, every: 1m}
rules:
  - alert: hot
    params: {limit: 5}
    when: temp > limit
"""


def test_backtest_answers_as_the_command_line_does(client, machine, a_reading):
    """What is stored is judged by the rules of the text, in a process beside the API."""
    begun_ms = now_ms() - 600_000
    for minute, temp in enumerate((1.0, 9.0, 1.0)):
        machine.reads(a_reading(at_ms=begun_ms + minute * 60_000, temp=temp))

    answer = client.request("POST", "/api/v1/rules/backtest?since=7d&site=paris", content=RULE)

    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [(each["rule"], each["instance"]) for each in told["alerts"]] == [("hot", "paris/fz-1")]
    assert told["readings"] == 3
    assert "against" not in told


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("since=99d", RULE),
        ("since=yesterday", RULE),
        ("rule=cold", RULE),
        ("sweep=limit", RULE),
        ("sweep=other%3D1..2/1", RULE),
        ("against=loaded", RULE),
        ("", "rules:\n  - alert: hot\n    when: temp >\n"),
    ],
)
def test_backtest_that_cannot_be_is_refused(client, query, text):
    """Ranges that are too long or none, rules and parameters that do not exist, and rules with errors."""
    answer = client.request("POST", f"/api/v1/rules/backtest?{query}", content=text)

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


def test_stats_are_empty_where_no_rule_is_loaded(client):
    """No rules, no rows; the range is told."""
    answer = client.get("/api/v1/rules/stats").json()

    assert answer["items"] == []
    assert answer["since"] < answer["until"]
