"""The OpenAPI 3.1 document: the framework's, completed with what every endpoint shares.

Committed as `api/openapi.json` by tools/openapi.py; a test holds the two equal.
"""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from fairlead.edge.api.problems import MEDIA_TYPE, ProblemDocument

DESCRIPTION: Final = """\
The control plane of a global IoT fleet. The tenant comes from the token; ids carry their kind
(`dev_…`, `chg_…`); lists are keyset pages (`next` is sent back as `cursor`); edits send the `ETag`
they read as `If-Match`; `Idempotency-Key` makes a write safe to repeat for 24 hours; long work is
answered with 202 and a job. Every error is a problem document (RFC 9457) that names the field, the
value and what was expected.
"""

TAGS: Final = (
    ("fleet", "The tenant and its fleet in figures, each with its age"),
    ("devices", "Things in the field: identity, bindings, facts"),
    ("subscriptions", "What was bought for a SIM, and what the carrier says"),
    ("carriers", "Carrier accounts and their credentials"),
    ("imports", "CSV files: whole or not at all"),
    ("jobs", "Long work"),
    ("policies", "What should be"),
    ("plans", "What would happen"),
    ("changes", "What happens: stages, proof, rollback"),
    ("bulk", "One verb asked of many lines, with a result a line"),
    ("findings", "What insight concluded, with evidence"),
    ("people", "Principals, sign-in, tokens"),
    ("journal", "What was done, provably"),
    ("views", "Saved views of the console's screens"),
    ("events", "What moves, as it moves: nudges to look again"),
    ("reference", "Countries, networks, rules, tables, facts. Not legal advice"),
    ("clock", "What time it is in this house"),
    ("health", "For load balancers and monitoring"),
)

_PROBLEM: Final = {"$ref": "#/components/schemas/ProblemDocument"}
_FIRST_ERROR: Final = 400


def describe(app: FastAPI) -> None:
    """Give the application its complete document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _complete(app)
        return app.openapi_schema

    app.openapi = document  # pyright: ignore[reportAttributeAccessIssue] - the framework's own way to replace it


def _complete(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        description=DESCRIPTION,
        routes=app.routes,
        tags=[{"name": name, "description": description} for name, description in TAGS],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    components = found.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas |= _problem_schemas()
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token of a person or a program"},
        "session": {"type": "apiKey", "in": "cookie", "name": "fairlead_session", "description": "A browser session"},
    }
    found["security"] = [{"token": []}, {"session": []}]
    for operations in found["paths"].values():
        for operation in operations.values():
            _problems(operation["responses"])
    return found


def _problems(responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        if status.isdigit() and int(status) >= _FIRST_ERROR and int(status) != 503:  # noqa: PLR2004 - /readyz tells its own
            response["content"] = {MEDIA_TYPE: {"schema": _PROBLEM}}
    responses.setdefault("default", {"description": "Any other error", "content": {MEDIA_TYPE: {"schema": _PROBLEM}}})


def _problem_schemas() -> dict[str, Any]:
    schema = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    inner: dict[str, Any] = schema.pop("$defs", {})
    return {**inner, "ProblemDocument": schema}
