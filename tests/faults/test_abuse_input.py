"""Abuse by what is sent and written: payloads, topics, rule files. Nothing raises, nothing costs much."""

import json
import os
import socket

import paho.mqtt.client as mqtt
import pytest
from bounds import bounded
from hypothesis import given, settings
from hypothesis import strategies as st
from plant import Plant
from sqlalchemy import select

from iotops.errors import RuleFileError
from iotops.ingest.admission import Admission
from iotops.ingest.frames import Arrival, PublishReader
from iotops.ingest.rulebook import Rulebook
from iotops.rules.authoring.check import check
from iotops.rules.devicefile import parse_devices
from iotops.rules.matching import matches
from iotops.rules.rulefile import parse_rules
from iotops.rules.servicefile import parse_services
from iotops.rules.slafile import parse_promises
from iotops.rules.source.directory import read_sources
from iotops.store import dead_letters, devices
from iotops.store.database import Database
from iotops.store.tables import device, incident
from iotops.telemetry.codecs import CODECS
from iotops.telemetry.decode import decode_all
from iotops.telemetry.limits import Limits
from iotops.telemetry.message import Message
from iotops.telemetry.reading import DeviceKey
from iotops.telemetry.topic import parse_topic

NOW_MS = 1_767_225_600_000
RULE = "rules:\n  - {alert: warm, when: temp > 5, severity: warning}\n"
SIZES = {0: "empty", 1: None, 262_144: None, 262_145: "too_large", 2 << 20: "too_large"}


@pytest.fixture
def plant(database_url, tmp_path):
    """An ingest with one rule, on both databases."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "warm.yaml").write_text(RULE)
    opened = Database.open(database_url)
    opened.upgrade()
    yield Plant(opened, tmp_path / "rules")
    opened.close()


def letters(plant):
    with plant.database.read() as unit:
        return dead_letters.page(unit, limit=200)


@pytest.mark.parametrize("size", SIZES)
def test_a_payload_of_any_size_is_stored_or_one_dead_letter(size):
    """A01: nothing, one byte, the largest allowed and what is larger: each with its reason, within its bounds."""
    payload = b'{"t": "' + b"x" * (size - 9) + b'"}' if size > 9 else b"1"[:size]
    message = Message("iot/s/d/telemetry/t" if size == 1 else "iot/s/d/telemetry", payload, NOW_MS)

    found = bounded(lambda: decode_all([message], Limits()))

    reasons = [letter.reason for letter in found.dead_letters]
    assert reasons == ([SIZES[size]] if SIZES[size] else ["text_too_long"] if size == 262_144 else [])
    assert len(found.readings) == (size == 1)


@pytest.mark.real("mosquitto")
def test_a_packet_beyond_the_brokers_bound_ends_its_connection(mosquitto, wait_until):
    """A01: what is larger than max_packet_size stops at the door and does not reach ingest's memory."""
    gone = []
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5, reconnect_on_failure=False)
    client.on_disconnect = lambda *_: gone.append(True)
    client.connect("127.0.0.1", mosquitto.port)
    client.publish("iot/s/d/telemetry", b"x" * (4 << 20), qos=1)

    wait_until(lambda: client.loop(0.05) or gone)

    assert gone


HOSTILE = {
    b"[" * 100_000: "too_deep",
    b'{"a":' * 50_000: "too_deep",
    json.dumps({f"m{n}": n for n in range(15_000)}).encode(): "too_many_fields",
    b'{"t": ' + b"9" * 5_000 + b"}": "out_of_range_int",
    b'{"t": 1e999}': "nan_inf",
    b'{"t": NaN}': "nan_inf",
    b'{"t": -Infinity}': "nan_inf",
    b'{"t": "\\ud800"}': "bad_json",
    b'{"t": "\\u0000"}': "bad_text",
    "{'t': 1}".encode("utf-16"): "bad_utf8",
    b'{"t": "' + b"x" * 200_000 + b'"}': "text_too_long",
    b'{"t": 1_000}': "bad_json",
    b"\xff\xfe\x00": "bad_utf8",
    b"null": "bad_type",
}


def test_hostile_payloads_are_dead_letters_and_their_neighbours_are_stored(plant):
    """A02: in one batch with them, good messages are stored; each bad one has a reason; the same on both databases."""
    good = [plant.message(f"s/d{n}/telemetry", {"t": n}) for n in range(3)]
    bad = [plant.message("s/evil/telemetry", payload) for payload in HOSTILE]

    found = bounded(lambda: decode_all(bad, Limits()))
    plant.process(good[0], *bad, *good[1:])

    assert [letter.reason for letter in found.dead_letters] == list(HOSTILE.values())
    assert sorted(letter.reason for letter in letters(plant)) == sorted(HOSTILE.values())
    assert plant.pipeline.ledgers.state.counters["stored"] == 3


TOPICS = (
    *(
        "iot/s/../../telemetry",
        "iot/s/d;DROP TABLE device/telemetry",
        "iot/s/%s/telemetry",
        "iot/s/{0.__class__}/telemetry",
    ),
    *("$SYS/broker/uptime", "$CONTROL/x", "iot/+/d/telemetry", "iot/#", "/" * 1_000, "iot/" + "x" * 65_000),
    *("iot/s/d\x00/telemetry", "iot/s/d\n/telemetry", "iot/s/\u202egnp.exe/telemetry", "iot/s/d/telemetry/\x1b[2J", ""),
)


def test_hostile_topics_are_dead_letters_that_can_be_shown(plant):
    """A03: no topic raises, names a device it should not, or is kept in a form that can do harm where it is shown."""
    messages = [Message(topic, b'{"t": 1}', plant.now_ms, 0) for topic in TOPICS]

    found = bounded(lambda: decode_all(messages, Limits()))
    plant.process(*messages)

    assert found.readings == ()
    assert {letter.reason for letter in found.dead_letters} <= {"no_mapping", "bad_topic"}
    assert len(letters(plant)) == len(TOPICS)
    assert all(letter.detail.isprintable() for letter in letters(plant))
    with plant.database.read() as unit:
        assert unit.connection.execute(select(device)).all() == []


def test_a_topic_that_is_no_text_is_a_message_like_any_other():
    """A03: bytes that are not UTF-8 in the topic of a PUBLISH reach a dead letter; paho alone would raise."""
    topic = b"iot/s/\xff\xfe/telemetry"
    body = len(topic).to_bytes(2, "big") + topic + (7).to_bytes(2, "big") + b"\x00" + b'{"t": 1}'
    packet = bytes([0x32, len(body)]) + body
    ((arrived,), _) = PublishReader(1_000, v5=True).read(packet, 0, 1, Arrival(NOW_MS, 0, 1))

    found = decode_all([arrived.message], Limits())

    assert [letter.reason for letter in found.dead_letters] == ["bad_topic"]


def test_nobody_fills_memory_by_inventing_devices_or_metrics(plant):
    """A05: beyond the bounds new names are dead letters; who was known before is heard on; memory stays bounded."""
    admission = Admission(1_000, 50)
    crowd = [Message(f"iot/s/d{n}/telemetry", b'{"t": 1}', NOW_MS) for n in range(5_000)]
    chatty = [
        Message("iot/s/d1/telemetry", json.dumps({f"m{n}-{k}": 1 for k in range(10)}).encode(), NOW_MS)
        for n in range(99)
    ]

    def admit(messages, known=frozenset()):
        return admission.admit(decode_all(messages, Limits()), messages, known)

    first = bounded(lambda: admit(crowd))
    known = {reading.key for reading in first.readings}
    names = bounded(lambda: admit(chatty, known))
    again = admit(crowd[:1_000], known)

    assert {letter.reason for letter in first.dead_letters} == {"device_limit"}
    assert (len(known), len(first.dead_letters)) == (1_000, 4_000)
    assert {letter.reason for letter in names.dead_letters} == {"metric_limit"}
    assert len({name for reading in names.readings for name in reading.values}) <= 50
    assert [reading.key for reading in again.readings] == [DeviceKey("s", f"d{n}") for n in range(1_000)]


def test_what_was_refused_for_its_number_can_be_seen(plant):
    """A05: the dead letters are kept with their reason, and counted by it where metrics and doctor look."""
    plant.process(*(plant.message(f"s/d{n}/telemetry", {"t": 1}) for n in range(1_005)))

    assert [letter.reason for letter in letters(plant)] == ["device_limit"] * 5
    assert plant.pipeline.ledgers.state.counters["dead_lettered"] == 5


def test_more_rules_than_memory_is_meant_for_are_refused(tmp_path):
    """A05: a set beyond rules.max_rules is not loaded; what was in force stays so, and says why."""
    book = Rulebook(tmp_path, max_rules=3)
    (tmp_path / "a.yaml").write_text("rules:\n" + "".join(f"  - {{alert: r{n}, when: x > {n}}}\n" for n in range(3)))
    assert book.open().rules.rules.keys() > {"r0", "r1", "r2"}  # the built-in ones do not count
    (tmp_path / "b.yaml").write_text("rules:\n  - {alert: more, when: x > 9}\n")

    changed = [book.changed(), book.changed()]

    assert changed == [None, None]
    assert "rules.max_rules" in book.error
    with pytest.raises(RuleFileError, match="at most 3"):
        Rulebook(tmp_path, max_rules=3).open()


BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
)
FILES = (
    *(BOMB, "a: !!python/object/apply:os.system [id]\n", "rules: [!!python/name:os.system ]\n", "a: 1\na: 2\n"),
    *("rules:\n\t- alert: x\n", "a: &x {b: 1}\nc: {<<: *x}\n", "rules: no\n", "\x00\x01", "x" * 3_000_000),
)


@pytest.mark.parametrize("text", FILES, ids=range(len(FILES)))
def test_hostile_yaml_ends_in_findings(text):
    """A06: bombs, tags that make objects, doubled keys, tabs, merges and sizes, in each of the four kinds of files."""
    for parse in (
        lambda: parse_rules({"a.yaml": text}),
        *((lambda read=read: read("a.yaml", text)) for read in (parse_devices, parse_services, parse_promises)),
    ):
        _, findings = bounded(parse)
        assert any(finding.level == "error" for finding in findings)


def test_only_regular_files_are_read(tmp_path):
    """A06: a FIFO, a socket, a folder, a link and 50 MB are not read, and nothing waits for ever."""
    (tmp_path / "rules").mkdir()
    outside = tmp_path / "secret.yaml"
    outside.write_text("rules: [{alert: leaked, when: x > 1}]\n")
    (tmp_path / "rules" / "link.yaml").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "rules" / "fifo.yaml")
    (tmp_path / "rules" / "folder.yaml").mkdir()
    (tmp_path / "rules" / "huge.yaml").write_bytes(b"#" * (50 << 20))
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "rules" / "s.yaml"))
        sources, findings = bounded(lambda: read_sources(tmp_path / "rules"))

    assert not any("root:" in text for text in sources.values())
    assert {finding.position.file.rpartition("/")[2] for finding in findings} >= {"fifo.yaml", "huge.yaml"}


EXPRESSIONS = (
    *("().__class__.__bases__[0].__subclasses__()", "x().gi_frame.f_back", "'a'*10**9", "9**9**9", "__import__('os')"),
    *("getattr(x, '__class__')", "'{0.__class__}'.format(x)", "eval('1')", "open('/etc/passwd')", "lambda: 1"),
    *("(" * 5_000 + "x" + ")" * 5_000, "not " * 20_000 + "x", "[x for x in x]", "x if x else x", "f'{x}'", "x := 1"),
    *("-" * 50_000 + "1 > 0", "max(" * 3_000, "x > 1e999999", "avg(x, 999999999999w) > 1", "a.b.c.d" * 10_000),
)


@pytest.mark.parametrize("text", EXPRESSIONS, ids=range(len(EXPRESSIONS)))
def test_no_expression_reaches_python(text):
    """A07: what is not of the language is an error with its place; nothing is evaluated, and nothing grows."""
    found = bounded(lambda: check({"a.yaml": f"rules:\n  - alert: a\n    when: {json.dumps(text)}\n"}))

    assert any(finding.level == "error" for finding in found)


@pytest.mark.parametrize("glob", ["*a" * 30 + "b", "*" * 60 + "x", "a*" * 31, "?*" * 30 + "y"])
def test_no_pattern_takes_exponential_time(glob):
    """A08: labels are matched by globs, never by regular expressions; the worst glob takes a moment."""
    rule_set, findings = parse_rules({"a.yaml": f"rules: [{{alert: a, when: x > 1, match: {{device: {glob!r}}}}}]"})

    assert not [finding for finding in findings if finding.level == "error"]
    assert bounded(lambda: matches(rule_set.rules["a"].match, {"device": "a" * 64})) in {True, False}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=6), inner, max_size=5),
    max_leaves=25,
).map(lambda value: json.dumps(value).encode())
_LEAVES = st.sampled_from(("telemetry", "telemetry/m", "event", "status"))
# Each example is decoded twice, once under tracemalloc: some 20 ms.
FUZZED = settings(max_examples=20_000 if "IOTOPS_SOAK" in os.environ else 150, deadline=None)


@pytest.mark.timeout(7_200)
@FUZZED
@given(_LEAVES, st.binary(max_size=4_000) | _JSON | _JSON.map(lambda text: text[: len(text) // 2]))
def test_fuzzed_payloads_never_raise(leaf, payload):
    """A17: every decoder answers every bytes with readings or a named refusal, and blames no fault of its own."""
    found = bounded(lambda: decode_all([Message(f"iot/s/d/{leaf}", payload, NOW_MS)], Limits()))

    assert not [letter for letter in found.dead_letters if letter.reason == "decoder_fault"]
    assert set(CODECS) == {"json", "scalar", "event", "status"}  # a new decoder belongs into this test


@pytest.mark.timeout(7_200)
@FUZZED
@given(st.text(max_size=200) | st.lists(st.text(max_size=9), max_size=9).map(lambda parts: "iot/" + "/".join(parts)))
def test_fuzzed_topics_never_raise(topic):
    """A17: every text is a topic of ours or a named refusal."""
    found = bounded(lambda: decode_all([Message(topic, b"1", NOW_MS)], Limits()))

    for reading in found.readings:
        assert parse_topic(topic).key == reading.key
    assert {letter.reason for letter in found.dead_letters} <= {
        "no_mapping",
        "bad_topic",
        "bad_type",
        "bad_event",
        "bad_status",
        "bad_name",
    }


WORDS = "x temp > < == and or not for avg max ( ) , . 5 5m 'a' rate age firing * - / % [ ] in"
_WORDS = st.sampled_from(WORDS.split())


@pytest.mark.timeout(7_200)
@FUZZED
@given(st.lists(_WORDS | st.text(max_size=3), max_size=25).map(" ".join))
def test_fuzzed_expressions_never_raise(text):
    """A17: the rule parser answers with a rule or with findings."""
    bounded(lambda: check({"a.yaml": f"rules:\n  - alert: a\n    when: {json.dumps(text)}\n"}))


SIGNS = "rules: alert: when: for: match: params: - & * ! | > : { } [ ] # ? << %"
_KEYS = st.sampled_from((*SIGNS.split(), " ", "\n", "\n  ", "\t"))


@pytest.mark.timeout(7_200)
@FUZZED
@given(st.lists(_KEYS | st.text(max_size=4), max_size=40).map("".join))
def test_fuzzed_yaml_never_raises(text):
    """A17: the YAML reader answers with a tree or with findings, for each kind of file."""
    bounded(lambda: parse_rules({"a.yaml": text}))
    for parse in (parse_devices, parse_services, parse_promises):
        bounded(lambda parse=parse: parse("a.yaml", text))


def test_a_device_cannot_make_itself_important_or_hide_behind_a_gateway(database_url, tmp_path):
    """A04: what a status payload says of service, criticality, gateway or lifecycle changes nothing."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "warm.yaml").write_text(RULE)
    (tmp_path / "rules" / "services.yaml").write_text("services:\n  - {id: vault, criticality: A}\n")
    opened = Database.open(database_url)
    opened.upgrade()
    plant = Plant(opened, tmp_path / "rules")
    claims = {
        "service": "vault",
        "criticality": "A",
        "gateway": "gw",
        "parent": "gw",
        "lifecycle": "retired",
        "site": "x",
    }

    plant.process(plant.message("s/gw/status", {"state": "online"}), plant.message("s/modest/telemetry", {"temp": 1}))
    plant.process(plant.message("s/proud/status", {"state": "online", **claims}, retain=True))
    plant.process(plant.message("s/gw/status", {"state": "offline"}))
    plant.wait(1_000)
    plant.process(*(plant.message(f"s/{name}/telemetry", {"temp": 9}) for name in ("modest", "proud")))

    with opened.read() as unit:
        found = {each.device: each for each in unit.connection.execute(select(incident))}
        labels = devices.get(unit, DeviceKey("s", "proud"))
    opened.close()
    assert found.keys() == {"modest", "proud"}
    assert (found["proud"].priority, found["proud"].service) == (found["modest"].priority, found["modest"].service)
    assert (dict(labels.labels), labels.lifecycle) == ({}, "active")
