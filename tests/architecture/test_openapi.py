"""The committed OpenAPI document is the application's, and says what a client needs of every endpoint."""

import json
from pathlib import Path

from fairlead.edge.api.app import create_app
from fairlead.edge.api.door import Services
from fairlead.engine.timekeeper import Timekeeper
from fairlead.model.device import RESERVED_NAMES

COMMITTED = Path(__file__).parents[2] / "api" / "openapi.json"


def document() -> dict:
    return create_app(Services(Timekeeper())).openapi()


def operations():
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def test_the_committed_document_is_current():
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == document(), "run python tools/openapi.py"


def test_every_operation_is_named_described_and_tagged():
    known = {tag["name"] for tag in document()["tags"]}
    seen = 0
    for name, operation in operations():
        seen += 1
        assert operation.get("summary"), name
        assert operation.get("description"), name
        assert set(operation["tags"]) <= known, name
        assert len(operation["tags"]) == 1, name
    assert seen > 40


def test_every_error_is_a_problem_document():
    for name, operation in operations():
        for status, response in operation["responses"].items():
            if status == "default" or (status.startswith(("4", "5")) and status != "503"):
                assert list(response["content"]) == ["application/problem+json"], (name, status)


def test_every_reference_resolves():
    whole = document()
    assert whole["openapi"].startswith("3.1")
    schemas = whole["components"]["schemas"]
    text = json.dumps(whole)
    named = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= set(schemas)
    assert "HTTPValidationError" not in schemas
    operation_ids = [operation["operationId"] for _, operation in operations()]
    assert len(set(operation_ids)) == len(operation_ids)


def test_no_device_has_the_name_of_another_address():
    beside = {path.split("/")[3] for path in document()["paths"] if path.startswith("/v1/devices/")}
    assert {word for word in beside if not word.startswith("{")} == RESERVED_NAMES
