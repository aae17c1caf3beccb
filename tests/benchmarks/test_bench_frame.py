"""The frame of the benchmarks, and those that need no broker, with a trifle of work."""

import json
import socket
import threading
from bisect import bisect_right
from itertools import accumulate
from pathlib import Path

import pytest

from benchmarks import __main__ as bench
from benchmarks import fleet, judging, machine, publisher, storing
from benchmarks.figures import Scale
from iotops.ledger import read_ledger
from iotops.rules.rulefile import parse_rules
from iotops.telemetry.decode import Limits, decode_all

TRIFLE = Scale(readings=6_000, fleet=20, messages=0, steady_s=0)
ENGINE = [
    "engine",
    "engine, one matching rule more",
    "engine, few other rules",
    "engine, many other rules",
    "engine, windows of 5m",
    "engine, windows of 24h",
]
MAY_BE_NONE = {"transitions", judging.ADDED}
MOUNTS = "/dev/vda / ext4 rw 0 0\ntmpfs /dev/shm tmpfs rw 0 0\ntmpfs /tmp/in\\040memory tmpfs rw 0 0\n"


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("decode", ["decode"]),
        ("engine", ENGINE),
        ("backtest", ["backtest, hours of a fleet", "backtest, a month of a device"]),
        ("rules", ["check of 500 rules", "300 rules"]),
        ("store", ["store, sqlite"]),
        ("chart", ["chart"]),
    ],
)
def test_each_benchmark_without_a_broker_gives_positive_figures(name, lines, tmp_path, monkeypatch):
    """Every line has a workload, a durability, figures above zero, what the process used, and no fault."""
    monkeypatch.setattr(storing, "find_initdb", lambda: None)

    document = bench.run((name,), TRIFLE, tmp_path)

    assert [result["name"] for result in document["results"]] == lines
    for result in document["results"]:
        assert result["workload"]
        assert result["durability"]
        assert not result["faults"]
        assert min(value for name, value in result["figures"].items() if name not in MAY_BE_NONE) > 0, result
        assert result["processes"]["benchmark"]["rss_mib"] > 0
        assert len(result["load_average"]) == 3


def test_a_run_is_written_with_the_machine_it_comes_from(tmp_path, monkeypatch, capsys):
    """The JSON says CPU, cores, versions, file system and fsync time; nothing is left in the directory."""
    monkeypatch.setattr(bench, "QUICK", TRIFLE)
    monkeypatch.setattr(machine, "check_disk", lambda _directory: None)
    output, disk = tmp_path / "out" / "result.json", tmp_path / "disk"
    disk.mkdir()
    monkeypatch.setattr("sys.argv", ["bench", "decode", "--quick", "--directory", str(disk), "--output", str(output)])

    status = bench.main()

    written = json.loads(output.read_text())
    assert status == 0
    assert written["machine"].keys() >= {"cpu", "cores", "versions", "file_system", "fsync_ms", "kind"}
    assert "messages a second" in capsys.readouterr().out
    assert not list(disk.iterdir())


def test_a_benchmark_with_a_fault_fails_the_run(tmp_path, monkeypatch):
    """A lost message makes the exit status 1."""

    def loses(_directory, _scale):
        yield bench.Result("loses", "one message", "none", {"messages a second": 1.0}, faults=("lost: 1, expected 0",))

    monkeypatch.setattr(bench, "TABLE", {"loses": loses})
    monkeypatch.setattr(machine, "check_disk", lambda _directory: None)
    arguments = ["bench", "--directory", str(tmp_path), "--output", str(tmp_path / "result.json")]
    monkeypatch.setattr("sys.argv", arguments)

    assert bench.main() == 1


@pytest.mark.parametrize(("arguments", "expected"), [((), 1), (("--quick",), 0)])
def test_a_missed_target_fails_a_run_of_full_length_only(arguments, expected, tmp_path, monkeypatch, capsys):
    """The exit status is the table's, where the run was long enough; what was missed is told at the end."""

    def slow(_directory, _scale):
        yield bench.Result("slow", "one message", "none", {"a second": 1.0}, at_least={"a second": 2.5})

    monkeypatch.setattr(bench, "TABLE", {"slow": slow})
    monkeypatch.setattr(bench, "MAIN", ("slow",))
    monkeypatch.setattr(machine, "check_disk", lambda _directory: None)
    chosen = ["bench", "--directory", str(tmp_path), "--output", str(tmp_path / "result.json"), *arguments]
    monkeypatch.setattr("sys.argv", chosen)

    assert bench.main() == expected
    assert "MISSED: slow: a second: 1.00   at least 2.5: NO" in capsys.readouterr().out


def test_a_quick_run_without_names_is_of_the_main_rows(tmp_path, monkeypatch):
    """`make bench-quick` measures what MAIN names, in that order, and no more."""
    measured = []

    def row(directory, _scale):
        measured.append(directory.name)
        yield from ()

    monkeypatch.setattr(bench, "TABLE", dict.fromkeys(bench.TABLE, row))
    monkeypatch.setattr(machine, "check_disk", lambda _directory: None)
    chosen = ["bench", "--quick", "--directory", str(tmp_path), "--output", str(tmp_path / "result.json")]
    monkeypatch.setattr("sys.argv", chosen)

    assert bench.main() == 0
    assert measured == list(bench.MAIN)


@pytest.mark.parametrize("folder", ["/dev/shm/x", "/tmp/in memory/deeper"])
def test_a_memory_file_system_is_refused(folder):
    """A commit that never reaches a disk is no figure."""
    with pytest.raises(machine.Unsuitable, match=r"tmpfs.*--directory"):
        machine.check_disk(Path(folder), MOUNTS)


def test_a_disk_is_not_refused():
    """A folder beside memory file systems is on the disk that holds it."""
    machine.check_disk(Path("/tmp/elsewhere"), MOUNTS)

    assert machine.file_system(Path("/tmp/elsewhere"), MOUNTS) == "ext4"


def test_a_memory_directory_ends_the_command_before_anything_runs(monkeypatch, capsys):
    """The refusal is an error of usage, and says what to do."""
    monkeypatch.setattr(machine, "file_system", lambda _directory, _mounts=None: "tmpfs")
    monkeypatch.setattr("sys.argv", ["bench", "decode"])

    with pytest.raises(SystemExit) as ended:
        bench.main()

    assert ended.value.code == 2
    assert "nothing is durable" in capsys.readouterr().err


def test_the_fleet_is_the_one_that_is_stated():
    """Of 100 rules 5 match each device, without findings; one reading in a hundred violates; each message decodes."""
    rules, findings = parse_rules(fleet.rules())
    batches = list(fleet.batches(20_000, 1_795_000_000_000, 2_000))

    readings = [reading for batch in batches for reading in decode_all(batch, Limits()).readings]

    assert not [finding for finding in findings if finding.level == "error"]
    assert len(rules.rules) == 100
    assert len({reading.key for reading in readings}) == fleet.DEVICES
    assert sum(rule.match["site"] == ("s00",) or "s00" in str(rule.match) for rule in rules.rules.values()) == 5
    assert 0.007 < sum(reading.values["pressure"] > 9 for reading in readings) / len(readings) < 0.013


def test_what_was_published_is_what_the_ledger_says(tmp_path):
    """The publisher's ledger holds every message with its boot, number and time, and that it was acknowledged."""
    messages = list(fleet.sent(50, 1_795_000_000_000, devices=10))
    file = tmp_path / "PUBLISHED.csv"

    publisher.write_ledger(file, messages, 1_795_000_000_000)

    rows = list(read_ledger(file))
    assert [(row.key, row.seq, row.ts) for row in rows] == [(each.key, each.seq, each.ts) for each in messages]
    assert all(row.acked and row.boot == "b1" for row in rows)


@pytest.mark.parametrize("rate", [0, 5_000])
def test_the_publisher_counts_what_is_acknowledged(rate):
    """Every packet is sent once, in order, however the acknowledgements are cut into reads."""
    ours, brokers = socket.socketpair()
    count = 1_500
    packets = [publisher.packet(number, each) for number, each in enumerate(fleet.sent(count, 1_795_000_000_000))]
    ends = list(accumulate(map(len, packets)))
    seen = bytearray()
    ours.settimeout(20)
    brokers.settimeout(20)

    def broker():
        acked = 0
        while acked < count:
            seen.extend(brokers.recv(65_536))
            whole = bisect_right(ends, len(seen))
            answers = b"".join(b"\x40\x02" + publisher._mid(number) for number in range(acked, whole))
            brokers.sendall(answers[:-1])
            brokers.sendall(answers[-1:])
            acked = whole

    thread = threading.Thread(target=broker)
    thread.start()
    acked = publisher.publish(ours, packets, rate)
    thread.join()
    ours.close()
    brokers.close()

    assert acked == count
    assert bytes(seen) == b"".join(packets)


def test_an_acknowledgement_out_of_order_ends_the_publisher():
    """An acknowledgement that is not the next one would make the ledger untrue."""
    ours, brokers = socket.socketpair()
    brokers.sendall(b"\x40\x02\x00\x09")

    with pytest.raises(RuntimeError, match="expected 40020001"):
        publisher.publish(ours, [b"packet"], 0)

    ours.close()
    brokers.close()
