"""`iotops devices` against a real API."""

import json

import pytest


def test_labels_and_lifecycle_are_set_and_taken_back(run, api, register):
    """What `set` says is what `show` and `list` show, and LABEL= takes it out again."""
    register("paris/fz-1", "lyon/fz-1")

    run("devices", "set", "paris/fz-1", "name=Chest 1", "owner=ana", "--lifecycle", "retired")
    after = json.loads(run("devices", "set", "paris/fz-1", "owner=", "--format", "json").out)

    assert (after["labels"], after["lifecycle"]) == ({"name": "Chest 1"}, "retired")
    assert "Chest 1" in run("devices", "show", "paris/fz-1").out
    assert [line.split()[0] for line in run("devices", "list", "--lifecycle", "retired").out.splitlines()[1:]] == [
        "paris"
    ]


def test_import_says_for_each_line_what_became_of_it(run, api, register, tmp_path):
    """Known devices are set, unknown and refused ones are named, and a second run changes nothing."""
    register("paris/fz-1", "lyon/fz-1")
    file = tmp_path / "devices.csv"
    file.write_text("site,device,owner,lifecycle\nparis,fz-1,ana,\nlyon,fz-1,,gone\nlyon,nix,bo,\n")

    first = run("devices", "import", file, "--format", "json")
    second = run("devices", "import", file)

    assert (first.status, second.status) == (1, 1)
    assert [row["outcome"] for row in json.loads(first.out)["items"]] == ["changed", "refused", "unknown"]
    assert second.out.splitlines()[-1] == "1 unchanged, 1 refused, 1 unknown"


def test_dry_run_of_an_import_sends_nothing(run, api, register, tmp_path):
    """It says what would be set, and nothing is."""
    register("paris/fz-1")
    file = tmp_path / "devices.csv"
    file.write_text("site,device,owner\nparis,fz-1,ana\n")

    ran = run("devices", "import", file, "--dry-run")

    assert ran.status == 0
    assert "owner=ana" in ran.out
    assert json.loads(run("devices", "show", "paris/fz-1", "--format", "json").out)["labels"] == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "expected a header with site and device"),
        ("site,device,owner\nparis,fz-1,ana\nparis,,bo\n", ":3: device left empty"),
        ("site,device\nparis,fz-1,more\n", ":2: more cells than the header has columns"),
    ],
)
def test_broken_file_changes_nothing(run, api, register, tmp_path, text, message):
    """The whole file is read before anything is sent."""
    register("paris/fz-1")
    file = tmp_path / "devices.csv"
    file.write_text(text)

    ran = run("devices", "import", file)

    assert (ran.status, ran.out) == (1, "")
    assert message in ran.err
    assert json.loads(run("devices", "show", "paris/fz-1", "--format", "json").out)["labels"] == {}


def test_unknown_device_is_an_error_and_an_empty_list_a_finding(run, api):
    """Neither passes for success."""
    shown, listed = run("devices", "show", "paris/fz-1"), run("devices", "list")

    assert shown.status == 1
    assert shown.err.startswith("error: device paris/fz-1 is not registered")
    assert (listed.status, listed.err) == (1, "no devices match\n")


@pytest.mark.parametrize("labels", [(), ("owner",), ("=ana",)])
def test_set_without_a_label_is_usage(run, api, labels):
    """What to write is said before anything is sent."""
    ran = run("devices", "set", "paris/fz-1", *labels)

    assert ran.status == 2
    assert "LABEL=VALUE" in ran.err
