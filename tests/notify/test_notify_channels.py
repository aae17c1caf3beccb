"""Channels against real servers on this machine."""

import json
import logging
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from standardwebhooks import Webhook as Verifier

from iotops.clock import now_ms
from iotops.errors import DeliveryFailed
from iotops.notify.channels.apprise_services import AppriseServices
from iotops.notify.channels.email import Email
from iotops.notify.channels.logline import LogLine
from iotops.notify.channels.webhook import Webhook, _is_public
from iotops.notify.message import Message

FIRST = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
SECOND = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY="
MESSAGE = Message(
    "msg_1", "P1 raised: it is wärm", "P1 raised: it is wärm\nand more", {"type": "x", "data": {"a": "ä"}}
)


@pytest.fixture
def http():
    """A server that answers as its `answers` say, the last one for all that follow, and keeps what came."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.answers, server.came = [200], []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_address[1]}/in"
    yield server
    server.shutdown()
    server.server_close()
    thread.join(60)


class Answering(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.came.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        status = self.server.answers[0] if len(self.server.answers) == 1 else self.server.answers.pop(0)
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("location", "/elsewhere")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


class Mailbox(socketserver.StreamRequestHandler):
    """As much of SMTP as a client needs to hand a mail over."""

    def handle(self):
        self.say("220 here")
        for line in iter(self.rfile.readline, b""):
            word = line.split(b" ")[0].strip().upper()
            if word == b"DATA":
                self.say("354 go on")
                mail = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.server.mails.append(mail.decode())
            elif word == b"RCPT" and b"nobody@" in line:
                self.say("550 nobody there")
                continue
            self.say("221 bye" if word == b"QUIT" else "250 fine")
            if word == b"QUIT":
                return

    def say(self, line):
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def smtp():
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mailbox)
    server.daemon_threads, server.mails = True, []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(60)


def webhook(monkeypatch, url, *secrets, **options):
    names = [f"HOOK_{place}" for place, _ in enumerate(secrets)]
    for name, secret in zip(names, secrets, strict=True):
        monkeypatch.setenv(name, secret)
    references = [f"${{env:{name}}}" for name in names]
    return Webhook(kind="webhook", url=url, secrets=references, **{"allow_private": True, **options})


def test_a_webhook_is_signed_by_each_secret_and_keeps_its_id(monkeypatch, http):
    """Whoever knows either secret can verify it; a repetition has the same id."""
    channel = webhook(monkeypatch, http.url, FIRST, SECOND)
    channel.send(MESSAGE, now_ms())
    channel.send(MESSAGE, now_ms())

    ids = set()
    for path, headers, body in http.came:
        ids.add(headers["webhook-id"])
        assert path == "/in"
        for secret in (FIRST, SECOND):
            assert Verifier(secret).verify(body, headers) == MESSAGE.payload
    assert ids == {"msg_1"}


@pytest.mark.parametrize("status", [302, 307, 400, 404, 500])
def test_what_is_no_success_is_a_failure_and_no_redirect_is_followed(monkeypatch, http, status):
    """One request, and a reason."""
    http.answers = [status]

    with pytest.raises(DeliveryFailed, match=str(status)):
        webhook(monkeypatch, http.url, FIRST).send(MESSAGE, now_ms())
    assert len(http.came) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "10.0.0.1"])
def test_private_addresses_are_refused_however_they_are_spelled(monkeypatch, http, host):
    """Nothing is sent; the setting says otherwise, or it does not go."""
    url = f"https://{host}:{http.server_address[1]}/in"

    with pytest.raises(DeliveryFailed, match=r"not a public address|cannot be reached"):
        webhook(monkeypatch, url, FIRST, allow_private=False).send(MESSAGE, now_ms())
    assert http.came == []


@pytest.mark.parametrize("url", ["http://example.org/", "file:///etc/passwd", "gopher://example.org/"])
def test_only_https_goes_out_to_the_world(monkeypatch, url):
    """Another scheme is refused before a name is looked up."""
    with pytest.raises(DeliveryFailed, match="https://"):
        webhook(monkeypatch, url, FIRST, allow_private=False).send(MESSAGE, now_ms())


@pytest.mark.parametrize(
    ("address", "public"),
    [
        *[(each, True) for each in ("9.9.9.9", "2620:fe::fe", "::ffff:9.9.9.9", "64:ff9b::909:909")],
        *[(each, False) for each in ("169.254.169.254", "100.64.0.1", "0.0.0.0", "::1", "fe80::1%eth0", "fd00::1")],
        *[(each, False) for each in ("::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "224.0.0.1")],
    ],
)
def test_which_addresses_are_public(address, public):
    """Disguises count as what is under them."""
    assert _is_public(address) is public


def test_a_mail_arrives_with_its_key_and_without_foreign_headers(smtp):
    """Subject and text survive, and the Message-ID is made of the key."""
    port = smtp.server_address[1]
    channel = Email(kind="email", host="127.0.0.1", port=port, security="none", sender="a@b.org", to=["c@d.org"])
    channel.send(MESSAGE, 1_767_225_600_000)

    (mail,) = smtp.mails
    assert "Message-ID: <msg_1@b.org>" in mail
    assert "To: c@d.org" in mail
    assert "Date: Thu, 01 Jan 2026 00:00:00 -0000" in mail


def test_a_mail_that_is_refused_is_a_failure(smtp):
    """An unknown mailbox, a server without the encryption that is demanded, and none at all."""
    port = smtp.server_address[1]
    common = {"kind": "email", "host": "127.0.0.1", "sender": "a@b.org"}
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = closed.getsockname()[1]
    channels = [
        Email(**common, port=port, security="none", to=["nobody@d.org"]),
        Email(**common, port=port, to=["c@d.org"]),
        Email(**common, port=nowhere, security="none", to=["c@d.org"]),
    ]

    for channel in channels:
        with pytest.raises(DeliveryFailed, match="SMTP"):
            channel.send(MESSAGE, 0)
    assert smtp.mails == []


@pytest.mark.filterwarnings("ignore:.*imghdr:DeprecationWarning")  # Apprise loads what it knows when it is first asked
def test_apprise_reaches_a_service(monkeypatch, http):
    """Its JSON service posts title and text; what it does not know, or cannot reach, is a failure."""
    address = f"json://127.0.0.1:{http.server_address[1]}/in"
    AppriseServices(kind="apprise", urls=[address]).send(MESSAGE, 0)
    ((_, _, body),) = http.came

    assert json.loads(body)["title"] == MESSAGE.subject
    http.answers = [500]
    for urls in ([address], ["nothing://known"]):
        with pytest.raises(DeliveryFailed):
            AppriseServices(kind="apprise", urls=urls).send(MESSAGE, 0)


def test_the_log_gets_every_line_with_the_key(caplog):
    """What was told can be found again."""
    with caplog.at_level(logging.INFO):
        LogLine().send(MESSAGE, 0)

    assert [record.getMessage() for record in caplog.records] == [
        "notification msg_1: P1 raised: it is wärm",
        "notification msg_1: and more",
    ]
