"""Findings as text, JSON and annotations."""

import json

from iotops.rules.authoring.rendering import FORMATS
from iotops.rules.finding import Finding
from iotops.rules.rule import Position

AT = Position("rules/a,b.yaml", 9, 16)
LINE = "      warning: tmp > 1"
FINDING = Finding(AT, "error", "unknown-metric", 'no "tmp"\n100 %', LINE, 3, "did you mean x?")
BARE = Finding(Position("pipe.yaml", 1, 1), "note", "file-refused", "not a regular file", hint="put one there")


def test_text_shows_the_line_and_a_caret():
    """A finding is its place, its line, and a caret under the offending characters with the fix."""
    finding = Finding(AT, "error", "unknown-metric", 'no "tmp"', LINE, 3, "did you mean x?")

    assert str(finding).splitlines() == [
        'rules/a,b.yaml:9:16: error[unknown-metric]: no "tmp"',
        "  9 |       warning: tmp > 1",
        "    |                ^^^ did you mean x?",
    ]


def test_text_without_a_line_is_one_line():
    """What is about a file as a whole has no caret."""
    assert str(BARE) == "pipe.yaml:1:1: note[file-refused]: not a regular file; put one there"


def test_text_of_a_long_line_is_cut_around_the_place():
    """A line of any length is shown in a screen's width, with the caret still under its characters."""
    line = "x" * 5_000 + "BAD" + "y" * 5_000
    finding = Finding(Position("a.yaml", 1234, 5_001), "error", "code", "message", line, 3)

    _, shown, carets = str(finding).splitlines()

    assert len(shown) < 140
    assert shown[carets.index("^") : carets.rindex("^") + 1] == "BAD"


def test_text_keeps_the_caret_in_place_behind_tabs_and_control_characters():
    """A character that has no width or several is shown as one blank."""
    finding = Finding(Position("a.yaml", 1, 4), "error", "code", "message", "\t\x07 X", 1)

    _, shown, carets = str(finding).splitlines()

    assert shown[carets.index("^")] == "X"


def test_json_has_every_member():
    """Programs get the place as numbers, and the end behind the last character."""
    (found, _) = json.loads(FORMATS["json"]([FINDING, BARE]))

    assert found == {
        "file": "rules/a,b.yaml",
        "line": 9,
        "column": 16,
        "end_column": 19,
        "level": "error",
        "code": "unknown-metric",
        "message": 'no "tmp"\n100 %',
        "hint": "did you mean x?",
    }


def test_github_command_is_escaped():
    """An annotation stays one line, whatever stands in a name or a message."""
    lines = FORMATS["github"]([FINDING, BARE]).splitlines()

    place = "file=rules/a%2Cb.yaml,line=9,col=16,endColumn=19,title=unknown-metric"
    assert lines == [
        f'::error {place}::no "tmp"%0A100 %25; did you mean x?',
        "::notice file=pipe.yaml,line=1,col=1,endColumn=2,title=file-refused::not a regular file; put one there",
    ]


def test_text_of_several_findings_has_a_blank_line_between():
    """Findings are told apart by a blank line; no finding is no text."""
    assert f"{FINDING}\n\n{BARE}" == FORMATS["text"]([FINDING, BARE])
    assert [FORMATS[name]([]) for name in ("text", "json", "github")] == ["", "[]", ""]
