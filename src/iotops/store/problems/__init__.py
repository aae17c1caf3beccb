"""Problems as stored: worked on by people, listed in pages; which incidents belong to them."""

from iotops.store.incidents.problem_rows import get_problem, problem_id
from iotops.store.problems.actions import (
    Deed,
    Fate,
    act_on_problem,
    create_problem,
    link_incidents,
    linked_numbers,
    unlink_incidents,
)
from iotops.store.problems.pages import ProblemFilter, known_number, problem_page, problems_of

__all__ = [
    "Deed",
    "Fate",
    "ProblemFilter",
    "act_on_problem",
    "create_problem",
    "get_problem",
    "known_number",
    "link_incidents",
    "linked_numbers",
    "problem_id",
    "problem_page",
    "problems_of",
    "unlink_incidents",
]
