"""A client that is generated from a running server's OpenAPI document, at work against that server."""

import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.real("openapi-python-client")

GENERATOR = Path(__file__).parents[2] / ".venv-client/bin/openapi-python-client"
PACKAGE = "generated_iotops"


@pytest.fixture
def server(deploy, tmp_path, wait_until):
    """A real API process on an empty database."""
    deployment = deploy("mqtt://127.0.0.1:1", f"sqlite:///{tmp_path / 'api.db'}", {})
    deployment.start("api")
    wait_until(lambda: answers(f"{deployment.url}/health/live"), 120, "the API")
    return deployment


def answers(url):
    try:
        return httpx.get(url, timeout=20).is_success
    except httpx.HTTPError:
        return False


@pytest.fixture
def generated(server, tmp_path, monkeypatch):
    """The package that the generator makes of the document, without a warning and without any options of ours."""
    source = ["--url", f"{server.url}/api/v1/openapi.json"]
    target = ["--output-path", tmp_path / PACKAGE, "--meta", "none"]
    made = subprocess.run(
        [GENERATOR, "generate", *source, *target, "--fail-on-warning"],
        env={**os.environ, "PATH": f"{GENERATOR.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    assert "WARNING" not in made.stdout + made.stderr
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module(PACKAGE)
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def part(name):
    """Return a module of the generated package."""
    return importlib.import_module(f"{PACKAGE}.{name}")


def model(module, name):
    """Return a class of the generated package."""
    return getattr(part(f"models.{module}"), name)


def ask(operation, client, *path, **options):
    """Call an operation of /incidents through its generated function."""
    return part(f"api.incidents.{operation}").sync_detailed(*path, client=client, **options)


def test_every_module_of_a_generated_client_can_be_used_and_does_the_work_of_a_shift(generated, server):
    """Pages, versions, many at once and problems, all through types that nobody wrote by hand."""
    modules = [found.name for found in pkgutil.walk_packages(generated.__path__, f"{PACKAGE}.")]
    assert all(importlib.import_module(name) for name in modules)

    with generated.AuthenticatedClient(base_url=server.url, token=server.token) as client:
        numbers = raises_three(client)
        assert walks_pages(client) == numbers
        acknowledges_what_it_has_seen(client, numbers[0])
        assigns_exactly_as_many_as_it_means(client, numbers)
    is_told_what_it_asked_wrongly(generated, server)


def raises_three(client):
    body = model("raise_", "Raise")
    made = [ask("raise_incident", client, body=body(title=f"door {n}", site="paris")) for n in range(3)]
    assert [each.status_code for each in made] == [201, 201, 201]
    return [each.parsed.number for each in made]


def walks_pages(client):
    first = ask("list_incidents", client, sort="raised_at", limit=2, site=["paris", "lyon"]).parsed
    last = ask(
        "list_incidents", client, sort="raised_at", limit=2, site=["paris", "lyon"], cursor=first.next_cursor
    ).parsed
    assert (len(first.items), len(last.items), last.next_cursor) == (2, 1, None)
    return [each.number for each in first.items + last.items]


def acknowledges_what_it_has_seen(client, number):
    """The ETag that was read goes into If-Match; used again it is stale."""
    nothing = model("nothing", "Nothing")()
    seen = ask("get_incident", client, number).headers["ETag"]

    done = ask("acknowledge_incident", client, number, body=nothing, if_match=seen)
    stale = ask("acknowledge_incident", client, number, body=nothing, if_match=seen)

    assert (done.status_code, done.parsed.state.value) == (200, "in_progress")
    assert "resolve" in done.parsed.allowed_actions
    assert (stale.status_code, stale.parsed.code.value) == (412, "stale_version")
    assert isinstance(stale.parsed, model("problem", "Problem"))


def assigns_exactly_as_many_as_it_means(client, numbers):
    """Where the count is another, nothing is done; what cannot be done to one is told for that one."""
    many = model("assign_many", "AssignMany")
    chosen = model("chosen", "Chosen")(site=["paris"])

    wrong = ask(
        "act_on_incidents", client, body=many(action="assign", filter_=chosen, expected_count=2, assignee="ana")
    )
    done = ask(
        "act_on_incidents",
        client,
        body=many(action="assign", numbers=[*numbers, "INC-9"], expected_count=4, team="ops"),
    )

    assert (wrong.status_code, wrong.parsed.code.value) == (409, "conflict")
    assert (done.parsed.done, done.parsed.refused) == (3, 1)
    assert [each.status for each in done.parsed.items] == [200, 200, 200, 404]
    assert [each.incident.team for each in done.parsed.items[:3]] == ["ops"] * 3
    assert [each.incident.assignee for each in done.parsed.items[:3]] == [None] * 3


def is_told_what_it_asked_wrongly(generated, server):
    """A client that knows a parameter which the server does not, and one whose token it does not know."""
    newer = generated.AuthenticatedClient(
        base_url=server.url, token=server.token, httpx_args={"params": {"colour": "red"}}
    )
    stranger = generated.AuthenticatedClient(base_url=server.url, token="iot_nobody")

    with newer, stranger:
        unknown = ask("list_incidents", newer)
        denied = ask("list_incidents", stranger)

    assert (unknown.status_code, unknown.parsed.code.value) == (400, "unknown_parameter")
    assert "state" in unknown.parsed["known"]
    assert "colour" in unknown.parsed.detail
    assert (denied.status_code, denied.parsed.code.value) == (401, "invalid_token")
