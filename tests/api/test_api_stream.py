"""/stream under a real server: what happens is told once, in order, and can be resumed."""

import json
import threading
from contextlib import contextmanager

import httpx
import pytest

from iotops.api.app import create_app
from iotops.api.resources import stream
from iotops.api.server import api_server
from iotops.clock import now_ms
from iotops.settings import Settings
from iotops.store import tokens


class Listener:
    """One open stream, read event by event."""

    def __init__(self, lines):
        self._lines = lines

    def event(self):
        """Return the next entry as (id, data); comments and hints are passed over."""
        found = {}
        for line in self._lines:
            if not line and "data" in found:
                return int(found["id"]), json.loads(found["data"])
            name, _, value = line.partition(": ")
            found[name] = value
        return None


@pytest.fixture
def serve(database, free_port, wait_until):
    """Start a server over the database, and return its base URL; several may run at once."""
    running = []

    def start():
        port = free_port()
        server = api_server(create_app(database, Settings()), "127.0.0.1", port)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        running.append((server, thread))
        wait_until(lambda: server.started, what="the server")
        return f"http://127.0.0.1:{port}"

    start.running = running
    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join(60)


@contextmanager
def listening(url, token, **headers):
    headers["Authorization"] = f"Bearer {token}"
    with httpx.stream("GET", f"{url}/api/v1/stream", headers=headers, timeout=60, trust_env=False) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        assert next(lines).startswith("retry:")
        yield Listener(lines)


def test_entries_are_told_as_they_happen(serve, machine, token):
    """An incident raised by the ingest reaches an open stream, its id being the position on the timeline."""
    url = serve()

    with listening(url, token("viewer")) as stream:
        machine.fires(device="a")
        machine.fires(device="b")
        told = [stream.event(), stream.event()]

    assert [(seq, entry["seq"], entry["type"], entry["incident"]) for seq, entry in told] == [
        (1, 1, "raised", "INC-000001"),
        (2, 2, "raised", "INC-000002"),
    ]


def test_a_stream_resumes_after_the_last_event_that_was_seen(serve, machine, token):
    """What happened meanwhile is told first, then what happens; nothing twice, nothing skipped."""
    for device in "abc":
        machine.fires(device=device)
    url = serve()

    with listening(url, token("viewer"), **{"Last-Event-ID": "1"}) as stream:
        missed = [stream.event()[0], stream.event()[0]]
        machine.fires(device="d")
        live = stream.event()[0]

    assert (missed, live) == ([2, 3], 4)


def test_streams_of_several_servers_tell_the_same(serve, machine, token):
    """API processes share nothing but the database."""
    reader = token("viewer")

    with listening(serve(), reader) as one, listening(serve(), reader) as other:
        machine.fires(device="a")
        told = [one.event(), other.event()]

    assert told[0] == told[1]


def test_a_token_of_one_site_hears_of_no_other(serve, machine, token):
    """Another site's entries are passed over, and their ids with them."""
    url = serve()

    with listening(url, token("viewer", site="lyon")) as stream:
        machine.fires(site="paris", device="a")
        machine.fires(site="lyon", device="b")
        seq, entry = stream.event()

    assert (seq, entry["incident"]) == (2, "INC-000002")


def test_open_streams_do_not_hold_up_the_end_of_the_server(serve, machine, token):
    """The server ends within seconds although a client listens; the limit leaves room for a busy machine."""
    url = serve()
    server, thread = serve.running[0]

    with listening(url, token("viewer")) as stream:
        server.should_exit = True
        assert stream.event() is None
    thread.join(20)

    assert not thread.is_alive()


def test_a_stream_ends_soon_after_its_token_was_revoked(serve, database, token, monkeypatch):
    """A14: whoever is signed out hears nothing more once the stream has looked again, every five seconds."""
    assert stream.IDLE_S <= 5
    monkeypatch.setattr(stream, "IDLE_S", 0.1)
    text = token("viewer")

    with listening(serve(), text) as opened:
        with database.begin() as unit:
            tokens.revoke(unit, text.split("_")[1], now_ms())
        ended = opened.event()

    assert ended is None


def test_a_stream_needs_a_token(serve):
    """401 as everywhere."""
    assert httpx.get(f"{serve()}/api/v1/stream", trust_env=False).status_code == 401


@pytest.mark.parametrize("position", ["-1", "x", "99999999999999999999"])
def test_a_position_that_is_none_is_refused(client, position):
    """422 instead of a stream that would never say anything."""
    answer = client.get("/api/v1/stream", headers={"Last-Event-ID": position})

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
