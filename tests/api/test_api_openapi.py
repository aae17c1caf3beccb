"""The OpenAPI document and the reference page made from it."""

import re

import pytest
from fastapi.openapi.models import OpenAPI
from jsonschema import Draft202012Validator

from iotops.api.openapi import api_routes
from iotops.api.problems import PROBLEMS
from iotops.api.strict import known_parameters


@pytest.fixture
def document(client):
    return client.get("/api/v1/openapi.json").json()


def operations(document):
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_document_is_valid_openapi(document):
    """It parses as OpenAPI 3.1, and every reference in it leads somewhere."""
    OpenAPI.model_validate(document)

    schemas = document["components"]["schemas"]
    references = re.findall(r'"#/components/schemas/([^"]+)"', str(document).replace("'", '"'))
    assert set(references) <= schemas.keys()
    assert document["openapi"].startswith("3.1")
    titles = [schema["title"] for schema in schemas.values()]
    assert len(titles) == len(set(titles)), "two shapes of one name: generated clients would lose one of them"


def test_the_parameters_that_are_accepted_are_those_of_the_document(app, document):
    """Requests are held to the document without making it, which takes half a second of each process."""
    accepted = {route.operation_id: known_parameters(route.original_route.dependant) for route in api_routes(app)}
    told = {
        operation["operationId"]: {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
        for _, _, operation in operations(document)
    }

    assert {name: accepted[name] for name in told} == told
    assert any(told.values())


def test_every_operation_has_an_id_of_its_own_and_a_summary(document):
    """Generated clients name their functions after it."""
    found = [operation["operationId"] for _, _, operation in operations(document)]

    assert len(found) == len(set(found))
    assert all(re.fullmatch(r"[a-z_]+", name) for name in found)
    assert all(operation["summary"] and operation["tags"] for _, _, operation in operations(document))


def test_every_operation_documents_its_problems_as_problems(document):
    """No operation promises the framework's own error shape."""
    for method, path, operation in operations(document):
        refusals = {status: answer for status, answer in operation["responses"].items() if int(status) >= 400}
        assert {"400", "422", "500", "503"} <= refusals.keys(), (method, path)
        assert all(list(answer["content"]) == ["application/problem+json"] for answer in refusals.values())
        if path.startswith("/api/v1/") and "x-role" in operation:
            assert {"401", "403"} <= refusals.keys(), (method, path)
    assert "HTTPValidationError" not in str(document)


def test_what_the_contract_lists_is_there(document):
    """The resources of the incident loop, with their methods."""
    listed = {
        "/incidents": {"get", "post"},
        "/incidents/{number}": {"get", "patch"},
        "/incidents/{number}/timeline": {"get"},
        "/incidents/{number}/evidence": {"get"},
        "/alerts": {"get"},
        "/alerts/{alert_id}": {"get"},
        "/devices": {"get"},
        "/devices/{site}/{device}": {"get", "patch"},
        "/devices/{site}/{device}/telemetry": {"get"},
        "/rules": {"get"},
        "/rules/{rule_id}": {"get"},
        "/rules/check": {"post"},
        "/rules/test": {"post"},
        "/rules/backtest": {"post"},
        "/rules/stats": {"get"},
        "/dead-letters": {"get"},
        "/tokens": {"get", "post"},
        "/audit": {"get"},
        "/stream": {"get"},
    } | {
        f"/incidents/{{number}}/{action}": {"post"}
        for action in ["acknowledge", "assign", "hold", "resume", "resolve", "reopen", "cancel", "close", "comments"]
    }

    there = {path.removeprefix("/api/v1"): set(methods) for path, methods in document["paths"].items()}

    assert {path: there.get(path) for path in listed} == listed


def test_the_reference_page_shows_every_operation_and_every_problem(client, document):
    """Made from the document, with nothing from another host and no script."""
    page = client.get("/docs").text

    assert all(f'id="{operation["operationId"]}"' in page for _, _, operation in operations(document))
    assert all(f'id="{code}"' in page for code in PROBLEMS)
    assert "freezer_warm\\n    when" in page
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)
    assert client.get("/docs/reference.css").headers["content-type"].startswith("text/css")


def bodies(document):
    """Yield who says it, its schema and its example, for each JSON body of a request or of a success."""
    for _, _, operation in operations(document):
        answers = {status: answer for status, answer in operation["responses"].items() if status.startswith("2")}
        for said, told in [("request", operation.get("requestBody", {})), *answers.items()]:
            content = told.get("content", {}).get("application/json")
            if content is not None:
                yield (operation["operationId"], said), content.get("schema", {}), content["example"]


def test_every_json_body_has_an_example_that_its_schema_allows(document):
    """Requests and successes alike; problems have one for each code that the operation names."""
    for said, schema, example in bodies(document):
        faults = Draft202012Validator({**schema, "components": document["components"]}).iter_errors(example)
        assert [fault.message for fault in faults] == [], said
    for _, _, operation in operations(document):
        refusals = [
            answer for status, answer in operation["responses"].items() if status >= "3" and "content" in answer
        ]
        assert all(answer["content"]["application/problem+json"]["examples"] for answer in refusals)
    assert document["components"]["examples"].keys() == PROBLEMS.keys()


def test_what_an_example_sends_is_understood(client, document):
    """Sent as it stands, no example is refused for its form; what it speaks of need not exist."""
    client.post("/api/v1/incidents", {"title": "door", "site": "paris"})
    misunderstood = {}
    for method, path, operation in operations(document):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body is not None:
            target = re.sub(r"\{[^}]+\}", "1", path)
            answer = client.request(method.upper(), target, json=body["example"], headers={"If-Match": "*"})
            if answer.status_code not in {200, 201, 404, 409}:
                misunderstood[operation["operationId"]] = answer.text

    assert misunderstood == {}
