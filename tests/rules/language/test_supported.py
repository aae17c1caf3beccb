"""What the language says it can do is what the engine can do."""

from iotops.rules.functions import FUNCTIONS as EVALUATED
from iotops.rules.language.signatures import SIGNATURES
from iotops.rules.language.supported import FUNCTIONS


def test_engine_and_language_agree_about_functions():
    """Every function that rule files may call is evaluated, and none is kept secret."""
    assert set(EVALUATED) == FUNCTIONS
    assert set(SIGNATURES) >= FUNCTIONS
