"""GET /rules/{id}/explain."""

import pytest

HOT = """
rules:
  - alert: hot
    match: {site: paris}
    when: temp > 30
    for: 10m
  - alert: site_hot
    per: site
    when: devices(temp > 30) >= 2
"""


@pytest.fixture
def explained(client, machine, a_reading, tmp_path):
    """Ask about the rule `hot` on a device that reported."""
    (tmp_path / "cold.yaml").write_text(HOT, encoding="utf-8")
    machine.reads(a_reading())

    def ask(rule="hot", **query):
        asked = {"site": "paris", "device": "fz-1", **query}
        asked = {name: value for name, value in asked.items() if value is not None}
        return client.get(f"/api/v1/rules/{rule}/explain", params=asked)

    return ask


def test_a_rule_is_explained_on_a_device(explained):
    """The same as the command line's JSON."""
    answer = explained()

    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["rule"], found["instance"], found["state"]) == ("hot", "paris/fz-1", "inactive")
    assert found["conditions"][0]["text"] == "temp > 30"
    assert found["headline"].startswith("NOT FIRING")


@pytest.mark.parametrize("group", [{"group": "paris", "site": None, "device": None}, {}])
def test_a_rule_is_explained_on_a_group(explained, group):
    """By its name, or by one of its devices."""
    answer = explained("site_hot", **group)

    assert answer.status_code == 200, answer.text
    assert (answer.json()["instance"], answer.json()["state"]) == ("site=paris", "inactive")


def test_the_past_can_be_asked_for(explained):
    """As of an instant of event time."""
    found = explained(at="2025-12-31T00:00:00Z").json()

    assert found["at"] == "2025-12-31T00:00:00Z"
    assert any("no telemetry" in note for note in found["notes"])


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"rule": "absent"}, 404, "not_found"),
        ({"device": "fz-9"}, 404, "not_found"),
        ({"group": "paris", "site": None, "device": None}, 422, "validation_failed"),
        ({"rule": "site_hot", "group": "paris"}, 422, "validation_failed"),
        ({"rule": "site_hot", "group": "nice", "site": None, "device": None}, 404, "not_found"),
        ({"device": None}, 422, "validation_failed"),
        ({"at": "yesterday"}, 422, "validation_failed"),
        ({"extra": "1"}, 400, "unknown_parameter"),
    ],
)
def test_what_cannot_be_explained_is_a_problem(explained, query, status, code):
    """With the code of its kind."""
    answer = explained(**query)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_another_sites_devices_do_not_exist(explained, client, token):
    """A token of lyon is told nothing of paris."""
    client.token = token("viewer", site="lyon")

    assert explained().status_code == 404
    assert explained("site_hot", group="paris", site=None, device=None).status_code == 404


def test_broken_rule_files_are_named(explained, tmp_path):
    """What is in force cannot be told then."""
    (tmp_path / "cold.yaml").write_text("rules: [", encoding="utf-8")

    assert explained().json()["code"] == "conflict"


def test_a_file_that_changed_is_read_again(explained, tmp_path):
    """However short before it was explained as it stood then."""
    before = explained().json()
    (tmp_path / "cold.yaml").write_text(HOT.replace("temp > 30", "temp > 40"), encoding="utf-8")

    after = explained().json()

    assert [found["conditions"][0]["text"] for found in (before, after)] == ["temp > 30", "temp > 40"]
