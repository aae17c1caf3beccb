"""Abuse of the API and of what goes out: injection, scripts, guesses, mass assignment, sizes, addresses."""

import asyncio
import gzip
import importlib.metadata
import logging
import re
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from iotops.api.app import create_app
from iotops.api.openapi import api_routes
from iotops.errors import DeliveryFailed
from iotops.incidents.deadlines import Policy
from iotops.incidents.incident import Actor
from iotops.logs import OneLine
from iotops.notify.channels.webhook import Webhook
from iotops.notify.message import Message
from iotops.settings import ApiSettings, RulesSettings, Settings
from iotops.store import audit, deeds, incidents, sessions, tokens
from iotops.store.database import Database
from iotops.store.tables import METADATA

ROOT = Path(__file__).resolve().parents[2]
INJECTIONS = (
    "' OR 1=1 --",
    "'; DROP TABLE incident; --",
    '" UNION SELECT hash FROM api_token --',
    "1) OR (1=1",
    "%' ESCAPE '",
    "\\",
    "{{7*7}}",
)


@pytest.fixture
def database(request, tmp_path):
    """A database of SQLite, or of both kinds for a test that asks for `database_url`."""
    both = "database_url" in request.fixturenames
    opened = Database.open(request.getfixturevalue("database_url") if both else f"sqlite:///{tmp_path / 'api.db'}")
    opened.upgrade()
    yield opened
    opened.close()


@pytest.fixture
def ask(database, tmp_path):
    """Send requests with an admin's token, or with what is given; limits are another test's subject."""
    (tmp_path / "rules").mkdir()
    settings = Settings(rules=RulesSettings(directory=tmp_path / "rules"), api=ApiSettings(requests_per_s=0))
    app = create_app(database, settings)
    with database.begin() as unit:
        _, text = tokens.create(unit, "admin", now_ms=1_000, name="ana")

    async def send(method, path, token, **options):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://iotops.test", trust_env=False) as client:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            return await client.request(method, path, headers={**headers, **options.pop("headers", {})}, **options)

    with asyncio.Runner() as runner:

        def asked(method, path, token=text, **options):
            return runner.run(send(method, path if path.startswith("/health") else f"/api/v1{path}", token, **options))

        asked.app = app
        yield asked


def raise_incident(database, title):
    with database.begin() as unit:
        return incidents.create(unit, Actor("token", "ana"), 1_000, title=title, site="s", policy=Policy()).number


@pytest.mark.usefixtures("database_url")
def test_no_parameter_reaches_the_database_as_sql(ask, database):
    """A09: every list, filter, sort and path takes hostile text as text: it is refused, or finds nothing."""
    raise_incident(database, "it leaks")
    lists = [
        (route.path.removeprefix("/api/v1"), [field.alias for field in route.dependant.query_params])
        for route in api_routes(ask.app)
        if "GET" in route.methods and "{" not in route.path and route.path.startswith("/api/v1/")
    ]
    tried = 0

    for path in [path for path, _ in lists if path not in ("/stream", "/openapi.json")]:
        for name in ("q", "sort", "site", "device", "state", "cursor", "by", "id", "since"):
            for text in INJECTIONS[: 1 if name != "q" else None]:
                answer = ask("GET", path, params={name: text})
                assert answer.status_code in (200, 400, 422), (path, name, text, answer.text)
                tried += answer.status_code == 200
    for path in ("/devices/s/{}/telemetry?metric=x", "/incidents/{}", "/alerts/{}", "/tokens/{}", "/rules/{}"):
        for text in INJECTIONS:
            assert ask("GET", path.format(text.replace("/", "%2F"))).status_code in (400, 404, 422)

    assert tried > 20
    assert ask("GET", "/incidents").json()["items"][0]["title"] == "it leaks"
    assert ask("GET", "/incidents", params={"q": "' OR 1=1 --"}).json()["items"] == []
    with database.read() as unit:
        assert all(unit.connection.execute(table.select().limit(1)) is not None for table in METADATA.sorted_tables)


def test_what_devices_and_people_write_does_nothing_where_it_is_shown(ask, database, capsys):
    """A10: CSV holds no formula, log lines cannot be forged, every answer forbids scripts and sniffing."""
    for title in ('=cmd|"/c calc"!A1', "+1", "-1", "@SUM(A1)", "\tx", "<img src=x onerror=alert(1)>"):
        raise_incident(database, title)

    table = ask("GET", "/incidents.csv")
    answer = ask("GET", "/incidents")
    line = OneLine().format(logging.makeLogRecord({"msg": "topic %s", "args": ("a\n2026 ERROR forged\x1b[2J\u202e",)}))

    cells = [cell for row in table.text.splitlines() for cell in re.findall(r'(?:^|,)"?([^",]*)', row)]
    assert not [cell for cell in cells if cell[:1] in {"=", "+", "-", "@", "\t"}]
    assert table.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-type"] == "application/json"
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert line.isprintable()


MESSAGE = Message("msg_1", "subject", "text", {"a": 1})
SECRET = "whsec_" + "A" * 40


def hook(monkeypatch, url, **options):
    monkeypatch.setenv("HOOK", SECRET)
    return Webhook(kind="webhook", url=url, secrets=["${env:HOOK}"], **options)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "169.254.169.254", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1", "[::1]"),
        *("10.1.2.3", "192.168.0.1", "0.0.0.0", "[fd00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "224.0.0.1"),
    ],
)
def test_a_webhook_reaches_nothing_private_however_it_is_spelled(monkeypatch, host):
    """A11: nothing is connected to; not even our own API."""
    monkeypatch.setattr("iotops.notify.channels.webhook._post", _never)

    with pytest.raises(DeliveryFailed, match=r"not a public address|cannot be reached"):
        hook(monkeypatch, f"https://{host}/in").send(MESSAGE, 1_000)


async def _never(*_):
    pytest.fail("something was sent")


def test_a_name_that_points_elsewhere_a_moment_later_leads_nowhere(monkeypatch):
    """A11: the name is asked for once; the address that was judged is the one that is connected to."""
    answers, connected = ["9.9.9.9", "127.0.0.1"], []

    def resolve(host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers.pop(0), port))]

    async def handle(_self, request):
        connected.append((request.url.host, request.headers["host"], request.extensions["sni_hostname"]))
        return httpx.Response(200)

    monkeypatch.setattr("iotops.notify.channels.webhook.socket.getaddrinfo", resolve)
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", handle)
    hook(monkeypatch, "https://rebind.example.org/in").send(MESSAGE, 1_000)

    assert connected == [("9.9.9.9", "rebind.example.org", "rebind.example.org")]
    with pytest.raises(DeliveryFailed, match="not a public address"):
        hook(monkeypatch, "https://rebind.example.org/in").send(MESSAGE, 1_000)


def test_one_private_address_among_several_is_one_too_many(monkeypatch):
    """A11: which of a name's addresses is tried first is not left to whoever owns the name."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("9.9.9.9", "10.0.0.1")]
    monkeypatch.setattr("iotops.notify.channels.webhook.socket.getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr("iotops.notify.channels.webhook._post", _never)

    with pytest.raises(DeliveryFailed, match="not a public address"):
        hook(monkeypatch, "https://mixed.example.org/in").send(MESSAGE, 1_000)


@pytest.mark.parametrize(
    ("host", "passes"), [("10.1.2.3", True), ("[::ffff:10.1.2.3]", True), ("10.1.3.1", False), ("127.0.0.1", False)]
)
def test_the_allow_list_opens_what_it_names_and_nothing_else(monkeypatch, host, passes):
    """A11: `allow` names networks; https stays demanded."""
    went = []

    async def post(_url, address, *_):
        went.append(address)
        return 200

    monkeypatch.setattr("iotops.notify.channels.webhook._post", post)
    channel = hook(monkeypatch, f"https://{host}/in", allow=["10.1.2.0/24"])
    try:
        channel.send(MESSAGE, 1_000)
    except DeliveryFailed:
        went.clear()
    with pytest.raises(DeliveryFailed, match="https://"):
        hook(monkeypatch, "http://10.1.2.3/in", allow=["10.1.2.0/24"]).send(MESSAGE, 1_000)

    assert bool(went) == passes


JWT_NONE = "eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ."


def test_forged_tokens_open_nothing(ask, database):
    """A13: no token of another make, no prefix of a real one, no digest from the database opens anything."""
    with database.begin() as unit:
        token, text = tokens.create(unit, "admin", now_ms=1_000)
        stored = unit.connection.exec_driver_sql("SELECT hash FROM api_token").scalars().all()
    forged = [
        JWT_NONE,
        text[:-1],
        text + "x",
        text.swapcase(),
        f"iot_{token.id}_{stored[0]}",
        f"iot_{token.id}_",
        stored[0],
    ]

    answers = [ask("GET", "/tokens", token) for token in forged[:8]]

    assert [answer.status_code for answer in answers] == [401] * len(forged)
    assert len({answer.json()["detail"] for answer in answers}) == 1  # which part was wrong is not told


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/tokens", {"role": "viewer", "id": "x"}),
        ("POST", "/tokens", {"role": "viewer", "revoked_at": None}),
        ("POST", "/incidents", {"title": "x", "state": "closed"}),
        ("POST", "/incidents", {"title": "x", "number": "INC-1"}),
        ("PATCH", "/incidents/1", {"version": 9}),
        ("PATCH", "/incidents/1", {"raised_at": "2020-01-01T00:00:00Z"}),
        ("PATCH", "/devices/s/d", {"site": "other"}),
    ],
)
def test_members_that_are_not_the_callers_to_set_are_refused(ask, database, method, path, body):
    """A13: what a body may hold is listed; anything more is 422, and nothing changes."""
    raise_incident(database, "it leaks")

    answer = ask(method, path, json=body, headers={"If-Match": "*"})

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


def test_sizes_verbs_and_foreign_pages_are_refused(ask):
    """A13: pages, bodies, encodings and methods have bounds; no foreign page is told that it may read an answer."""
    gzipped = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    answers = {
        "page": ask("GET", "/incidents?limit=1000000"),
        "body": ask("POST", "/incidents", content=b" " * (2 << 20), headers={"Content-Type": "application/json"}),
        "gzip": ask("POST", "/incidents", content=gzip.compress(b'{"title": "x"}'), headers=gzipped),
        "verb": ask("TRACE", "/incidents"),
        "put": ask("PUT", "/incidents/1", json={}),
        "override": ask("GET", "/tokens/x", headers={"X-HTTP-Method-Override": "DELETE"}),
        "cors": ask(
            "OPTIONS", "/incidents", headers={"Origin": "https://evil", "Access-Control-Request-Method": "GET"}
        ),
    }

    codes = {name: answer.status_code for name, answer in answers.items()}
    assert codes.pop("gzip") in (400, 415, 422)
    assert codes == {"page": 422, "body": 413, "verb": 405, "put": 405, "override": 404, "cors": 405}
    assert not any("access-control-allow-origin" in answer.headers for answer in answers.values())
    assert "version" not in ask("GET", "/health/live", None).text


def test_a_session_is_never_the_one_that_was_there_before(ask):
    """A14: a cookie that somebody planted is not adopted; signing in again ends the session before, ours or theirs."""
    planted = "ses000000000000_" + "x" * 43
    first = ask("POST", "/session", headers={"Cookie": f"iotops_session={planted}"})
    mine = first.cookies["iotops_session"]
    again = ask("POST", "/session", headers={"Cookie": f"iotops_session={mine}"}).cookies["iotops_session"]

    def lets_in(cookie):
        return ask("GET", "/session", None, headers={"Cookie": f"iotops_session={cookie}"}).status_code == 200

    assert len({planted, mine, again}) == 3
    assert [lets_in(planted), lets_in(mine), lets_in(again)] == [False, False, True]


def test_a_session_does_not_outlive_its_hours(ask):
    """A14: twelve hours after signing in it is over, however busy it was; its token goes on."""
    mine = ask("POST", "/session").cookies["iotops_session"]
    context, statuses = ask.app.state.context, []
    began_ms = context.now_ms()

    for later_ms in (sessions.LASTS_MS - 60_000, sessions.LASTS_MS + 60_000):
        ask.app.state.context = replace(context, now_ms=lambda at=began_ms + later_ms: at)
        statuses.append(ask("GET", "/session", None, headers={"Cookie": f"iotops_session={mine}"}).status_code)

    assert sessions.LASTS_MS == 12 * 3_600_000
    assert statuses == [200, 401]
    assert ask("GET", "/session").status_code == 200


def test_half_a_cookie_ends_nobodys_session(ask):
    """A14: knowing the id of a session is not knowing the session."""
    mine = ask("POST", "/session").cookies["iotops_session"]

    ask("POST", "/session", headers={"Cookie": f"iotops_session={mine.partition('_')[0]}_guess"})

    assert ask("GET", "/session", None, headers={"Cookie": f"iotops_session={mine}"}).status_code == 200


def test_both_chains_are_whole_after_all_that(ask, database):
    """A15: what was tried, done and denied is in chains that hold; the tests of the store say how each breaks."""
    raise_incident(database, "it leaks")
    ask("POST", "/tokens", json={"role": "viewer"})
    ask("POST", "/incidents/1/acknowledge", json={})

    with database.read() as unit:
        assert (audit.verify(unit), deeds.verify(unit)) == (None, None)
        assert deeds.head(unit).seq == 2


FREE = re.compile(
    r"MIT|BSD|Apache|ISC|PSF|Python|MPL|LGPL|Lesser|EPL|Eclipse|Unlicense|HPND|0BSD|Public Domain|CC0", re.IGNORECASE
)


def test_what_is_installed_is_locked_by_hash_and_free(tmp_path):
    """A16: every requirement is pinned with a hash, from no other index, under a licence that may be used."""
    lock = (ROOT / "requirements.lock").read_text()
    blocks = re.split(r"\n(?=[a-zA-Z])", lock)
    pinned = [block for block in blocks if re.match(r"[A-Za-z0-9_.-]+(\[[^]]*\])?==", block)]
    names = [re.split(r"[\[=]", block)[0] for block in pinned]

    assert len(pinned) > 20
    assert [block.split()[0] for block in pinned if "--hash=sha256:" not in block] == []
    assert not re.search(
        r"--(extra-)?index-url|--trusted-host|git\+|https?://",
        "".join(x for x in lock.splitlines(True) if not x.lstrip().startswith("#")),
    )
    told = {}
    for name in names:
        try:
            about = importlib.metadata.metadata(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another platform
        said = [
            about.get("License-Expression", ""),
            about.get("License", "") or "",
            *(about.get_all("Classifier") or []),
        ]
        told[name] = " ".join(said)
    assert [name for name, said in told.items() if not FREE.search(said)] == []


def test_nothing_is_fetched_when_it_starts():
    """A16: importing every process's code opens no connection and looks up no name."""
    script = (
        "import sys\n"
        "def hook(event, args):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo'): sys.exit(f'{event} {args}')\n"
        "sys.addaudithook(hook)\n"
        "import iotops.wiring.receiving, iotops.wiring.answering, iotops.cli.demo\n"
    )

    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
