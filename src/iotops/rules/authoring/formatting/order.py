"""In which order keys stand, and which values are expressions: read off the tables of the loader.

Tests have no form: their order is their author's, and part of what a rule's version covers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from iotops.rules.source.catalogue import METRIC_KEYS
from iotops.rules.source.files import FILE_KEYS
from iotops.rules.source.keys import OVERRIDE_KEYS, RULE_KEYS, SEVERITIES


@dataclass(frozen=True, slots=True)
class Form:
    """How a value is written.

    Attributes:
        order: of a map's keys; keys that are not named stay behind those that are, as they came.
        members: key -> form of its value; `*` stands for every other key, and for the items of a list.
        expression: the value is one.
    """

    order: tuple[str, ...] = ()
    members: Mapping[str, "Form"] = field(default_factory=dict)
    expression: bool = False

    def of(self, key: str) -> "Form":
        """Return the form of a member."""
        return self.members.get(key) or self.members.get("*") or PLAIN


PLAIN: Final = Form()
_EXPRESSION: Final = Form(expression=True)
_CONDITION: Final = Form(tuple(SEVERITIES), {"*": _EXPRESSION}, expression=True)
_OVERRIDES: Final = Form(members={"*": Form(tuple(OVERRIDE_KEYS))})
_RULE: Final = Form(
    tuple(RULE_KEYS),
    {
        "when": _CONDITION,
        "until": _CONDITION,
        "for": Form(tuple(SEVERITIES)),
        "unless": _EXPRESSION,
        "active": Form(("weekdays", "times", "tz")),
        "overrides": _OVERRIDES,
        "sequence": Form(members={"*": Form(("when", "not", "within"), {"when": _EXPRESSION, "not": _EXPRESSION})}),
    },
)
FILE: Final = Form(
    tuple(FILE_KEYS),
    {
        "metrics": Form(members={"*": Form(tuple(METRIC_KEYS))}),
        "defaults": _RULE,
        "rules": Form(members={"*": _RULE}),
    },
)
