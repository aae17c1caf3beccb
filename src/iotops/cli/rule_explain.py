"""`iotops rules explain`: why a rule fired, why it did not, and when it would."""

import sys
from collections.abc import Sequence
from typing import Any

import click

from iotops.cli.configuration import load_settings
from iotops.cli.output import FORMAT, Instant, print_json
from iotops.clock import now_ms
from iotops.durations import format_instant
from iotops.rules.alert import Alert
from iotops.rules.authoring.explanation import NOT_WATCHED, Explanation
from iotops.rules.authoring.frozen import frozen_lines
from iotops.rules.authoring.why import as_lines, as_members
from iotops.rules.built_in import with_built_in
from iotops.rules.compiled import DEVICE
from iotops.rules.rule import Rule
from iotops.rules.rulefile import load_rules
from iotops.store.explanations import IncidentExplained, explain_incident, explain_instance
from iotops.store.instances import instance_named
from iotops.wiring.opening import open_database


@click.command()
@click.argument("what", metavar="INCIDENT | RULE")
@click.argument("device", required=False, metavar="[DEVICE | GROUP]")
@click.option("--group", help="The group of a rule that has `per`, as its alerts are called: site=paris.")
@click.option("--at", "at_ms", type=Instant(), help="An instant of the past; default: now.")
@click.option("--site", help="Where the device stands, if its name alone does not say.")
@FORMAT
@click.pass_context
def explain(
    ctx: click.Context,
    what: str,
    *,
    device: str | None,
    group: str | None,
    at_ms: int | None,
    site: str | None,
    form: str,
) -> None:
    """Say why a rule fired, why it did not, and when it would.

    \b
    iotops rules explain INC-142                 what was seen when it fired, and how it stands now
    iotops rules explain freezer_warm fz-12      the condition part by part, clocks, what comes next
    iotops rules explain freezer_warm fz-12 --at 2026-01-01T14:22:20Z
    iotops rules explain site_cooling_failure paris            a rule with `per`, on one of its groups

    DEVICE is its id, or SITE/ID. GROUP is site=paris, or paris alone, or fleet; a device stands for its group. Exit
    status 1 where the rule is not about the device.
    """  # noqa: D301  click reads the character itself: lines below it are not joined
    settings = load_settings(ctx)
    rule_set = with_built_in(load_rules(settings.rules.directory))
    rule = rule_set.rules.get(what)
    name = _name(rule, device, group, site)
    if name is None:
        if at_ms is not None or site is not None:
            raise click.UsageError("--at and --site go with a rule and a device; an incident has both")
        with open_database(settings) as database, database.read() as unit:
            _print_incident(explain_incident(unit, rule_set, what, now_ms()), form)
        return
    with open_database(settings) as database, database.read() as unit:
        key = instance_named(unit, rule, what, name)
        found = explain_instance(unit, rule_set, key, now_ms(), at_ms)
    if form == "json":
        print_json(as_members(found))
    else:
        click.echo("\n".join(_titled(found)))
    sys.exit(1 if found.state == NOT_WATCHED else 0)


def _name(rule: Rule | None, device: str | None, group: str | None, site: str | None) -> str | None:
    """Return what the instance is called, None where an incident is meant.

    Raises:
        UsageError: a group beside a device, or of a rule that has none.
    """
    if group is not None and device is not None:
        raise click.UsageError("name a device or a --group, not both")
    if group is not None and (rule is None or rule.per == DEVICE):
        raise click.UsageError("--group goes with a rule about groups (`per`); this one is about devices: name one")
    if device is not None:
        return f"{site}/{device}" if site else device
    if group is None and rule is not None and rule.per != DEVICE:
        return site or "fleet"
    return group


def _print_incident(found: IncidentExplained, form: str) -> None:
    if form == "json":
        fired = [_fired(alert) for alert in found.alerts]
        print_json({"incident": found.incident.number, "fired": fired, "now": [as_members(each) for each in found.now]})
        return
    click.echo(f"{found.incident.number} {found.incident.title}")
    for alert in found.alerts:
        click.echo("\n" + "\n".join(frozen_lines(alert)))
    for each in found.now:
        click.echo("\n" + "\n".join(_titled(each)))


def _titled(found: Explanation) -> Sequence[str]:
    return [f"{found.rule} on {found.instance} at {format_instant(found.at_ms)}", *as_lines(found)]


def _fired(alert: Alert) -> dict[str, Any]:
    fired_at = None if alert.fired_ms is None else format_instant(alert.fired_ms)
    return {"rule": alert.key.rule, "instance": alert.key.instance, "fired_at": fired_at, "evidence": alert.evidence}
