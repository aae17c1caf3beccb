"""What suppresses, and exactly until when."""

import pytest

SHUT = '  - {alert: hot, when: temp > 30, for: 2m, unless: door == "open"}\n'
BESIDE = SHUT + "  - {alert: cause, match: {type: gw}, when: not online}\n"
ACROSS = (
    "  - {alert: hot, when: temp > 30, for: 2m, unless: 'firing(cause, gateway) or door == \"open\"'}\n"
    "  - {alert: cause, match: {type: gw}, when: not online}\n"
)


@pytest.mark.parametrize("text", [SHUT, BESIDE, ACROSS], ids=["alone", "beside another", "across devices"])
def test_a_metric_of_unless_that_goes_stale_ends_it_at_that_very_instant(changes, text):
    """Unknown counts as not suppressed, so the alert fires when the door's last word gets too old, not later."""
    given = {"temp": "31x12", "door": {"0s": "open", "30s": "open"}}

    seen = changes(text, given, every="2m", until="8m")

    assert seen == ["0s pending warning", "2m suppressed (unless)", "3m30s fired warning"]


def test_a_firing_alert_is_let_go_when_a_metric_of_unless_goes_stale(changes):
    """An open alert that was suppressed is not any more, at the same instant, though no sample came."""
    given = {"temp": "31x12", "door": {"4m": "open"}}

    seen = changes(SHUT, given, every="2m", until="9m")

    assert seen == ["0s pending warning", "2m fired warning", "4m suppressed (unless)", "7m unsuppressed"]
