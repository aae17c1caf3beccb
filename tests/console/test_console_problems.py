"""The page of an incident says what is behind it, and what fixed it last time."""

from dataclasses import replace

from iotops.incidents.deadlines import Policy
from iotops.incidents.incident import SYSTEM, Actor, Incident
from iotops.incidents.problem import Problem
from iotops.incidents.transitions import transition
from iotops.rules.rule import Severity
from iotops.store import incidents, problems, timeline
from iotops.store.incidents.rows import insert
from iotops.store.problems import Deed

ANA = Actor("token", "ana")
HOSTILE = "<img src=x onerror=alert(1)>"
EVIDENCE = {"when": "temp > 5", "true_since": "2026-01-01T00:00:00Z", "expressions": []}
DRAFT = Incident(
    *("warm", Severity.WARNING),
    site="paris",
    device="fz-1",
    rule="warm",
    instance="paris/fz-1",
    priority_reason={"text": "low"},
    evidence=EVIDENCE,
)


def fires(database, episode, at_ms, **facts):
    with database.begin() as unit:
        draft = replace(DRAFT, alert_id=episode, fired_ms=at_ms, **facts)
        new, entries = transition(draft, "raise", SYSTEM, at_ms)
        found = insert(unit, new, Policy())
        timeline.append(unit, [(found, entry) for entry in entries])


def test_the_page_tells_the_problem_its_workaround_and_the_last_fix(operator, database):
    """Who opens the next incident reads what helped, escaped, with the number of the one before."""
    fires(database, "e1", 1_000)
    with database.begin() as unit:
        said = {"code": "repaired", "cause": "worn seal", "note": HOSTILE}
        incidents.act(unit, "1", "resolve", ANA, 2_000, policy=Policy(), **said)
    fires(database, "e2", 3_000, recurrence_of="INC-000001", recurrence_count=2)
    with database.begin() as unit:
        deed = Deed(ANA, 4_000, Policy())
        problems.create_problem(unit, Problem("seals", workaround="close it by hand"), ["2"], deed)

    page, first = operator.open("/incidents/2"), operator.open("/incidents/1")

    assert "PRB-000001 seals (open)" in " ".join(page.text.split())
    assert "close it by hand" in page.text
    assert "What fixed it last time" in page.text
    assert "repaired, worn seal." in page.text
    assert "2 times within 30 days" in page.text
    assert (HOSTILE in page.text, HOSTILE in page.html) == (True, False)
    assert ("What fixed it last time" in first.text, "It came before" in first.text) == (False, False)
