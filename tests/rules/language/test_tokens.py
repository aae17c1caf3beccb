"""Tokens: what each is, where it stands, and what is said about text that is none."""

import pytest

from iotops.errors import ExpressionError
from iotops.rules.language.timewords import duration_ms
from iotops.rules.language.tokens import TokenKind, tokens


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("12", TokenKind.NUMBER, 12),
        ("9007199254740993", TokenKind.NUMBER, 9007199254740993),
        ("1.50", TokenKind.NUMBER, 1.5),
        (".5", TokenKind.NUMBER, 0.5),
        ("1e3", TokenKind.NUMBER, 1000.0),
        ("2.5E-3", TokenKind.NUMBER, 0.0025),
        ("500ms", TokenKind.DURATION, 500),
        ("1h30m", TokenKind.DURATION, 5_400_000),
        ("1.5h", TokenKind.DURATION, 5_400_000),
        ("1m1.5s", TokenKind.DURATION, 61_500),
        ("2w", TokenKind.DURATION, 1_209_600_000),
        ("temp", TokenKind.NAME, "temp"),
        ("_druck2", TokenKind.NAME, "_druck2"),
        ("überdruck", TokenKind.NAME, "überdruck"),
        ("inside", TokenKind.NAME, "inside"),
        ("in", TokenKind.KEYWORD, "in"),
        ("not", TokenKind.KEYWORD, "not"),
        ('"open"', TokenKind.TEXT, "open"),
        ("'it is \"on\"'", TokenKind.TEXT, 'it is "on"'),
        (r'"a\"b\\c\n\t"', TokenKind.TEXT, 'a"b\\c\n\t'),
        ("`switch:0.output`", TokenKind.QUOTED, "switch:0.output"),
        ("`not`", TokenKind.QUOTED, "not"),
        ("<=", TokenKind.SYMBOL, "<="),
        ("]", TokenKind.SYMBOL, "]"),
    ],
)
def test_token_has_its_kind_and_meaning(text, kind, value):
    """A token alone is of the kind and the value that the language gives it, with its type."""
    found, end = tokens(text)

    assert (kind, 0, len(text), value) == found
    assert type(value) is type(found.value)
    assert (TokenKind.END, len(text), len(text)) == end[:3]


def test_tokens_know_their_places():
    """start and end are places in the text, blanks of any kind between."""
    found = [(token.start, token.end) for token in tokens("a  >=\n\t1h ")]

    assert found == [(0, 1), (3, 5), (7, 9), (10, 10)]


@pytest.mark.parametrize(
    ("text", "start", "end", "code", "hint"),
    [
        ("x = 3", 2, 3, "bad-symbol", "write =="),
        ("a && b", 2, 4, "bad-symbol", "write and"),
        ("a || b", 2, 4, "bad-symbol", "write or"),
        ("!a", 0, 1, "bad-symbol", "write not"),
        ("5 °C", 2, 3, "bad-symbol", "write the number alone; units stand in the metrics catalogue"),
        ("a ? b : c", 2, 3, "bad-symbol", "names like that stand in backticks"),
        ("x > 5min", 4, 8, "bad-duration", 'did you mean "5m"?'),
        ("x > 5M", 4, 6, "bad-duration", 'did you mean "5m"?'),
        ("x > 5parsec", 4, 11, "bad-duration", "units are ms s m h d w, as in 90s or 1h30m"),
        ("9e999", 0, 5, "number-too-large", "at most 1e308"),
        ("9" * 400, 0, 400, "number-too-large", "at most 1e308"),
        ("9" * 400 + "w", 0, 401, "duration-too-long", "write less"),
        ("4000d", 0, 5, "duration-too-long", "write less"),
        ('x == "op', 5, 8, "unclosed-text", 'close it with "'),
        ("`", 0, 1, "unclosed-text", "close it with `"),
        ("` `", 0, 3, "empty-name", "write `the metric`"),
        (r'"a\q"', 2, 4, "bad-escape", r"known are \\ \" \' \n \t"),
        ("\x00", 0, 1, "bad-symbol", "names like that stand in backticks"),
    ],
)
def test_what_is_no_token_is_named_with_place_and_fix(text, start, end, code, hint):
    """The first stray character is reported with its place, a code and what to write."""
    with pytest.raises(ExpressionError) as caught:
        list(tokens(text))

    assert (start, end, code, hint) == (caught.value.start, caught.value.end, caught.value.code, caught.value.hint)


def test_duration_beyond_ten_years_is_refused():
    """Ten years are a duration, more is refused, and endless digits do not overflow."""
    assert duration_ms("3660d") == 3_660 * 86_400_000
    with pytest.raises(ValueError, match="longer than ten years"):
        duration_ms("3661d")
    with pytest.raises(ValueError, match="longer than ten years"):
        duration_ms("9" * 5_000 + "d")
