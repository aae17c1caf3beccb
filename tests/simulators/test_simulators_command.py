"""The command line of the simulators."""

import json
import subprocess
import sys

import pytest

from iotops.rules.devicefile import parse_devices


def simulators(*arguments, cwd):
    command = [sys.executable, "-m", "simulators", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)


def test_devices_of_a_fleet_are_a_registry_file(tmp_path):
    """What `devices` prints is a devices.yaml that the rules read, with each device's gateway in it."""
    printed = simulators("devices", "--fleet", "demo", cwd=tmp_path).stdout

    found, findings = parse_devices("devices.yaml", printed)

    gateways = {str(key): declared.labels.get("gateway") for key, declared in found.items()}
    assert findings == ()
    assert len(found) == 13
    assert gateways["store-01/fz-01"] == "edge-01"
    assert gateways["store-01/edge-01"] is None


@pytest.mark.real("mosquitto")
def test_run_leaves_summary_truth_and_ledger(mosquitto, small_fleet, tmp_path):
    """One line of JSON tells what was published and which faults were due; the truth file has the same faults."""
    file = small_fleet("[{kind: stuck, device: fz-01, metric: temp, at: -5m, for: 2m, expect: {stuck: 1m}}]")
    asked = ["run", "--fleet", str(file), "--for", "0s", "--fault", "dropout:fz-02:-3m:1m", "--json", "--seed", "9"]

    done = simulators(*asked, "--broker", mosquitto.url, "--truth", "t.jsonl", "--ledger", "p.csv", cwd=tmp_path)

    summary = json.loads(done.stdout)
    truth = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert done.returncode == 0
    assert summary["published"] == summary["acked"] == len((tmp_path / "p.csv").read_text().splitlines()) - 1
    assert [(fault["kind"], fault["device"], fault["due"]) for fault in summary["faults"]] == [
        ("stuck", "fz-01", True),
        ("dropout", "fz-02", True),
    ]
    assert [fault["id"] for fault in truth] == [fault["id"] for fault in summary["faults"]]


@pytest.mark.real("mosquitto")
def test_run_is_stopped_politely_by_sigterm(mosquitto, small_fleet, tmp_path, wait_until):
    """SIGTERM ends a run with everything acknowledged, accounted for and summed up."""
    command = [sys.executable, "-m", "simulators", "run", "--fleet", str(small_fleet()), "--ledger", "p.csv", "--json"]
    process = subprocess.Popen([*command, "--broker", mosquitto.url], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    wait_until(lambda: (tmp_path / "p.csv").exists() and (tmp_path / "p.csv").stat().st_size > 5_000, what="a ledger")

    process.terminate()
    printed, _ = process.communicate(timeout=120)

    summary = json.loads(printed)
    assert process.returncode == 0
    assert summary["unacked"] == 0
    assert summary["published"] == len((tmp_path / "p.csv").read_text().splitlines()) - 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "--fleet", "nowhere"], "error: fleet 'nowhere': no such file"),
        (["run", "--fleet", "store", "--fault", "gremlin"], "error: --fault 'gremlin'"),
        (["run", "--fleet", "store", "--broker", "http://x"], "error: broker 'http://x': expected mqtt://HOST"),
        (["run", "--fleet", "store", "--for", "soon"], "'soon' is not a duration"),
        (["run", "--fleet", "store", "--ledger", "no/such/dir.csv"], "error: ledger no/such/dir.csv"),
        (["replay", "r.csv", "--device", "d", "--speed", "fast"], "error: --speed 'fast': expected max, or a factor"),
    ],
)
def test_wrong_use_says_what_to_write(tmp_path, arguments, expected):
    """Exit status 2 and one line on standard error: what, where, what to do."""
    (tmp_path / "r.csv").write_text("time,v\n2020-01-01,1\n")

    done = simulators(*arguments, cwd=tmp_path)

    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
