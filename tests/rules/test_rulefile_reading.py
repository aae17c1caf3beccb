"""Rule files: what each key means, how defaults merge, and where expressions stand."""

import pytest

from iotops.rules.authoring.check import check
from iotops.rules.rule import MetricSpec, Mode, Override, Parameter, Placeholder, Position, Severity
from iotops.rules.rulefile import parse_rules

WHOLE = """\
metrics:
  temp: {unit: °C, kind: gauge, every: 1m, valid: [-60, 80.5]}
  door: {kind: state}

defaults:
  labels: {team: cold, pager: "no"}
  for: 1m
  stale: 10m

rules:
  # kept out of the source
  - alert: warm
    match: {type: freezer, site: [lyon, 'par*']}
    params: {warn: -15, hold: 90s}
    overrides:
      - {match: {device: fz-07}, params: {warn: -8.5}}
    when:
      critical: temp > 0
      warning: temp > warn
    for: {critical: 30s}
    until: {warning: temp < -20}
    keep_firing_for: 5m
    unless: door == "open"
    summary: ${name} at ${temp:.1f} °C
    runbook: https://wiki.example/freezer
    labels: {team: warm}
    mode: shadow
    lateness: 0s
    reopen: 1h
    settle: 10s
    merge_window: 2m
    tests:
      - {name: quiet, every: 1m, given: {temp: -20x5, door: {0s: open}}, restart: [1m], expect: {}}

  # the next one
  - alert: silent
    when: age() > 5m
    severity: info
"""


def rules_of(text: str):
    rule_set, findings = parse_rules({"a.yaml": text})
    assert [str(finding) for finding in findings if finding.level == "error"] == []
    return rule_set


def test_every_key_is_read():
    """A rule carries what each of its keys says, durations in milliseconds, tiers ascending."""
    rule = rules_of(WHOLE).rules["warm"]

    assert ("warm", Position("a.yaml", 12, 5)) == (rule.id, rule.position)
    assert rule.match == {"type": ("freezer",), "site": ("lyon", "par*")}
    assert {"warn": Parameter(number=-15), "hold": Parameter(ms=90_000)} == rule.params
    assert (Override({"device": ("fz-07",)}, {"warn": Parameter(number=-8.5)}),) == rule.overrides
    assert [(severity, expression.text) for severity, expression in rule.when.items()] == [
        (Severity.WARNING, "temp > warn"),
        (Severity.CRITICAL, "temp > 0"),
    ]
    assert rule.tiered
    assert rule.for_ms == {Severity.WARNING: 0, Severity.CRITICAL: 30_000}
    assert {tier: found.text for tier, found in rule.until.items()} == {Severity.WARNING: "temp < -20"}
    assert (rule.unless and rule.unless.text) == 'door == "open"'
    assert (rule.keep_firing_for_ms, rule.lateness_ms, rule.stale_ms) == (300_000, 0, 600_000)
    assert (rule.reopen_ms, rule.settle_ms, rule.merge_window_ms) == (3_600_000, 10_000, 120_000)
    assert (rule.runbook, rule.mode) == ("https://wiki.example/freezer", Mode.SHADOW)


def test_what_is_left_out_has_its_default():
    """A rule of two keys has the defaults of the file, then those of the language."""
    rule = rules_of(WHOLE).rules["silent"]

    assert rule.for_ms == {Severity.INFO: 60_000}
    assert (rule.match, rule.per, rule.params, rule.until, rule.mode) == ({}, ("device",), {}, {}, Mode.LIVE)
    assert (rule.reopen_ms, rule.settle_ms, rule.merge_window_ms, rule.stale_ms) == (
        1_800_000,
        30_000,
        600_000,
        600_000,
    )
    assert (rule.tiered, rule.unless, rule.summary, rule.keep_firing_for_ms) == (False, None, None, 0)


def test_maps_of_defaults_grow_and_the_rule_wins():
    """`labels`, `match` and `params` of the defaults are merged key by key."""
    assert rules_of(WHOLE).rules["warm"].labels == {"team": "warm", "pager": "no"}
    assert rules_of(WHOLE).rules["silent"].labels == {"team": "cold", "pager": "no"}


def test_catalogue_is_read():
    """A metric has unit, kind, pace and valid range."""
    temp = MetricSpec("temp", "gauge", "°C", 60_000, (-60, 80.5))

    assert {"temp": temp, "door": MetricSpec("door", "state")} == rules_of(WHOLE).catalogue


def test_template_is_parsed_with_positions():
    """A summary is text and placeholders, each expression with its place in the file."""
    summary = rules_of(WHOLE).rules["warm"].summary

    assert summary is not None
    name, at, temp, unit = summary.parts
    assert isinstance(name, Placeholder)
    assert isinstance(temp, Placeholder)
    assert (at, unit) == (" at ", " °C")
    assert ("name", "", Position("a.yaml", 24, 16)) == (name.expression.text, name.format, name.expression.position)
    assert ("temp", ".1f", Position("a.yaml", 24, 27)) == (temp.expression.text, temp.format, temp.expression.position)


def test_source_is_the_rules_own_lines():
    """The incident page shows the rule as written, without what stands around it."""
    rules = rules_of(WHOLE).rules

    lines = rules["warm"].source.splitlines()
    assert (lines[0], lines[1]) == ("- alert: warm", "  match: {type: freezer, site: [lyon, 'par*']}")
    assert lines[-1].strip().startswith("- {name: quiet")
    assert rules["silent"].source == "- alert: silent\n  when: age() > 5m\n  severity: info"


def test_tests_are_plain_values_that_know_their_places():
    """Tests come as plain values; times and series stay texts; each map knows where it stands."""
    (found,) = rules_of(WHOLE).rules["warm"].tests

    expected = {
        "name": "quiet",
        "every": "1m",
        "given": {"temp": "-20x5", "door": {"0s": "open"}},
        "restart": ["1m"],
        "expect": {},
    }
    assert expected == found
    assert Position("a.yaml", 33, 9) == found.position
    assert Position("a.yaml", 33, 48) == found["given"].positions["temp"]


@pytest.mark.parametrize(
    ("value", "line", "column"),
    [
        ("temp > nope(3)", 3, 18),
        ("'temp > nope(3)'", 3, 19),
        ("'x == ''a'' or nope(3)'", 3, 26),
        ('"temp > nope(3)"', 3, 19),
        ('"x == \\"a\\" or nope(3)"', 3, 26),
        ('"\\u0074emp > nope(3)"', 3, 24),
        ('"temp\\\n      > nope(3)"', 4, 9),
        ("temp\n      > nope(3)", 4, 9),
        ("temp >\n\n\n      nope(3)", 6, 7),
        ("|\n      temp\n        > nope(3)", 5, 11),
        ("|-  # why\n      temp > nope(3)", 4, 14),
        (">\n      temp >\n      nope(3)", 5, 7),
        (">+\n\n      temp >\n      nope(3)\n\n", 6, 7),
        ("übertemp > nope(3)", 3, 22),
        ("\U0001f525 > nope(3)", 3, 11),
        ("\n      temp > nope(3)", 4, 14),
    ],
)
def test_fault_in_an_expression_stands_where_its_character_stands(value, line, column):
    """However YAML writes a value, a finding points at the very character in the file."""
    findings = parse_rules({"a.yaml": f"rules:\n  - alert: a\n    when: {value}\n    for: 1m\n"})[1]

    assert [(line, column)] == [(found.position.line, found.position.column) for found in findings]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_endings_and_byte_order_mark_do_not_shift_positions(ending):
    """Files of other systems have the same lines and columns."""
    text = ending.join(["\ufeffrules:", "  - alert: a", "    when: temp > nope()", ""])

    (found,) = parse_rules({"a.yaml": text})[1]

    assert Position("a.yaml", 3, 18) == found.position
    assert found.line_text == "    when: temp > nope()"


@pytest.mark.parametrize(
    "text",
    ["", "# nothing\n", "metrics: {temp: {}}\n", "metrics: {temp: {}}\nrules: []\n", "---\nmetrics: {temp: {}}\n"],
)
def test_file_without_rules_is_fine(text):
    """An empty file, or one that only declares metrics, says nothing wrong."""
    assert check({"a.yaml": text}) == ()


def test_findings_of_all_files_come_together_in_order():
    """Nothing stops at the first fault: every fault of every file is there, by file and place."""
    broken = "rules:\n  - alert: {0}\n    wenn: 3\n    when: temp >\n  - alert: {0}_ok\n    when: temp > 3\n"
    sources = {"b.yaml": broken.format("b"), "a.yaml": broken.format("a"), "c.yaml": "rules: ["}

    rule_set, findings = parse_rules(sources)

    expected = [("a.yaml", 3), ("a.yaml", 4), ("b.yaml", 3), ("b.yaml", 4), ("c.yaml", 1)]
    assert expected == [(found.position.file, found.position.line) for found in findings]
    assert {"a_ok", "b_ok"} == set(rule_set.rules)


def test_rule_twice_in_two_files_names_both_places():
    """The second rule of a name is refused, and the finding says where the first one is."""
    text = "rules:\n  - alert: warm\n    when: temp > 3\n"

    (found,) = parse_rules({"one.yaml": text, "two.yaml": text})[1]

    assert (found.position.file, found.code) == ("two.yaml", "duplicate-rule")
    assert found.message == 'there is another rule "warm" at one.yaml:2:5'


def test_files_share_one_catalogue_and_must_agree():
    """A metric may be declared twice alike; a different declaration is refused and names the first."""
    first = "metrics: {temp: {unit: °C}, hum: {unit: '%'}}\n"
    second = "metrics: {temp: {unit: K}, hum: {unit: '%'}}\n"

    rule_set, (found,) = parse_rules({"one.yaml": first, "two.yaml": second})

    assert ("metric-conflict", Position("two.yaml", 1, 11)) == (found.code, found.position)
    assert "one.yaml:1:11" in found.message
    assert rule_set.catalogue["temp"].unit == "°C"


def test_rule_of_another_file_may_be_asked_for():
    """`firing()` reaches over files, in conditions and texts."""
    sources = {
        "one.yaml": "rules:\n  - alert: down\n    when: not online\n",
        "two.yaml": "rules:\n  - {alert: warm, when: x > 3, unless: 'firing(down, gw)', summary: '${firing(down)}'}\n",
    }

    assert check(sources) == ()
    assert {"down", "warm"} == set(parse_rules(sources)[0].rules)


def test_diamond_of_rules_is_no_circle():
    """Two ways to the same rule are fine, many of them are answered at once."""
    rules = ["  - {alert: r0, when: x > 1}"]
    rules += [
        f"  - {{alert: r{n}, when: 'firing(r{n - 1}) or x > 2', unless: 'firing(r{n - 1})'}}" for n in range(1, 60)
    ]

    assert check({"a.yaml": "rules:\n" + "\n".join(rules) + "\n"}) == ()


def test_no_as_a_quoted_word_is_a_word():
    """Quotes take every trap away: the value is the text."""
    rule = rules_of(
        "rules:\n  - {alert: a, when: x > 1, match: {country: 'no', zip: \"012\", at: '12:30:00'}}\n"
    ).rules["a"]

    assert rule.match == {"country": ("no",), "zip": ("012",), "at": ("12:30:00",)}


@pytest.mark.parametrize("mode", ["live", "shadow", "off", '"off"'])
def test_mode_needs_no_quotes(mode):
    """`off` is a word of ours, although YAML 1.1 takes it for a truth value elsewhere."""
    assert rules_of(f"rules:\n  - {{alert: a, when: x > 1, mode: {mode}}}\n").rules["a"].mode == mode.strip('"')


def test_values_in_tests_have_the_types_that_they_look_like():
    """Numbers, truth values and nothing are told apart from texts; times, series and quoted values stay texts."""
    given = "{a: 1, b: -2.5, c: true, d: FALSE, e: null, f: '1', g: 1x3 _x2, h: 2026-01-05T23:00:00Z, i: [.5]}"
    text = f"rules:\n  - alert: a\n    when: x > 1\n    tests: [{{given: {given}, expect: {{}}}}]\n"

    (found,) = rules_of(text).rules["a"].tests

    values = {
        "a": 1,
        "b": -2.5,
        "c": True,
        "d": False,
        "e": None,
        "f": "1",
        "g": "1x3 _x2",
        "h": "2026-01-05T23:00:00Z",
    }
    assert found["given"] == {**values, "i": [0.5]}


def test_finding_behind_a_line_stands_at_its_end():
    """What is missing at the end of a line is shown there, also where the line ends in two characters."""
    (found,) = check({"a.yaml": "rules:\r\n  - alert: a\r\n    wh: [1\r\n"})

    assert found.position.column <= len("    wh: [1") + 1
