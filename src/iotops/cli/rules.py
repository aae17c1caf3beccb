"""`iotops rules`: whether rule files say what their author means, before they are in force."""

import click

from iotops.cli.lazy import LazyGroup

COMMANDS = {
    "check": (
        "iotops.cli.rule_check:check",
        "Check rule files, and what stands beside them (devices.yaml, notify.yaml, ...).",
    ),
    "backtest": ("iotops.cli.rule_backtest:backtest", "Tell what rules would have raised over stored telemetry."),
    "stats": (
        "iotops.cli.rule_stats:stats",
        "Tell how the loaded rules fare: incidents, false alarms, what they cost.",
    ),
    "test": ("iotops.cli.rule_tests:test", "Run the tests that stand beside the rules."),
    "explain": ("iotops.cli.rule_explain:explain", "Say why a rule fired, why it did not, and when it would."),
    "fmt": ("iotops.cli.rule_fmt:fmt", "Write rule files in their canonical form."),
    "schema": ("iotops.cli.rule_schema:schema", "Print the JSON Schema of rule files, for editors."),
    "new": ("iotops.cli.rule_new:new", "Write a rule to begin with, and its passing tests."),
}
"""Command -> where it stands, and the first line of its help."""


@click.group(cls=LazyGroup, table=COMMANDS)
def rules() -> None:
    """Check, test, backtest and explain rules.

    PATH is a file or a directory; default: the setting rules.directory.
    """
