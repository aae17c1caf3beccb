"""The parser: which tree each construct makes, and what is said where there is none."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from iotops.errors import ExpressionError
from iotops.rules.language.nodes import (
    Arithmetic,
    Call,
    Comparison,
    DurationLiteral,
    ListOf,
    Literal,
    Logic,
    Negative,
    Not,
    Path,
    Window,
)
from iotops.rules.language.parser import parse
from iotops.rules.language.walk import height, shape, walk
from iotops.rules.rule import Position


def written(node) -> str:
    """Return a tree with every bracket written out, to compare by eye."""
    return _WRITERS[type(node)](node)


def chain(node: Comparison) -> str:
    """Return a comparison with its operators between its operands."""
    pairs = zip(node.ops, node.operands[1:], strict=True)
    return f"({written(node.operands[0])} {' '.join(f'{op} {written(operand)}' for op, operand in pairs)})"


_WRITERS = {
    Literal: lambda node: str(node.value).lower() if isinstance(node.value, bool) else repr(node.value),
    DurationLiteral: lambda node: f"{node.ms}ms",
    Path: lambda node: f"`{node.name}`" if node.quoted else node.name,
    Window: lambda node: f"{written(node.path)}[{node.count or f'{node.span_ms}ms'}]",
    Call: lambda node: f"{node.name}({', '.join(map(written, node.args))})",
    Negative: lambda node: f"(-{written(node.operand)})",
    Arithmetic: lambda node: f"({written(node.left)} {node.op} {written(node.right)})",
    Not: lambda node: f"(not {written(node.operand)})",
    Logic: lambda node: f"({f' {node.op} '.join(map(written, node.operands))})",
    ListOf: lambda node: f"[{', '.join(map(written, node.items))}]",
    Comparison: chain,
}


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("temp > 8", "(temp > 8)"),
        ("a or b and c or d", "(a or (b and c) or d)"),
        ("not a and not not b", "((not a) and (not (not b)))"),
        ("not 2 <= temp <= 8", "(not (2 <= temp <= 8))"),
        ("1 < a < b < 9", "(1 < a < b < 9)"),
        ("a == b != c", "(a == b != c)"),
        ("1 - 2 - 3", "((1 - 2) - 3)"),
        ("1 + 2 * 3 % 4 / 5", "(1 + (((2 * 3) % 4) / 5))"),
        ("-a * --b", "((-a) * (-(-b)))"),
        ("(1 + 2) * 3", "((1 + 2) * 3)"),
        ("a > 1 and (b or c)", "((a > 1) and (b or c))"),
        ("door in ['open', \"ajar\"]", "(door in ['open', 'ajar'])"),
        ("avg(temp[15m]) > 27", "(avg(temp[900000ms]) > 27)"),
        ("count(temp[5] > 32 and temp[5] < 40) >= 3", "(count(((temp[5] > 32) and (temp[5] < 40))) >= 3)"),
        ("forecast(level[6h], 4h) < 10", "(forecast(level[21600000ms], 14400000ms) < 10)"),
        ("age() >= 3 * every", "(age() >= (3 * every))"),
        ("firing(site_cooling, gateway)", "firing(site_cooling, gateway)"),
        ("`switch:0.output` == true", "(`switch:0.output` == true)"),
        ("`a b`[3] == 1", "(`a b`[3] == 1)"),
        ("ds18b20.temperature > 1", "(ds18b20.temperature > 1)"),
        ("ds18b20 . in . temperature", "ds18b20.in.temperature"),
        ("sensor.in[1] > 1", "(sensor.in[1] > 1)"),
        ("1h30m + 500ms", "(5400000ms + 500ms)"),
        ("true", "true"),
        ("x % 2 == 0.5e1", "((x % 2) == 5.0)"),
    ],
)
def test_text_makes_its_tree(text, tree):
    """Each construct binds as the grammar says."""
    assert tree == written(parse(text).root)


def test_every_node_knows_its_text():
    """text[start:end] of a node is what the author wrote, brackets around it not included."""
    text = "avg(temp[15m]) > (27 + `a b`) and not 1m < age(x)"

    found = [text[node.start : node.end] for node in walk(parse(text).root)]

    assert [
        text,
        "avg(temp[15m]) > (27 + `a b`",
        "avg(temp[15m])",
        "temp[15m]",
        "temp",
        "27 + `a b`",
        "27",
        "`a b`",
        "not 1m < age(x)",
        "1m < age(x)",
        "1m",
        "age(x)",
        "x",
    ] == found


def test_expression_keeps_text_and_position():
    """An expression knows its text, and where its first character stands in the file."""
    position = Position("rules/a.yaml", 7, 12)

    found = parse("t[5]", position)

    assert ("t[5]", position, Window(0, 4, Path(0, 1, "t"), count=5)) == (found.text, found.position, found.root)


def test_numbers_and_durations_are_different_nodes():
    """A number is a Literal, a duration has its own node."""
    assert (Literal(0, 2, 10), DurationLiteral(0, 3, 600_000)) == (parse("10").root, parse("10m").root)


@pytest.mark.parametrize(
    ("text", "start", "end", "code", "message"),
    [
        ("", 0, 1, "incomplete", "the expression ends, expected a value"),
        ("temp >", 6, 7, "incomplete", 'the expression ends after ">", expected a value'),
        ("temp > 3 and", 12, 13, "incomplete", 'the expression ends after "and", expected a value'),
        ("(temp > 3", 0, 1, "unclosed", '"(" is never closed'),
        ("avg(temp[5m]", 3, 4, "unclosed", '"(" is never closed'),
        ("temp[5m", 4, 5, "unclosed", '"[" is never closed'),
        ("temp > 3)", 8, 9, "unexpected", 'found ")", expected the end or an operator'),
        ("temp > > 3", 7, 8, "unexpected", 'found ">", expected a value'),
        ("temp 3", 5, 6, "unexpected", "found a number, expected the end or an operator"),
        ("a AND b", 2, 5, "unexpected", 'found "AND", expected the end or an operator'),
        ("2 ** 3", 3, 4, "unexpected", 'found "*", expected a value'),
        ("a <> 3", 3, 4, "unexpected", 'found ">", expected a value'),
        ("f(a,)", 4, 5, "unexpected", 'found ")", expected a value'),
        ("f(a b)", 4, 5, "unexpected", 'found "b", expected ")" or an operator'),
        ("[]", 1, 2, "unexpected", 'found "]", expected a value'),
        ("a.", 2, 3, "incomplete", 'the expression ends after ".", expected a name'),
        ("a.5", 1, 3, "unexpected", "found a number, expected the end or an operator"),
        ("a.b(3)", 0, 4, "not-a-function", '"a.b" is not a function; functions have no dots and no backticks'),
        ("x[0]", 2, 3, "bad-window", "a window is a duration or a whole number of samples, and at least one"),
        ("x[0s]", 2, 4, "bad-window", "a window is a duration or a whole number of samples, longer than nothing"),
        ("x[2.5]", 2, 5, "bad-window", "a window is a duration or a whole number of samples, found a number"),
        ("x[n]", 2, 3, "bad-window", 'a window is a duration or a whole number of samples, found "n"'),
        (
            "x[10001]",
            2,
            7,
            "bad-window",
            "a window is a duration or a whole number of samples, of at most 10000 samples",
        ),
        ("x[367d]", 2, 6, "bad-window", "a window is a duration or a whole number of samples, of at most 366d"),
        ("a" * 501, 500, 501, "too-long", "this expression has 501 characters, at most 500 are allowed"),
        ("(" * 21 + "a", 20, 21, "too-deep", "nested deeper than 20 levels"),
        ("-" * 21 + "a", 20, 21, "too-deep", "nested deeper than 20 levels"),
        ("not " * 21 + "a", 80, 83, "too-deep", "nested deeper than 20 levels"),
        ("f(" * 21 + "a", 41, 42, "too-deep", "nested deeper than 20 levels"),
    ],
)
def test_fault_is_named_at_its_place(text, start, end, code, message):
    """The first fault is reported with the offending characters, a code and what was expected."""
    with pytest.raises(ExpressionError) as caught:
        parse(text)

    error = caught.value
    assert (start, end, code, message) == (error.start, error.end, error.code, error.message)


def test_depth_of_twenty_and_length_of_five_hundred_are_allowed():
    """The caps are inclusive: 20 levels and 500 characters are read."""
    assert written(parse("(" * 20 + "temp" + ")" * 20).root) == "temp"
    assert written(parse("a" * 500).root) == "a" * 500


def test_long_sum_is_refused_before_it_exhausts_a_stack():
    """A sum leans to the left: sixty levels are read, hundreds are refused as a whole."""
    assert isinstance(parse("+".join("a" * 60)).root, Arithmetic)
    with pytest.raises(ExpressionError, match="more than 60 parts") as caught:
        parse("+".join("a" * 250))

    assert (caught.value.start, caught.value.end, caught.value.code) == (0, 499, "too-deep")


def test_shape_ignores_blanks_and_brackets_only():
    """Blanks and needless brackets do not change what an expression means; everything else does."""
    assert shape(parse("a>1 and (b[60s] + 2)").root) == shape(parse("( a > 1 )  and b[1m]+2").root)
    assert shape(parse("a > 1").root) != shape(parse("a >= 1").root)
    assert shape(parse("a - (b - c)").root) != shape(parse("a - b - c").root)
    assert shape(parse("`a` > 1").root) != shape(parse("a > 1").root)


ATOMS = st.sampled_from(
    [
        "temp",
        "a.b",
        "`x:1`",
        "1",
        "2.5",
        "'t'",
        "10m",
        "1h30m",
        "true",
        "online",
        "t[5]",
        "t[5m]",
        "age()",
        "firing(a, b)",
    ]
)
TEXTS = st.recursive(
    ATOMS,
    lambda inner: (
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "%", "<", ">=", "==", "and", "or"]), inner).map(" ".join)
        | inner.map("not {}".format)
        | inner.map("-{}".format)
        | inner.map("({})".format)
        | inner.map("abs({})".format)
        | st.tuples(inner, inner).map("{0[0]} in [{0[1]}, 1]".format)
    ),
    max_leaves=12,
)


@given(TEXTS)
def test_tree_written_with_every_bracket_is_the_same_tree(text):
    """Writing all brackets out changes nothing: precedence and chains are read back as they were."""
    try:
        root = parse(text).root
    except ExpressionError:
        root = None  # a `not` deep inside, for instance
    assume(root is not None and height(root) <= 9)  # brackets count as depth, two for a level at most

    assert shape(root) == shape(parse(written(root)).root)
