"""/devices and what they measured."""

import pytest

from iotops.api.units import Units

NOW_MS = 1_767_225_600_000


def test_a_device_has_its_identity_labels_and_presence(client, machine, a_reading):
    """The shape of a device after its first message."""
    machine.reads(a_reading(temp=4.5))

    device = client.get("/api/v1/devices/paris/fz-1").json()

    assert device == device | {
        "site": "paris",
        "device": "fz-1",
        "name": None,
        "labels": {},
        "label_sources": {"status": {}, "file": {}, "api": {}},
        "lifecycle": "active",
        "online": None,
        "first_seen_at": "2026-01-01T00:00:00Z",
    }


def test_devices_are_listed_filtered_and_walked(client, machine, a_reading):
    """By site and device, page by page, with filters that may be repeated."""
    machine.reads(*(a_reading(device, site, temp=1) for site in ("lyon", "paris") for device in ("a", "b", "c")))
    walked, cursor = [], None

    while cursor is not None or not walked:
        page = client.get("/api/v1/devices", params={"limit": 4} | ({"cursor": cursor} if cursor else {})).json()
        walked.extend(f"{device['site']}/{device['device']}" for device in page["items"])
        cursor = page["next_cursor"]

    assert walked == ["lyon/a", "lyon/b", "lyon/c", "paris/a", "paris/b", "paris/c"]
    filtered = client.get("/api/v1/devices?device=a&device=b&site=paris").json()["items"]
    assert [device["device"] for device in filtered] == ["a", "b"]
    assert [device["device"] for device in client.get("/api/v1/devices?q=C&site=lyon").json()["items"]] == ["c"]


def test_labels_are_merged_and_taken_out(client, machine, a_reading):
    """PATCH merges labels into the API's layer, null takes one out, lifecycle retires; ETags follow what it changes."""
    machine.reads(a_reading(temp=1))
    path = "/api/v1/devices/paris/fz-1"

    first = client.patch(
        path, {"labels": {"type": "freezer", "zone": "b"}}, headers={"If-Match": client.get(path).headers["etag"]}
    )
    second = client.patch(
        path, {"labels": {"zone": None}, "lifecycle": "retired"}, headers={"If-Match": first.headers["etag"]}
    )

    assert first.json()["labels"] == {"type": "freezer", "zone": "b"}
    assert (second.json()["labels"], second.json()["lifecycle"]) == ({"type": "freezer"}, "retired")
    assert second.headers["etag"] == client.get(path).headers["etag"] != first.headers["etag"]


def test_telemetry_makes_no_change_stale(client, machine, a_reading):
    """A device that goes on talking can still be changed with the ETag read before."""
    machine.reads(a_reading(temp=1))
    tag = client.get("/api/v1/devices/paris/fz-1").headers["etag"]
    machine.reads(a_reading(temp=2, at_ms=NOW_MS + 1_000))

    answer = client.patch("/api/v1/devices/paris/fz-1", {"labels": {"zone": "a"}}, headers={"If-Match": tag})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        ({"labels": {"zone": "a"}}, {}, 428, "precondition_required"),
        ({"labels": {"zone": "a"}}, {"If-Match": '"old"'}, 412, "stale_version"),
        ({"labels": {"site": "a"}}, {"If-Match": "*"}, 422, "validation_failed"),
        ({"labels": {"two words": "a"}}, {"If-Match": "*"}, 422, "validation_failed"),
        ({"labels": {"zone": 5}}, {"If-Match": "*"}, 422, "validation_failed"),
        ({"lifecycle": "asleep"}, {"If-Match": "*"}, 422, "validation_failed"),
        ({"online": True}, {"If-Match": "*"}, 422, "validation_failed"),
    ],
)
def test_a_change_of_a_device_that_cannot_be_made_is_refused(client, machine, a_reading, body, headers, status, code):
    """Missing or stale If-Match, labels that are none, and members that people do not set."""
    machine.reads(a_reading(temp=1))

    answer = client.patch("/api/v1/devices/paris/fz-1", body, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("path", ["paris/none", "nowhere/fz-1"])
def test_a_device_that_never_spoke_is_not_found(client, machine, a_reading, path):
    """404 on the device, on its telemetry and on a change of it."""
    machine.reads(a_reading(temp=1))

    answers = [client.get(f"/api/v1/devices/{path}{below}") for below in ("", "/telemetry?metric=temp", "/values")]
    answers.append(client.patch(f"/api/v1/devices/{path}", {}, headers={"If-Match": "*"}))

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "not_found")}


def test_telemetry_is_points_by_time(client, machine, a_reading):
    """[t, v] with t in RFC 3339, from inclusive to exclusive."""
    machine.reads(*(a_reading(temp=place, at_ms=NOW_MS + place * 1_000) for place in range(5)))
    query = "metric=temp&from=2026-01-01T00:00:01Z&to=2026-01-01T00:00:03.500Z"

    answer = client.get(f"/api/v1/devices/paris/fz-1/telemetry?{query}").json()

    assert answer == {
        "metric": "temp",
        "unit": "°C",
        "points": [["2026-01-01T00:00:01Z", 1], ["2026-01-01T00:00:02Z", 2], ["2026-01-01T00:00:03Z", 3]],
    }


@pytest.mark.parametrize("step", ["2s", "2"])
def test_with_a_step_telemetry_is_buckets(client, machine, a_reading, step):
    """[t, min, avg, max, n] per bucket; a plain number is seconds."""
    machine.reads(*(a_reading(temp=place, at_ms=NOW_MS + place * 1_000) for place in range(4)))

    answer = client.get(f"/api/v1/devices/paris/fz-1/telemetry?metric=temp&step={step}").json()

    assert answer["points"] == [["2026-01-01T00:00:00Z", 0, 0.5, 1, 2], ["2026-01-01T00:00:02Z", 2, 2.5, 3, 2]]


def test_without_a_range_the_newest_day_is_shown_however_old_it_is(client, machine, a_reading):
    """Recorded data of years ago is found without knowing when it was."""
    old_ms = 1_386_000_000_000
    machine.reads(a_reading(temp=1, at_ms=old_ms - 90_000_000), a_reading(temp=2, at_ms=old_ms))

    points = client.get("/api/v1/devices/paris/fz-1/telemetry?metric=temp").json()["points"]

    assert [value for _, value in points] == [2]


def test_without_a_metric_the_refusal_names_those_that_there_are(client, machine, a_reading):
    """400 missing_parameter, with what the device sends."""
    machine.reads(a_reading(temp=1, door="open"))

    answer = client.get("/api/v1/devices/paris/fz-1/telemetry")

    assert (answer.status_code, answer.json()["code"]) == (400, "missing_parameter")
    assert answer.json()["known"] == ["door", "temp"]


@pytest.mark.parametrize(
    "query", ["step=0", "step=soon", "step=-1s", "from=now", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z"]
)
def test_a_range_that_makes_no_sense_is_refused(client, machine, a_reading, query):
    """422 for steps and times that are none."""
    machine.reads(a_reading(temp=1))

    answer = client.get(f"/api/v1/devices/paris/fz-1/telemetry?metric=temp&{query}")

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


def test_values_are_the_newest_of_each_metric(client, machine, a_reading):
    """Numbers, truth values and text alike, each with its event time and the unit that the rule files declare."""
    machine.reads(a_reading(temp=1, door="open"), a_reading(temp=2.5, at_ms=NOW_MS + 1_000))

    items = client.get("/api/v1/devices/paris/fz-1/values").json()["items"]

    assert items == [
        {"metric": "door", "unit": None, "at": "2026-01-01T00:00:00Z", "value": "open"},
        {"metric": "temp", "unit": "°C", "at": "2026-01-01T00:00:01Z", "value": 2.5},
    ]


def test_a_unit_comes_from_the_catalogue_of_the_rule_files(database, tmp_path):
    """What `metrics:` declares is shown; without rule files every unit is unknown."""

    (tmp_path / "cold.yaml").write_text("metrics:\n  temp: {unit: °C}\nrules: []\n", encoding="utf-8")

    assert Units(tmp_path).unit_of("temp") == "°C"
    assert Units(tmp_path / "nowhere").unit_of("temp") is None


def test_a_token_of_one_site_knows_no_other_sites_devices(client, machine, a_reading, token):
    """Lists are confined, and another site's device does not exist, for reading and for changing."""
    machine.reads(a_reading("a", "lyon", temp=1), a_reading("b", "paris", temp=1))
    client.token = token("author", site="lyon")

    listed = [device["device"] for device in client.get("/api/v1/devices").json()["items"]]
    theirs = [client.get(f"/api/v1/devices/paris/b{below}") for below in ("", "/values", "/telemetry?metric=temp")]
    theirs.append(client.patch("/api/v1/devices/paris/b", {}, headers={"If-Match": "*"}))

    assert listed == ["a"]
    assert {answer.status_code for answer in theirs} == {404}
