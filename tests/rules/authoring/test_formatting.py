"""The canonical form of rule files: reached at once, kept, and the same in meaning."""

import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotops.errors import ExpressionError, RuleFileError
from iotops.rules.authoring.formatting.run import format_sources
from iotops.rules.language.parser import parse
from iotops.rules.language.spacing import spaced
from iotops.rules.language.walk import shape
from iotops.rules.rulefile import parse_rules
from iotops.rules.source.directory import read_sources

HOME = Path(__file__).resolve().parents[3]
SHIPPED = dict(read_sources(HOME / "rules")[0])
GOOD = {"bakery.good.yaml": (HOME / "tests/rules/corpus/bakery.good.yaml").read_text()}
COMMENT = re.compile(r"(?:^|\s)#.*$", re.MULTILINE)


def comments(text):
    return sorted(found.strip() for found in COMMENT.findall(text))


def hashes(text):
    rules, findings = parse_rules({"f.yaml": text})
    return {rule.id: (rule.semantic_hash, rule.full_hash) for rule in rules.rules.values()}, len(findings)


def formatted(text):
    return format_sources({"f.yaml": text})["f.yaml"]


def test_the_shipped_rules_are_in_the_canonical_form():
    """What we ship is written as we tell others to write."""
    assert format_sources(SHIPPED) == SHIPPED


def test_a_file_is_brought_into_form():
    """Order, indentation, quotes, blanks and blank lines; comments keep to what they stand with."""
    before = """\
rules:
# of the cold store
- when:
      critical:   temp>crit   # too warm for fish
      warning: 'temp  > -( warn*2 )  and count(temp[5]>3)>=2'
  # ten minutes are a delivery
  for: "10m"


  params: {crit: -10, warn: -15}
  alert: cold
  labels: {team: "yes", "pager": 'day'}
  # what it proves
  tests:
  - {name: "one", expect: {}, given: {temp: "-20x3"}}
metrics:
  temp: {kind: gauge, unit: "°C"}
"""
    assert (
        formatted(before)
        == """\
metrics:
  temp: {unit: °C, kind: gauge}
rules:
  # of the cold store
  - alert: cold
    params: {crit: -10, warn: -15}
    when:
      warning: temp > -(warn * 2) and count(temp[5] > 3) >= 2
      critical: temp > crit     # too warm for fish
    # ten minutes are a delivery
    for: 10m
    labels: {team: "yes", "pager": day}
    # what it proves
    tests:
      - {name: one, expect: {}, given: {temp: -20x3}}
"""
    )


@pytest.mark.parametrize(("name", "text"), [*SHIPPED.items(), *GOOD.items()], ids=lambda text: Path(text[:80]).stem)
def test_formatting_keeps_meaning_and_comments_and_is_stable(name, text):
    """Both hashes of every rule are equal, no comment is lost, and formatting twice changes nothing more."""
    once = format_sources({name: text})[name]

    assert comments(once) == comments(text)
    assert hashes(once) == hashes(text)
    assert format_sources({name: once})[name] == once


def scrambled(text, seed):
    """Return a file as another hand might have written it: keys of rules in any order, more blanks."""
    dice = random.Random(seed)
    head, *rules = re.split(r"(?m)^  - alert: ", text)
    found = [head]
    for rule in rules:
        first, *keys = re.split(r"(?m)^    (?=[a-z_]+:)", rule)
        tail = ""
        if keys:
            *_, last = keys
            keys[-1], _, tail = last.partition("\n\n")
            tail = f"\n\n{tail}" if tail else ""
        keys = [key.rstrip("\n") for key in keys]
        dice.shuffle(keys)
        body = "\n".join(f"    {key}" for key in keys)
        body = re.sub(
            r"(?m)^ +(when|until|warning|critical): .*$",
            lambda line: re.sub(r" (>=?|<=?|==|and|or) ", lambda op: f"{' ' * dice.randint(1, 3)}{op[1]} ", line[0]),
            body,
        )
        found.append(
            f"  - alert: {first.rstrip()}\n{body}{tail}" if tail else f"  - alert: {first.rstrip()}\n{body}\n\n"
        )
    return "".join(found)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10_000), name=st.sampled_from(["common", "store", "plant"]))
def test_however_a_file_was_written_it_has_one_form(seed, name):
    """Files that say the same in another order end alike, with all their comments."""
    text = next(text for file, text in SHIPPED.items() if Path(file).stem == name)
    text = re.sub(
        r"(?m)^ +#.*\n", "", text
    )  # a comment may belong to a key or to a rule; where it goes is tested above
    other = scrambled(text, seed)

    once = formatted(other)

    assert formatted(once) == once
    assert {rule: found[0] for rule, found in hashes(once)[0].items()} == {
        rule: found[0] for rule, found in hashes(text)[0].items()
    }
    assert re.sub(r"\n+", "\n", once) == re.sub(r"\n+", "\n", formatted(text))


def test_block_texts_aliases_and_line_ends_survive():
    """Values of several lines stay as they are, anchors too, and Windows' line ends become ours."""
    text = (
        "defaults:\n  match: &cold {type: freezer}\nrules:\n  - alert: a\n"
        "    when: >-\n      temp   > 3\n      and temp < 9\n\n"
        "    summary: |\n      one\n\n\n        two #3\n    match: *cold\n"
    )

    once = formatted(text.replace("\n", "\r\n"))

    assert "      temp   > 3\n      and temp < 9\n" in once
    assert "      one\n\n\n        two #3\n" in once
    assert formatted(once) == once


def test_files_with_errors_are_refused_with_their_findings():
    """Nothing is written that was not understood."""
    with pytest.raises(RuleFileError) as refused:
        formatted("rules:\n  - alert: a\n    wen: temp > 3\n")

    assert [finding.code for finding in refused.value.findings] == ["missing-key", "unknown-key"]


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("temp>3", "temp > 3"),
        ("temp>-3", "temp > -3"),
        ("a- -b", "a - -b"),
        ("- temp>3 and not( - a<b )", "-temp > 3 and not (-a < b)"),
        ("avg ( temp[ 5m ] )*2>=3", "avg(temp[5m]) * 2 >= 3"),
        ("mode in['a',\"b\"]", "mode in ['a', \"b\"]"),
        ("device . zone=='a  b'", "device.zone == 'a  b'"),
        ("true==-x", "true == -x"),
        ("`switch:0`==1", "`switch:0` == 1"),
        ("forecast(level[6h],4h)<10", "forecast(level[6h], 4h) < 10"),
        ("temp\n  > 3", "temp > 3"),
    ],
)
def test_expressions_have_one_spacing(written, canonical):
    """Around operators and behind commas, nowhere else."""
    assert spaced(written) == canonical
    assert spaced(canonical) == canonical


PIECES = st.sampled_from(
    [
        "temp",
        "`a_b`",
        "3",
        ".5",
        "10m",
        "'x'",
        "-",
        "+",
        "*",
        "(",
        ")",
        "[",
        "]",
        ",",
        "<",
        "==",
        "in",
        "not",
        "and",
        ".",
        "avg",
        "true",
    ]
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=14).map(" ".join))
def test_spacing_never_changes_what_an_expression_means(text):
    """Whatever can be parsed is parsed alike afterwards; what cannot is refused alike."""
    try:
        before = shape(parse(text).root)
    except ExpressionError:
        with pytest.raises(ExpressionError):
            spaced(text)
        return
    assert shape(parse(spaced(text)).root) == before
    assert spaced(spaced(text)) == spaced(text)
