"""Templates: where placeholders begin and end, and which formats are allowed."""

import pytest

from iotops.errors import ExpressionError
from iotops.rules.language.template import NUMBER_FORMAT, TEXT_FORMAT, Slot, split


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("plain", ["plain"]),
        ("${a}", [("a", "")]),
        ("at ${temp:.1f} °C", ["at ", ("temp", ".1f"), " °C"]),
        ("${a}${b}", [("a", ""), ("b", "")]),
        ("${x == '}'} ${y == \":\":>5}", [("x == '}'", ""), " ", ('y == ":"', ">5")]),
        ("${`switch:0}`:.2f}", [("`switch:0}`", ".2f")]),
        ("${a::>5}", [("a", ":>5")]),
        ("${avg(t[5m]):,.0f}", [("avg(t[5m])", ",.0f")]),
        ("costs 5$ or $5, {a} } $", ["costs 5$ or $5, {a} } $"]),
        ("$${a} and ${b}", ["${a} and ", ("b", "")]),
        ("${'}", [("'", "")]),
        ("${a} $${", [("a", ""), " ${"]),
    ],
)
def test_template_is_cut_into_text_and_slots(text, pieces):
    """Texts and slots come in order; a slot knows the places of its expression and format."""
    found = split(text)

    assert pieces == [
        (text[piece.start : piece.end], piece.format) if isinstance(piece, Slot) else piece for piece in found
    ]


@pytest.mark.parametrize("text", ["a ${", "a ${b", "a ${b:.1f"])
def test_placeholder_without_end_is_named_at_its_begin(text):
    """A placeholder that does not end is reported where it begins."""
    with pytest.raises(ExpressionError) as caught:
        split(text)

    assert (caught.value.start, caught.value.end, caught.value.code) == (2, 4, "unclosed")


@pytest.mark.parametrize(
    "spec", ["", ".1f", "+.0f", ">8.2f", "*^10", "08.3f", ",.0f", "_", ".2%", "e", ".3g", "5", "z.1f"]
)
def test_number_format_works_for_whole_and_broken_numbers(spec):
    """What is allowed as a number format formats integers and floats alike."""
    assert NUMBER_FORMAT.fullmatch(spec)
    assert isinstance(format(1234.5, spec), str)
    assert isinstance(format(-7, spec), str)


@pytest.mark.parametrize("spec", ["d", "x", "c", "n", ".1d", "1000", ".100f", "999999999", "{x}", "s", "%H:%M"])
def test_format_that_could_fail_or_flood_is_refused(spec):
    """Formats that fail for some numbers, depend on the locale or print endlessly are refused."""
    assert not NUMBER_FORMAT.fullmatch(spec)


@pytest.mark.parametrize(("spec", "allowed"), [("<10", True), (".5", True), ("s", True), (".1f", False), ("=5", False)])
def test_text_format_knows_width_and_length_only(spec, allowed):
    """Texts have an alignment, a width and a length."""
    assert allowed is bool(TEXT_FORMAT.fullmatch(spec))


def test_template_beyond_two_thousand_characters_is_refused():
    """A summary is a line, not a page."""
    with pytest.raises(ExpressionError, match="at most 2000"):
        split("a" * 2_001)
