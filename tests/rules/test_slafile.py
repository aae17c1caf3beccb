"""sla.yaml says what is promised, and which time counts."""

import pytest

from iotops.errors import RuleFileError
from iotops.rules.slafile import DeclaredPromises, load_promises, parse_promises

WHOLE = """\
calendars:
  - {id: office, timezone: Europe/Paris, hours: {mon-fri: "08:00-12:00, 13:00-17:00"}, closed: [2026-12-24]}
policies:
  - id: gold
    calendar: office
    respond_minutes: {P1: 15}
    pause_on: [parts]
"""


def test_entries_hold_what_they_say():
    """Maps of minutes are numbers, hours and days stay as they were written."""
    found, findings = parse_promises("sla.yaml", WHOLE)

    assert findings == ()
    assert found.policies == {"gold": {"calendar": "office", "respond_minutes": {"P1": 15}, "pause_on": ["parts"]}}
    assert found.calendars["office"]["hours"] == {"mon-fri": "08:00-12:00, 13:00-17:00"}
    assert found.calendars["office"]["closed"] == ["2026-12-24"]


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("- a\n", "promises-expected", 1, 1),
        ("policy: []\n", "unknown-key", 1, 1),
        ("policies: {id: a}\n", "list-expected", 1, 11),
        ("policies:\n  - gold\n", "entry-expected", 2, 5),
        ("policies:\n  - {id: a/b}\n", "bad-identity", 2, 10),
        ("policies:\n  - {id: a}\n  - {id: a}\n", "duplicate-entry", 3, 10),
        ("policies:\n  - {id: a, respond: {P1: 1}}\n", "unknown-key", 2, 13),
        ("policies:\n  - {id: a, respond_minutes: 5}\n", "bad-respond-minutes", 2, 30),
        ("policies:\n  - {id: a, respond_minutes: {P6: 5}}\n", "bad-respond-minutes", 2, 30),
        ("policies:\n  - {id: a, respond_minutes: {P1: 1.5}}\n", "bad-respond-minutes", 2, 30),
        ("policies:\n  - {id: a, resolve_minutes: {P1: 0}}\n", "bad-resolve-minutes", 2, 30),
        ("policies:\n  - {id: a, pause_on: parts}\n", "bad-pause-on", 2, 23),
        ("policies:\n  - {id: a, name: [x]}\n", "bad-name", 2, 19),
        ("calendars:\n  - {id: a, timezone: Europe/Pari}\n", "bad-timezone", 2, 23),
        ("calendars:\n  - {id: a, hours: {mon: 8-9}}\n", "bad-hours", 2, 20),
        ("calendars:\n  - {id: a, holidays: Atlantis}\n", "bad-holidays", 2, 23),
        ("calendars:\n  - {id: a, closed: [tomorrow]}\n", "bad-closed", 2, 21),
    ],
)
def test_what_cannot_be_promised_is_told_where_it_stands(text, code, line, column):
    """Each finding has the place of what is wrong."""
    _, (finding,) = parse_promises("sla.yaml", text)

    assert (finding.code, finding.position.line, finding.position.column) == (code, line, column)


def test_the_file_stands_beside_the_rules(tmp_path):
    """Without the file nothing is promised; a broken one says what is wrong."""
    assert load_promises(tmp_path) == DeclaredPromises()

    (tmp_path / "sla.yaml").write_text("policies: 5\n", encoding="utf-8")
    with pytest.raises(RuleFileError, match="list of entries"):
        load_promises(tmp_path)
