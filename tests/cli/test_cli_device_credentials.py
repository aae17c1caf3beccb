"""`iotops devices enroll | rotate | revoke | credentials | prepare`, as an administrator types them."""

import json

from iotops.store import deeds


def told(database):
    with database.read() as unit:
        return [(found.deed.action, found.deed.object) for found in reversed(deeds.page(unit, limit=99))]


def test_a_device_gets_a_password_once_and_every_step_is_a_deed(run, database, tmp_path):
    """The password is on standard output and nowhere else; what was done, and by whom, is in the chain."""
    prepared = run("devices", "prepare", "--format", "json")
    first = json.loads(run("devices", "enroll", "paris/fz-1", "--password", "--format", "json").out)
    second = json.loads(run("devices", "rotate", "paris/fz-1", "--format", "json").out)
    revoked = run("devices", "revoke", "paris/fz-1")
    listed = json.loads(run("devices", "credentials", "--format", "json").out)["items"]

    assert json.loads(prepared.out) == {"password of ingest": "broker/ingest.password"}
    assert (first["user"], len(first["password"])) == ("fz-1@paris", 32)
    assert second["password"] != first["password"]
    assert (revoked.status, "reload" in revoked.err) == (0, True)
    assert [(each["device"], each["kind"], each["revoked_at"] is None) for each in listed] == [
        ("fz-1", "password", False)
    ]
    done = ["broker_prepared", "device_enrolled", "device_rotated", "device_revoked"]
    assert [action for action, _ in told(database)] == done
    written = "".join(file.read_text() for file in (tmp_path / "broker").iterdir())
    assert first["password"] not in written
    assert "fz-1@paris" not in (tmp_path / "broker" / "acl").read_text()


def test_what_cannot_be_done_is_told_and_leaves_no_deed(run, database):
    """Twice the same, or nobody: an error that says what to do, and a chain that says nothing of it."""
    run("devices", "enroll", "paris/fz-1", "--password")

    twice = run("devices", "enroll", "paris/fz-1", "--password")
    nobody = run("devices", "revoke", "paris/fz-2")
    nonsense = run("devices", "enroll", "paris/gw", "--password", "--speaks-for", "a/b")

    assert (twice.status, "rotate" in twice.err) == (1, True)
    assert (nobody.status, "not enrolled" in nobody.err) == (1, True)
    assert nonsense.status == 2
    assert told(database) == [("device_enrolled", "paris/fz-1")]
