"""`notify.yaml`: strict, with lines, and without secrets."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from iotops.errors import RuleFileError
from iotops.notify.routefile import load_notify, parse_notify
from iotops.notify.routes import LOG_ONLY, Quiet

GOOD = """
channels:
  log: {kind: log}
routes:
  - name: all
    channels: [log]
"""


def at(text, zone="Europe/Paris"):
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def test_without_a_file_everything_goes_to_the_log(tmp_path):
    """Nobody has to set anything up to see what would be told."""
    assert load_notify(tmp_path) is LOG_ONLY


@pytest.mark.parametrize(
    ("change", "line", "word"),
    [
        (("kind: log", "kind: pigeon"), 3, "kind"),
        (("[log]", "[desk]"), 2, "no channel 'desk'"),
        (("    channels", "    colour: red\n    channels"), 6, "colour"),
        (("    channels", "    group: soon\n    channels"), 6, "group"),
        (("    channels", "    match: {events: [exploded]}\n    channels"), 6, "events"),
        (("    channels", "    quiet: {hours: {mon: 9-5}}\n    channels"), 6, "hours"),
        (("{kind: log}", "{kind: webhook, url: 'https://x.org', secrets: [whsec_abc]}"), 3, "secrets do not stand"),
        (("{kind: log}", "{kind: email, host: x, sender: a@b, to: [c@d], password: hunter2}"), 3, "do not stand"),
        (("{kind: log}", "{kind: apprise, urls: ['${env:IOTOPS_NOT_SET}']}"), 3, "IOTOPS_NOT_SET is not set"),
    ],
)
def test_a_mistake_is_named_with_its_line(change, line, word):
    """And a secret that was written out is not repeated."""
    found, (finding, *_) = parse_notify("notify.yaml", GOOD.replace(*change))

    head = str(finding).splitlines()[0]
    assert found is LOG_ONLY
    assert head.startswith(f"notify.yaml:{line}:")
    assert word in head
    assert "hunter2" not in head
    assert "whsec_abc" not in head


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (("channels: [log]", "chanels: [log]"), 'did you mean "channels"?'),
        (("    channels", "    match: {team: [x]}\n    channels"), 'did you mean "teams"?'),
        (("{kind: log}", "{kind: log, colour: red}"), "possible here: kind"),
        (("  - name: all\n    channels", "  - channels"), "add name"),
    ],
)
def test_a_mistake_says_what_to_write_and_all_are_told_at_once(tmp_path, change, hint):
    """The hint stands beside the place, as for rules; the loader carries every finding."""
    (tmp_path / "notify.yaml").write_text(GOOD.replace(*change), encoding="utf-8")

    with pytest.raises(RuleFileError) as found:
        load_notify(tmp_path)

    assert hint in str(found.value)
    assert all(finding.position.line > 0 for finding in found.value.findings)


def test_secrets_come_from_files_and_never_show(tmp_path, monkeypatch):
    """Not in what is printed of the settings."""
    (tmp_path / "smtp").write_text("hunter2\n", encoding="utf-8")
    monkeypatch.setenv("IOTOPS_TEST_CHAT", "json://secret@host")
    text = GOOD.replace(
        "log: {kind: log}",
        f"log: {{kind: email, host: x, sender: a@b, to: [c@d], password: '${{file:{tmp_path / 'smtp'}}}'}}\n"
        "  chat: {kind: apprise, urls: ['${env:IOTOPS_TEST_CHAT}']}",
    )

    found, findings = parse_notify("notify.yaml", text)

    assert findings == ()
    assert found.channels["log"].password.get_secret_value() == "hunter2"
    assert found.channels["chat"].urls[0].get_secret_value() == "json://secret@host"
    assert "hunter2" not in repr(found)
    assert "secret@" not in repr(found)


@pytest.mark.parametrize(
    ("now", "priority", "until"),
    [
        ("2026-01-05T12:00", "P3", "2026-01-05T12:00"),
        ("2026-01-05T23:00", "P3", "2026-01-06T06:00"),
        ("2026-01-06T05:59", "P2", "2026-01-06T06:00"),
        ("2026-01-05T23:00", "P1", "2026-01-05T23:00"),
        ("2026-03-28T23:00", "P3", "2026-03-29T06:00"),
    ],
)
def test_quiet_hours_end_on_the_clock_of_the_wall(now, priority, until):
    """Over midnight, over a change of the clocks; what is pressing enough passes."""
    quiet = Quiet(hours={"mon-sun": "00:00-06:00, 22:00-24:00"}, timezone="Europe/Paris", floor="P1")

    assert quiet.until_ms(at(now), priority) == at(until)
