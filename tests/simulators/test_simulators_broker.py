"""Simulators against a real broker: nothing acknowledged is missing, wills appear, outages are survived."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from iotops.ledger import read_ledger
from simulators.endpoint import parse_endpoint
from simulators.fleetrun import run
from simulators.options import Options
from simulators.replay import ReplayOptions, replay

pytestmark = pytest.mark.real("mosquitto")


class Listener:
    """Hears everything under iot/, in order, with its retain flag."""

    def __init__(self, port):
        self.heard = []
        self._ready = threading.Event()
        self.client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self.client.on_connect = lambda client, *_: client.subscribe(
            "iot/#", options=SubscribeOptions(qos=1, retainAsPublished=True)
        )
        self.client.on_subscribe = lambda *_: self._ready.set()
        self.client.on_message = lambda _client, _userdata, message: self.heard.append((message.topic, message.payload))
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self._ready.wait(60)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()

    def identities(self):
        found = [(topic.split("/")[1:3], json.loads(payload)) for topic, payload in self.heard if payload != b"offline"]
        return {(*key, body["boot"], body["seq"]) for key, body in found}


@pytest.fixture
def listener(mosquitto):
    heard = Listener(mosquitto.port)
    yield heard
    heard.close()


def rows(file):
    return [(*row.key, row.boot, row.seq) for row in read_ledger(file) if row.acked]


def test_history_is_published_whole_and_accounted_for(mosquitto, listener, small_fleet, tmp_path, wait_until):
    """Every message of ten minutes of history arrives, is acknowledged, and stands in the ledger once."""
    options = Options(str(small_fleet()), parse_endpoint(mosquitto.url), for_ms=0, ledger=tmp_path / "p.csv")

    summary = run(options)

    acked = rows(tmp_path / "p.csv")
    wait_until(lambda: listener.identities() == set(acked), what="the listener heard every acknowledged message")
    assert summary.published == summary.acked == len(acked) == len(set(acked)) == 4 * 21
    assert summary.wills == 0


def test_two_runs_with_one_seed_and_one_now_publish_the_same(mosquitto, small_fleet, tmp_path):
    """With fixed seed, start and now a run can be repeated byte by byte."""
    published = []
    for name in ("a.csv", "b.csv"):
        run(
            Options(
                str(small_fleet()),
                parse_endpoint(mosquitto.url),
                for_ms=0,
                live_ms=1_767_225_600_000,
                ledger=tmp_path / name,
            )
        )
        published.append({(row.key, row.boot, row.seq, row.sha256) for row in read_ledger(tmp_path / name)})

    assert published[0] == published[1]


def test_killed_simulator_leaves_an_account_of_everything_acknowledged(
    mosquitto, listener, small_fleet, tmp_path, wait_until
):
    """After SIGKILL each row stands for a message that was published, and at most what was on the wire is missing."""
    ledger = tmp_path / "p.csv"
    command = [sys.executable, "-m", "simulators", "run", "--fleet", str(small_fleet()), "--rate", "2000"]
    process = subprocess.Popen([*command, "--start", "-1s", "--broker", mosquitto.url, "--ledger", str(ledger)])
    wait_until(lambda: ledger.exists() and ledger.stat().st_size > 300_000, what="a long ledger")

    process.send_signal(signal.SIGKILL)
    process.wait()

    acked = set(rows(ledger))
    wait_until(lambda: acked <= listener.identities(), what="every row of the ledger was heard")
    assert len(listener.identities() - acked) <= 3 * 20
    wait_until(
        lambda: [payload for topic, payload in listener.heard if topic == "iot/s-1/gw-01/status"][-1] == b"offline",
        what="the last will",
    )


def test_messages_wait_while_the_broker_is_away(mosquitto, small_fleet, tmp_path, wait_until):
    """What devices say during an outage of the broker is queued, on disk where it is long, and published after it."""
    options = Options(
        str(small_fleet()),
        parse_endpoint(mosquitto.url),
        rate=500,
        start_ms=time.time_ns() // 1_000_000,
        ledger=tmp_path / "p.csv",
        memory=50,
    )
    stop, done = threading.Event(), []
    thread = threading.Thread(target=lambda: done.append(run(options, stop)))
    thread.start()
    wait_until(lambda: (tmp_path / "p.csv").exists() and len(rows(tmp_path / "p.csv")) > 200, what="the run began")

    mosquitto.stop()
    before, away_since = len(rows(tmp_path / "p.csv")), time.monotonic()
    wait_until(lambda: time.monotonic() - away_since > 1.5, what="an outage long enough to fill the memory")
    mosquitto.start()
    wait_until(lambda: len(rows(tmp_path / "p.csv")) > before + 800, what="the backlog was published")
    stop.set()
    thread.join(120)

    summary, acked = done[0], rows(tmp_path / "p.csv")
    per_boot = {}
    for *boot, seq in set(acked):
        per_boot.setdefault(tuple(boot), []).append(seq)
    assert summary.published == summary.acked
    assert summary.reconnects >= 1
    assert all(sorted(seqs) == list(range(len(seqs))) for seqs in per_boot.values())


def test_cut_device_leaves_its_will_and_comes_back_with_a_new_boot(mosquitto, listener, small_fleet, wait_until):
    """Live, offline is a dropped line: the broker says so, and the birth message takes it back."""
    options = Options(
        str(small_fleet("[{kind: offline, device: pos-01, at: 500ms, for: 1s}]")),
        parse_endpoint(mosquitto.url),
        for_ms=2_500,
        rate=40,
        start_ms=time.time_ns() // 1_000_000,
    )

    def statuses():
        return [payload for topic, payload in listener.heard if topic == "iot/s-1/pos-01/status"]

    summary = run(options)

    wait_until(lambda: len(statuses()) >= 3, what="gone and back")
    said = statuses()
    states = [payload if payload == b"offline" else json.loads(payload)["state"].encode() for payload in said]
    boots = {json.loads(payload)["boot"] for payload in said if payload != b"offline"}
    assert states == [b"online", b"offline", b"online"]
    assert len(boots) == 2
    assert summary.wills == 1


def test_shared_lines_carry_more_gateways_than_connections(mosquitto, small_fleet, tmp_path):
    """With fewer connections than gateways, the rest shares some, and every message still gets through."""
    options = Options(
        str(small_fleet()),
        parse_endpoint(mosquitto.url),
        devices=60,
        for_ms=0,
        connections=4,
        ledger=tmp_path / "p.csv",
    )

    summary = run(options)

    assert (summary.devices, summary.connections) == (60, 4)
    assert summary.acked == summary.published == 60 * 21


def test_mqtt_3_1_1_carries_the_same(mosquitto, small_fleet):
    """Protocol 4 is what a broker without MQTT 5 gets."""
    summary = run(Options(str(small_fleet()), parse_endpoint(mosquitto.url, 4), for_ms=0))

    assert summary.acked == summary.published == 4 * 21


CSV = "timestamp,value\n2013-12-02 21:15:00,73.9\n2013-12-02 21:20:00,74.9\nbroken,1\n2013-12-02 21:25:00,76.1\n"


def test_replay_publishes_the_recording_with_its_own_times(mosquitto, listener, tmp_path, wait_until):
    """Event times are those of 2013, the type goes ahead in a status message, the bad line is reported."""
    (tmp_path / "r.csv").write_text(CSV)

    summary = replay(ReplayOptions(tmp_path / "r.csv", "m-1", parse_endpoint(mosquitto.url), type_="machine"))

    wait_until(lambda: len(listener.heard) == 4, what="status and three readings")
    bodies = [json.loads(payload) for _, payload in listener.heard]
    assert (summary.published, summary.acked, [row.line for row in summary.bad_rows]) == (4, 4, [4])
    assert bodies[0]["type"] == "machine"
    assert [(body["ts"], body["metrics"]["value"]) for body in bodies[1:]] == [
        (1_386_018_900_000, 73.9),
        (1_386_019_200_000, 74.9),
        (1_386_019_500_000, 76.1),
    ]


def test_second_replay_is_a_duplicate_of_the_first(mosquitto, listener, tmp_path, wait_until):
    """The same file for the same device is the same messages again; for another device it is not."""
    (tmp_path / "r.csv").write_text(CSV)
    for device in ("m-1", "m-1", "m-2"):
        replay(ReplayOptions(tmp_path / "r.csv", device, parse_endpoint(mosquitto.url)))

    wait_until(lambda: len(listener.heard) == 9, what="three replays of three rows")

    assert len(listener.identities()) == 6
    assert listener.heard[:3] == listener.heard[3:6]


def test_replay_can_be_moved_to_now(mosquitto, listener, tmp_path, wait_until):
    """Shifted, the last row is now and the distances stay."""
    (tmp_path / "r.csv").write_text(CSV)
    options = ReplayOptions(tmp_path / "r.csv", "m-1", parse_endpoint(mosquitto.url), shift_to_now=True)

    replay(options)

    wait_until(lambda: len(listener.heard) == 3, what="three readings")
    times = [json.loads(payload)["ts"] for _, payload in listener.heard]
    assert [later - times[0] for later in times] == [0, 300_000, 600_000]
    assert abs(times[-1] - time.time_ns() // 1_000_000) < 60_000


def test_command_line_reports_bad_rows_and_its_summary(mosquitto, tmp_path):
    """Exit status 1 says that rows were left out; the summary is one line of JSON."""
    (tmp_path / "r.csv").write_text(CSV)
    environment = {**os.environ, "IOTOPS_BROKER__URL": mosquitto.url}
    command = [sys.executable, "-m", "simulators", "replay", "r.csv", "--device", "m-1", "--json"]

    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("r.csv:4: 'broken' is not a time")
    assert json.loads(done.stdout)["acked"] == 4  # the status that says its type, and three rows


def test_wrong_columns_are_a_usage_error_before_anything_is_published(tmp_path):
    """Exit status 2, one line that says what there is."""
    (tmp_path / "r.csv").write_text(CSV)
    command = [sys.executable, "-m", "simulators", "replay", "r.csv", "--device", "m-1", "--value-columns", "temp"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr == "error: r.csv: no column 'temp'; there are timestamp, value\n"


def test_refused_credentials_are_an_error_at_once(mosquitto, small_fleet, tmp_path):
    """Waiting would not heal a wrong password, so the run says so and ends."""
    passwords = mosquitto.directory / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(passwords), "till", "secret"], check=True, capture_output=True)
    mosquitto.stop()
    mosquitto.start(f"allow_anonymous false\npassword_file {passwords}")
    url = mosquitto.url.replace("://", "://till:wrong@")
    command = [sys.executable, "-m", "simulators", "run", "--fleet", str(small_fleet()), "--broker", url]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 2
    assert "check user and password" in done.stderr
    assert "wrong" not in done.stderr
