"""Every error of the HTTP door as a problem document (RFC 9457), and nothing of our insides.

Endpoints raise `Problem`; validation, routing and unforeseen errors are turned into one here. The
`type` is a URI reference whose last part is the stable name a program may switch on; `errors`
names each field, the value found and what was expected.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, cast

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

MEDIA_TYPE: Final = "application/problem+json"
TYPE_ROOT: Final = "/problems/"
_VALUE_SHOWN: Final = 200

_log = structlog.get_logger("fairlead.edge.api")


class FieldError(BaseModel):
    """One fault of a request."""

    pointer: str | None = Field(default=None, description="JSON pointer into the body, or the parameter's name")
    line: int | None = Field(default=None, description="line of an uploaded file, from 1")
    column: str | None = Field(default=None, description="column of an uploaded file")
    value: Any = Field(default=None, description="what was found, shortened")
    expected: str = Field(description="what was expected there")


class ProblemDocument(BaseModel):
    """RFC 9457 problem details."""

    type: str = Field(examples=["/problems/unknown-device"])
    title: str = Field(examples=["No such device"])
    status: int = Field(examples=[404])
    detail: str = Field(default="", examples=["this tenant has no device named trk-00001"])
    errors: list[FieldError] = Field(default_factory=list[FieldError])
    request_id: str | None = Field(default=None, description="also in the header X-Request-Id and in the log")


class Problem(Exception):
    """An answer that is not the one asked for; raised by endpoints."""

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{status} {kind}: {title}: {detail}")
        self.status = status
        self.kind = kind
        self.title = title
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    def response(self, request_id: str | None = None) -> Response:
        """The problem as an HTTP response."""
        body: dict[str, Any] = {"type": TYPE_ROOT + self.kind, "title": self.title, "status": self.status}
        if self.detail:
            body["detail"] = self.detail
        if self.errors:
            body["errors"] = [error.model_dump(exclude_none=True, mode="json") for error in self.errors]
        if request_id:
            body["request_id"] = request_id
        return JSONResponse(body | self.extra, status_code=self.status, media_type=MEDIA_TYPE, headers=self.headers)


def not_found(noun: str, name: str) -> Problem:
    """404: this tenant has no such thing."""
    return Problem(404, f"unknown-{noun}", f"No such {noun}", f"this tenant has no {noun} {shown(name)!r}")


def invalid(pointer: str, value: object, expected: str, *, title: str = "The request is not valid") -> Problem:
    """422: one field is wrong."""
    found = FieldError(pointer=pointer, value=shown(value), expected=expected)
    return Problem(422, "invalid", title, f"{pointer}: expected {expected}", errors=(found,))


def shown(value: object) -> Any:
    """A value short enough to print back."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _VALUE_SHOWN else text[:_VALUE_SHOWN] + "…"


def install(app: FastAPI) -> None:
    """Turn every error that endpoints raise into a problem; `Bounds` does it for what nobody foresaw."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)


def _id(request: Request) -> str | None:
    return cast("str | None", getattr(request.state, "request_id", None))


async def _problem(request: Request, error: Exception) -> Response:
    return cast("Problem", error).response(_id(request))


async def _validation(request: Request, error: Exception) -> Response:
    return from_validation(cast("RequestValidationError", error)).response(_id(request))


def from_validation(error: RequestValidationError) -> Problem:
    """The faults that the framework found in parameters and body."""
    faults = [
        FieldError(pointer=_pointer(fault["loc"]), value=shown(fault.get("input")), expected=str(fault["msg"]))
        for fault in error.errors()
    ]
    named = ", ".join(sorted({fault.pointer or "body" for fault in faults}))
    return Problem(422, "invalid", "The request is not valid", f"not as expected: {named}", errors=faults)


def _pointer(location: Sequence[str | int]) -> str:
    where, *rest = location
    if where == "body":
        return "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in rest) if rest else ""
    return str(rest[0]) if rest else str(where)


async def _http(request: Request, error: Exception) -> Response:
    found = cast("HTTPException", error)
    status = HTTPStatus(found.status_code)
    detail = found.detail if found.detail != status.phrase else ""
    kind = status.phrase.lower().replace(" ", "-")
    return Problem(status, kind, status.phrase, detail, headers=found.headers).response(_id(request))


def unforeseen(error: Exception, *, path: str, request_id: str) -> Problem:
    """500: the log has everything, the caller nothing but the request's id."""
    _log.error("unforeseen error", path=path, request_id=request_id, exc_info=error)
    return Problem(500, "internal", "Something went wrong here", "the log has the details under this request's id")
