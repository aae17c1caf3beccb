"""From an incident's timeline to a receiver, over the outbox, on both databases."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import func, select

from iotops.incidents.deadlines import Policy
from iotops.incidents.incident import SYSTEM, Actor
from iotops.notify.courier import Courier
from iotops.rules.rule import Severity
from iotops.store import incidents, notices
from iotops.store.database import Database
from iotops.store.tables import incident, outbox

ANA = Actor("person", "ana")
NOW_MS = 1_800_000_000_000
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.server.came.append(self.headers["webhook-id"])
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def receiver():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.came, server.status = [], 200
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(60)


class Desk:
    """A courier whose turns a test makes, at times of its own."""

    def __init__(self, database, directory, wait_until):
        self.database, self.directory, self._wait_until = database, directory, wait_until
        self.courier = Courier(database, directory, jitter=lambda: 1.0)
        self.policy = Policy()

    def says(self, channels, routes, retry="{attempts: 3, first: 10s, most: 15s}"):
        text = f"channels: {channels}\nroutes: {routes}\nretry: {retry}\n"
        (self.directory / "notify.yaml").write_text(text, encoding="utf-8")

    def raises(self, title="it is warm", severity=Severity.WARNING):
        with self.database.begin() as unit:
            return incidents.create(
                unit, SYSTEM, NOW_MS, title=title, policy=self.policy, severity=severity, site="paris"
            ).number

    def does(self, number, action, **details):
        with self.database.begin() as unit:
            incidents.act(unit, number, action, ANA, NOW_MS, policy=self.policy, **details)

    def turns(self, after_s=0, *, until=None):
        """Make a turn, and where something is on its way, see how it went."""
        at_ms = NOW_MS + int(after_s * 1000)
        self.courier.turn(at_ms)
        if self.courier._busy and until is None:
            self._wait_until(lambda: not self.courier._outcomes.empty(), what="an outcome")
        self.courier.turn(at_ms)

    def notices(self, **chosen):
        with self.database.read() as unit:
            return notices.page(unit, limit=100, **chosen)

    def told(self):
        return [
            (each.route, each.channel, [(event["event"], event["incident"]) for event in each.events])
            for each in reversed(self.notices())
        ]


@pytest.fixture
def desk(database_url, tmp_path, wait_until, monkeypatch):
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    opened = Database.open(database_url)
    opened.upgrade()
    yield Desk(opened, tmp_path, wait_until)
    opened.close()


def hook(port):
    return f"{{kind: webhook, url: 'http://127.0.0.1:{port}/', secrets: ['${{env:HOOK_SECRET}}'], allow_private: true}}"


def test_every_kind_of_news_is_told_once(desk):
    """Raised, reassigned, more pressing, resolved, reopened: in order; what is nobody's news is not told."""
    desk.says("{log: {kind: log}}", "[{name: all, channels: [log], group: 0s}]")
    number = desk.raises()
    desk.does(number, "comment", note="looking")
    desk.does(number, "assign", assignee="ana")
    desk.does(number, "edit", priority="P1")
    desk.does(number, "edit", priority="P3")
    desk.does(number, "resolve")
    desk.does(number, "reopen")
    for _ in range(10):
        desk.turns(1)

    events = ["raised", "reassigned", "escalated", "resolved", "reopened"]
    assert desk.told() == [("all", "log", [(event, number)]) for event in events]
    assert {each.state for each in desk.notices()} == {"delivered"}


def test_the_outbox_row_is_part_of_the_transaction(desk):
    """What is rolled back is told to nobody."""

    def fail():
        with desk.database.begin() as unit:
            incidents.create(unit, ANA, NOW_MS, title="x", policy=desk.policy)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()

    with desk.database.read() as unit:
        assert unit.connection.execute(select(func.count()).select_from(outbox)).scalar_one() == 0


def test_routes_choose_and_group(desk):
    """By priority and event; three incidents within the window are one message, a later one another."""
    desk.says(
        "{log: {kind: log}, pager: {kind: log}}",
        "[{name: bad, match: {priorities: [P3], events: [raised]}, channels: [pager, log], group: 30s},"
        " {name: rome, match: {sites: [rome]}, channels: [log]}]",
    )
    numbers = [desk.raises(severity=Severity.CRITICAL) for _ in range(3)]
    desk.raises()
    desk.does(numbers[0], "resolve")
    desk.turns(0)
    desk.turns(29)
    assert [each.state for each in desk.notices()] == ["pending", "pending"]
    late = desk.raises(severity=Severity.CRITICAL)
    desk.turns(31)
    desk.turns(62)

    first, second = [("raised", number) for number in numbers], [("raised", late)]
    assert sorted(desk.told()) == sorted(("bad", name, told) for told in (first, second) for name in ("pager", "log"))


def test_what_nobody_acknowledges_is_said_again(desk):
    """Every half hour until somebody takes it on."""
    desk.says("{log: {kind: log}}", "[{name: all, channels: [log], group: 0s, repeat: 30m}]")
    number = desk.raises()
    for minutes in (0, 29, 31, 45, 62):
        desk.turns(minutes * 60)
    desk.does(number, "acknowledge")
    for minutes in (95, 130):
        desk.turns(minutes * 60)

    assert [events for _, _, events in desk.told()] == [[("raised", number)], *[[("reminder", number)]] * 2]


def test_held_notices_go_out_when_the_suppression_is_over(desk):
    """They stay in the outbox meanwhile."""
    desk.says("{log: {kind: log}}", "[{name: all, channels: [log], group: 0s}]")
    number = desk.raises()
    with desk.database.begin() as unit:
        unit.connection.execute(incident.update().values(muted_by="SUP-000001"))
    desk.turns(0)
    assert desk.told() == []
    with desk.database.begin() as unit:
        unit.connection.execute(incident.update().values(muted_by=None))
    desk.turns(1)

    assert desk.told() == [("all", "log", [("raised", number)])]


def test_a_refusal_is_tried_again_under_the_same_key_then_given_up_and_redelivered(desk, receiver):
    """Three attempts with growing waits, then failed, with the reason; redeliver begins anew."""
    receiver.status = 500
    desk.says(f"{{hook: {hook(receiver.server_address[1])}}}", "[{name: all, channels: [hook], group: 0s}]")
    desk.raises()
    for seconds in (0, 9, 11, 25, 27, 60):
        desk.turns(seconds)
    (failed,) = desk.notices(state=["failed"])
    assert (failed.attempts, len(receiver.came), len(set(receiver.came))) == (3, 3, 1)
    assert "500" in failed.error

    receiver.status = 200
    with desk.database.begin() as unit:
        notices.redeliver(unit, failed.id, NOW_MS)
    desk.turns(61)

    (done,) = desk.notices()
    assert (done.state, done.error, set(receiver.came)) == ("delivered", None, {failed.key})


def test_what_was_on_its_way_at_a_kill_is_sent_again_under_its_key(desk, receiver):
    """At least once, and the receiver can tell."""
    desk.says(f"{{hook: {hook(receiver.server_address[1])}}}", "[{name: all, channels: [hook], group: 0s}]")
    desk.raises()
    desk.courier.turn(NOW_MS)
    desk._wait_until(lambda: receiver.came, what="the first delivery")
    assert [each.state for each in desk.notices()] == ["sending"]

    desk.courier = Courier(desk.database, desk.directory)
    with desk.database.begin() as unit:
        assert notices.take_back(unit, NOW_MS) == 1
    desk.turns(0)

    assert (len(receiver.came), len(set(receiver.came))) == (2, 1)
    assert [each.state for each in desk.notices()] == ["delivered"]


def test_a_black_hole_holds_up_itself_alone(desk, receiver):
    """A socket that never answers: other channels and incidents go on while it waits."""
    with socket.create_server(("127.0.0.1", 0)) as hole:
        channels = f"{{hole: {hook(hole.getsockname()[1])}, hook: {hook(receiver.server_address[1])}}}"
        desk.says(channels, "[{name: all, channels: [hole, hook], group: 0s}]")
        desk.raises()
        desk.courier.turn(NOW_MS)
        desk._wait_until(lambda: len(receiver.came) == 1, what="the message beside the hole")
        desk.courier.turn(NOW_MS)
        number = desk.raises("another")
        desk.courier.turn(NOW_MS)
        desk._wait_until(lambda: len(receiver.came) == 2, what="the second message beside the hole")

        with desk.database.read() as unit:
            assert incidents.get(unit, number).state == "new"
        assert [each.attempts for each in desk.notices(channel=["hole"], state=["sending"])] == [1]


def test_a_broken_file_keeps_what_was_in_force(desk):
    """And the reason is there for whoever looks."""
    desk.says("{log: {kind: log}}", "[{name: mine, channels: [log], group: 0s}]")
    desk.turns(0)
    (desk.directory / "notify.yaml").write_text("channels: {}\n", encoding="utf-8")
    number = desk.raises()
    desk.turns(1)

    assert desk.told() == [("mine", "log", [("raised", number)])]
    assert "notify.yaml:1" in desk.courier.problem


def test_what_is_pressing_goes_out_in_quiet_hours_by_its_own_right(desk):
    """It joins no message that waits for the morning, and takes none of what waits with it into the night."""
    quiet = "{hours: {mon-sun: '00:00-12:00'}, floor: P3}"
    desk.says("{log: {kind: log}}", f"[{{name: all, channels: [log], group: 30s, quiet: {quiet}}}]")
    waits = desk.raises()
    desk.turns()
    pressing = desk.raises(severity=Severity.CRITICAL)
    desk.turns(10)
    waits_too = desk.raises()
    desk.turns(20)
    desk.turns(45)

    (sent,), (waiting,) = desk.notices(state=["delivered"]), desk.notices(state=["pending"])
    assert [event["incident"] for event in sent.events] == [pressing]
    assert [event["incident"] for event in waiting.events] == [waits, waits_too]
    assert waiting.due_ms == NOW_MS + 4 * 3_600_000
