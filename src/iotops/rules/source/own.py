"""The rules that nobody has to write, as a file: what iotops finds out about devices by itself."""

from functools import lru_cache
from typing import Final

from iotops.rules.source.files import RuleFile, read_file
from iotops.telemetry.numbering import FIRST, LAST, MISSING
from iotops.telemetry.skew import AHEAD

CLOCK_SKEW: Final = "clock_skew"
DATA_GAP: Final = "data_gap"

_TEXT: Final = f"""\
metrics:
  "{AHEAD}": {{unit: s}}
  "{MISSING}": {{kind: gauge}}
rules:
  - alert: {CLOCK_SKEW}
    when: 0 < `{AHEAD}`
    severity: warning
    summary: the clock of ${{name}} at ${{site}} is ${{`{AHEAD}`:.0f}} s ahead; its readings count from when they came
  - alert: {DATA_GAP}
    when: 0 < `{MISSING}`
    severity: info
    summary: ${{`{MISSING}`:.0f}} messages of ${{name}} at ${{site}}
      never came, of numbers ${{`{FIRST}`:.0f}} to ${{`{LAST}`:.0f}}
"""


@lru_cache(maxsize=1)
def own_rules() -> RuleFile:
    """Return the file of the built-in rules; others may ask for them, and may not take their names."""
    return read_file("built-in", _TEXT)
