"""Rule files as text, and the mutants that come of them."""

import pytest

from iotops.rules.authoring.mutation.mutants import breeders


@pytest.fixture
def mutants():
    """Return the mutants of the only rule, or of a named one, in a file."""

    def breed(text, name=None):
        found = {draft.id: (draft, breeder) for draft, breeder in breeders({"rules.yaml": text})}
        draft, breeder = found[name or next(iter(found))]
        return breeder.mutants(draft)

    return breed


@pytest.fixture
def added(mutants):
    """Return the lines that mutants add; of those that only drop lines, `no` and the lines dropped."""

    def lines(text, name=None):
        return [" / ".join(_shown(mutant.lines)) for mutant in mutants(text, name)]

    return lines


def _shown(lines):
    new = [line[2:].strip() for line in lines if line.startswith("+")]
    return new or [f"no {line[2:].strip()}" for line in lines]
