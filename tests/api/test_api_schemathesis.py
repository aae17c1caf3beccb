"""The API against its own description: requests made up from the OpenAPI document, answers compared with it."""

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from iotops.api.app import create_app
from iotops.rules.alert import Change
from iotops.settings import ApiSettings, RulesSettings, Settings
from iotops.store.database import Database

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
ROLES = ("viewer", "operator", "author", "admin") if "IOTOPS_SOAK" in os.environ else ("admin",)
# One never ends, some start processes, and two are 503 where no ingest runs, or no broker.
LEFT_OUT = r"^/api/v1/(stream|rules/(\{rule_id\}/)?(backtests?|test)|dead-letters/redrive)$|^/health/ready$"


@pytest.fixture
def database(tmp_path):
    opened = Database.open(f"sqlite:///{tmp_path / 'api.db'}")
    opened.upgrade()
    yield opened
    opened.close()


@pytest.fixture
def described(database, token, machine, a_reading, tmp_path):
    """The document of an API that has something to tell."""
    machine.reads(a_reading(temp=-3.5))
    machine.fires()
    machine.happens(machine.alert(Change.FIRED, device="fz-2"))
    machine.rejects("iot/paris/fz-1/telemetry", b"{")
    (tmp_path / "rules").mkdir()
    unlimited = ApiSettings(requests_per_s=0)  # what comes too fast is another test's subject
    chosen = Settings(rules=RulesSettings(directory=tmp_path / "rules"), api=unlimited)
    app = create_app(database, chosen, version="1.2.3")
    header = {"Authorization": f"Bearer {token('admin')}"}
    found = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app, headers=header)
    return found.exclude(path_regex=LEFT_OUT)


@pytest.mark.parametrize("role", ROLES)
def test_every_answer_is_one_that_the_document_promises(described, token, role):
    """A18: no request that the document allows, or forbids, is answered in a way that it does not tell."""
    headers = {"Authorization": f"Bearer {token(role)}"}
    asked = 0

    for found in described.get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:
            asked += 1
            examine(operation, mode, headers)

    assert asked > 100


def examine(operation, mode, headers):
    """Send requests made up for one operation, and compare each answer with the document."""
    made = operation.as_strategy(generation_mode=mode)

    @settings(
        max_examples=3,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=made)
    def answers(case):
        case.call_and_validate(checks=CHECKS, headers=headers)

    try:
        answers()
    except Unsatisfiable:  # nothing can be wrong about a request without parameters
        assert mode is GenerationMode.NEGATIVE
