"""The published ledger and the ground truth."""

import hashlib
import json

import pytest

from iotops.errors import ConfigurationError
from iotops.ledger import read_ledger
from iotops.telemetry.reading import DeviceKey
from simulators.device import Utterance
from simulators.faults import Fault
from simulators.ledger import Ledger
from simulators.truth import Truth

MESSAGE = Utterance(DeviceKey("s", "d"), "telemetry", "b1", 7, 1_000, b'{"temp":1}')
DUE_MS = 10_000_000


def test_row_holds_what_the_contract_says(tmp_path):
    """Site, device, boot, seq, ts, digest of the payload, and when it was sent and acknowledged."""
    ledger = Ledger(tmp_path / "p.csv")
    ledger.acknowledged(MESSAGE, 1_767_225_600_123, 1_767_225_600_456)
    ledger.unacknowledged(MESSAGE, None)
    ledger.close()

    header, acked, unacked = (tmp_path / "p.csv").read_text().splitlines()

    digest = hashlib.sha256(b'{"temp":1}').hexdigest()
    assert header == "site,device,boot,seq,ts,sha256,sent_at,acked_at"
    assert acked == f"s,d,b1,7,1000,{digest},2026-01-01T00:00:00.123Z,2026-01-01T00:00:00.456Z"
    assert unacked == f"s,d,b1,7,1000,{digest},,"


def test_acknowledged_row_is_in_the_file_before_anything_else_happens(tmp_path):
    """`write()` hands rows to the operating system: another reader sees them without a close."""
    ledger = Ledger(tmp_path / "p.csv")
    ledger.acknowledged(MESSAGE, 1, 2)
    ledger.write(DUE_MS)

    rows = list(read_ledger(tmp_path / "p.csv"))

    assert [row.acked for row in rows] == [True]
    ledger.close()


def test_next_run_appends_and_drops_a_torn_line(tmp_path):
    """A run that was killed within a row leaves a file that the next run can go on with."""
    file = tmp_path / "p.csv"
    first = Ledger(file)
    first.acknowledged(MESSAGE, 1, 2)
    first.close()
    with file.open("a") as torn:
        torn.write("s,d,b1,8,10")

    second = Ledger(file)
    second.acknowledged(MESSAGE._replace(seq=9), 1, 2)
    second.close()

    assert [row.seq for row in read_ledger(file)] == [7, 9]


def test_another_file_is_not_overwritten(tmp_path):
    """A ledger path that is some other file is refused, and left as it is."""
    (tmp_path / "notes.txt").write_text("dear diary\n")

    with pytest.raises(ConfigurationError, match="expected the columns site,device"):
        Ledger(tmp_path / "notes.txt")

    assert (tmp_path / "notes.txt").read_text() == "dear diary\n"


def test_ledger_without_a_file_counts(tmp_path):
    """Who asks for no file still learns how many were published and acknowledged."""
    ledger = Ledger(None)
    ledger.acknowledged(MESSAGE, 1, 2)
    ledger.close([(MESSAGE, None)])

    assert (ledger.published, ledger.acked) == (2, 1)


def test_truth_is_one_object_a_line(tmp_path):
    """What began is on disk at once, with the rules expected and their delays in seconds."""
    truth = Truth(tmp_path / "t.jsonl")
    truth.begin(Fault("f1", "stuck", DeviceKey("s", "d"), 0, 60_000, "temp", expect={"a": 90_000}, also=("b",)))

    written = json.loads((tmp_path / "t.jsonl").read_text())

    assert written == {
        "id": "f1",
        "kind": "stuck",
        "site": "s",
        "device": "d",
        "metric": "temp",
        "from": "1970-01-01T00:00:00Z",
        "to": "1970-01-01T00:01:00Z",
        "rules": ["a"],
        "within": {"a": 90.0},
        "also": ["b"],
        "affects": [],
    }
    truth.close()
