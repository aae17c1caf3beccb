"""Hostile input: whatever stands in a file, the answer is a rule set or findings, and it comes soon."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotops.errors import ExpressionError
from iotops.rules.authoring.check import check
from iotops.rules.authoring.rendering import FORMATS
from iotops.rules.language.parser import parse
from iotops.rules.language.walk import walk
from iotops.rules.rulefile import parse_rules

SOON_S = 5  # of processor time; answers take well under one, and what grows without bound takes minutes

SEEDS = [file.read_text() for file in sorted((Path(__file__).parent / "corpus").glob("*.yaml"))]
WORDS = st.sampled_from(
    """
    and or not in true false temp every online event site device.type firing( age( avg( count( abs( x[5m] x[5] [ ] ( )
    < <= > >= == != + - * / % , . 1 2.5 1e9 .5 10m 1h30m 5min 'a' "b" `c:d` ` ' " = && ! { } $ é 1e999 0
    """.split()  # noqa: SIM905  fifty words in quotes would hide them
)
KEYS = st.sampled_from(
    """
    alert match per params overrides when for until keep_firing_for unless severity summary runbook labels mode lateness
    stale reopen settle merge_window tests metrics rules defaults closed sequence active on no << ? -
    """.split()  # noqa: SIM905  fifty words in quotes would hide them
)
SNIPPETS = st.sampled_from(
    """
    > | * & ! % @ ` {{ {x [1 [ ] { } - : # ' " ~ null no 012 12:30 1e3 *a &a !!str x > 3 ${ ${x} ${x:d} temp[5m] --- ...
    \\ °
    """.split()  # noqa: SIM905  fifty words in quotes would hide them
)


@given(st.lists(WORDS, max_size=40).map(" ".join) | st.text(max_size=120))
def test_any_text_is_an_expression_or_an_expression_error(text):
    """The parser returns a tree within the text, or names characters within it (or just behind)."""
    try:
        root = parse(text).root
    except ExpressionError as error:
        root, fault = None, error

    if root is None:
        assert 0 <= fault.start <= len(text)
        assert fault.start < fault.end <= len(text) + 1
        assert fault.code
    else:
        assert all(0 <= node.start < node.end <= len(text) for node in walk(root))


@given(st.lists(WORDS, min_size=1, max_size=25).map(" ".join))
def test_any_expression_in_a_file_ends_in_findings(text):
    """Types, names and ranges are judged for any expression without a crash."""
    escaped = text.replace("'", "''")

    found = check({"a.yaml": f"rules:\n  - alert: a\n    when: '{escaped}'\n    until: '{escaped}'\n"})

    assert all(finding.position.line in (2, 3, 4) for finding in found)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.booleans(), KEYS, st.lists(SNIPPETS, max_size=3).map(" ".join)), max_size=12
    )
)
def test_any_lines_of_yaml_end_in_findings_within_the_file(lines):
    """Every finding points into the file, and every format can show it."""
    text = "".join(f"{'  ' * depth}{'- ' if item else ''}{key}: {value}\n" for depth, item, key, value in lines)

    found = check({"a.yaml": text})

    rows = text.splitlines()
    for finding in found:
        assert 1 <= finding.position.line <= len(rows) + 1
        assert 1 <= finding.position.column <= 1 + max((len(row) for row in rows), default=0)
    assert all(isinstance(show(found), str) for show in FORMATS.values())


@settings(deadline=None)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), SNIPPETS), min_size=1, max_size=5),
)
def test_any_slip_in_a_real_file_ends_in_findings(text, slips):
    """Characters lost and fragments typed anywhere into a real file lead to findings that can be shown."""
    for place, lost, typed in slips:
        at = int(place * len(text))
        text = text[:at] + typed + text[at + lost :]

    found = check({"a.yaml": text})

    assert all(isinstance(show(found), str) for show in FORMATS.values())


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode("utf-8", "surrogateescape")))
def test_any_text_is_a_rule_file_or_findings(text):
    """Nothing but findings comes out of arbitrary text."""
    rule_set, findings = parse_rules({"a.yaml": text})

    assert not rule_set.rules
    assert findings == tuple(sorted(findings, key=lambda found: (found.position.line, found.position.column)))


BOMB = "a: &a [x, x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(9))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(BOMB, id="billion laughs"),
        pytest.param("[" * 100_000, id="flow lists"),
        pytest.param("{a: " * 50_000, id="flow maps"),
        pytest.param("- " * 100_000, id="block lists"),
        pytest.param("? " * 100_000, id="complex keys"),
        pytest.param("".join(" " * depth + "a:\n" for depth in range(1_400)), id="block maps"),
        pytest.param("a: b: " * 100_000, id="colons in one line"),
        pytest.param("a: x" + " " * 390_000 + "y: z", id="blanks in one line"),
        pytest.param('a: "' + "\\" * 390_000, id="backslashes"),
        pytest.param("a: 'x''" * 100_000, id="quotes"),
        pytest.param("#" * 390_000, id="comment"),
        pytest.param("rules:\n" + "  - alert: a\n    when: x > 1\n" * 5_000, id="one name, thousands of times"),
        pytest.param("rules:\n" + "  - alert: > 70\n" * 20_000, id="thousands of traps"),
        pytest.param("x" * 60_000_000, id="60 MB"),
        pytest.param("rules:\n  - alert: a\n    when: " + "9" * 350_000, id="digits"),
        pytest.param("rules:\n  - alert: a\n    when: " + "x > 1 or " * 100_000, id="endless condition"),
        pytest.param("rules:\n  - alert: a\n    when: x > 1\n    for: " + "9" * 350_000 + "w", id="endless hold"),
        pytest.param(
            "rules:\n  - alert: a\n    when: x > p\n    params: {p: 1" + "0" * 300_000 + "}", id="huge number"
        ),
        pytest.param("rules:\n  - alert: a\n    when: x > 1\n    summary: " + "${x" * 200_000, id="open placeholders"),
        pytest.param("rules:\n  - alert: a\n    when: x > 1\n    " + "k" * 350_000 + ": 1", id="endless key"),
        pytest.param("rules:\n  - alert: a\n    when: y > 1\n    match: {" + "a: *b, " * 100_000 + "}", id="aliases"),
    ],
)
def test_hostile_file_is_answered_soon(text):
    """Nesting, repetition and size end in few findings within a moment."""
    began = time.process_time()

    found = check({"a.yaml": text})

    assert time.process_time() - began < SOON_S
    assert len(found) < 60_000
    assert all(len(str(finding)) < 1_500 for finding in found[:100])


def test_thousand_rules_in_a_circle_are_one_finding_soon():
    """A long circle is named once, without deep recursion."""
    rules = "".join(f"  - {{alert: r{n}, when: firing(r{(n + 1) % 1_000})}}\n" for n in range(1_000))
    began = time.process_time()

    found = check({"a.yaml": "rules:\n" + rules})

    assert [finding.code for finding in found] == ["rule-cycle"]
    assert time.process_time() - began < SOON_S
