"""Shadow messages: their fields, and how they read and write as JSON.

Messages are msgspec structs rather than dataclasses: they are written thousands of times a
second. Requests are read by the server and so checked to the last field, each refusal with the
code and the token that go back to the device; answers are read by devices.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final, Self, TypeVar, cast

import msgspec

from fairlead.wire.shadow.json import STATE_DEPTH, STATE_LIMIT_BYTES, Json, ShadowError, State, parse

REQUEST_LIMIT_BYTES: Final = STATE_LIMIT_BYTES + 1_024  # room for version and token
ANSWER_LIMIT_BYTES: Final = 65_536  # a documents message holds two states and their metadata
TOKEN_LIMIT_BYTES: Final = 64
_LARGEST: Final = 2**63 - 1
_REQUEST_DEPTH: Final = STATE_DEPTH + 2  # the message and its `state` stand around it
_ANSWER_DEPTH: Final = STATE_DEPTH + 4  # message, `current`, `metadata` around it, and a stamp at each leaf


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Any shadow message; `client_token` is the requester's own mark, given back in the answers."""

    client_token: str | None = None

    def encode(self) -> bytes:
        """The message as JSON; fields that are None are left out."""
        return msgspec.json.encode(self)


# --- requests ----------------------------------------------------------------------------------


class GetRequest(Message, frozen=True, kw_only=True):
    """Tell me the whole shadow. The payload may be empty."""

    def encode(self) -> bytes:
        """Empty without a token."""
        return b"" if self.client_token is None else super().encode()


class DeleteRequest(GetRequest, frozen=True, kw_only=True):
    """Forget the shadow. The payload may be empty."""


class UpdateRequest(Message, frozen=True, kw_only=True):
    """What the device reports: a patch in which null deletes. `reported` None forgets all that was reported."""

    reported: State | None
    version: int | None = None  # the version that the device believes it changes; another one is a 409
    timestamp: int | None = None  # ours: when the device said it, by any clock or counter of its own that only grows

    def encode(self) -> bytes:
        """`reported` goes below `state`."""
        body: dict[str, Json] = {"state": {"reported": self.reported}}
        if self.version is not None:
            body["version"] = self.version
        if self.timestamp is not None:
            body["timestamp"] = self.timestamp
        if self.client_token is not None:
            body["clientToken"] = self.client_token
        return msgspec.json.encode(body)


# --- answers -----------------------------------------------------------------------------------


class UpdateAccepted(Message, frozen=True, kw_only=True):
    """The update is committed. `state` and `metadata` repeat what it changed: `{"reported": …}`."""

    state: State
    metadata: State
    version: int
    timestamp: int


class GetAccepted(Message, frozen=True, kw_only=True):
    """The whole shadow: `state` has `desired`, `reported` and, where they differ, `delta`."""

    state: State
    metadata: State
    version: int
    timestamp: int


class DeleteAccepted(Message, frozen=True, kw_only=True):
    """The shadow is forgotten."""

    version: int
    timestamp: int


class Rejected(Message, frozen=True, kw_only=True):
    """The request was refused and changed nothing."""

    code: int  # 400 401 403 404 409 413 415 429 500
    message: str
    timestamp: int

    @classmethod
    def of(cls, refusal: ShadowError, *, timestamp: int) -> Self:
        """The message that tells a device why it was refused."""
        return cls(code=refusal.code, message=refusal.message, timestamp=timestamp, client_token=refusal.client_token)


class Delta(Message, frozen=True, kw_only=True):
    """What the device should change: the part of `desired` that `reported` does not have."""

    state: State
    metadata: State
    version: int
    timestamp: int


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A shadow at one version; `state` has `desired` and `reported`."""

    state: State
    metadata: State
    version: int


class Documents(Message, frozen=True, kw_only=True):
    """Before and after an update. `previous` is None at the first."""

    current: Snapshot
    previous: Snapshot | None = None
    timestamp: int


# --- reading requests --------------------------------------------------------------------------


def read_update(data: bytes) -> UpdateRequest:
    """Read what a device reports. Raises `ShadowError`: 400, 403 (it wrote `desired`), 413 or 415."""
    body = _request(data)
    with _answering(body) as token:
        _only(body, ("state", "version", "timestamp", "clientToken"), "The message")
        return UpdateRequest(
            reported=_reported(body),
            version=_whole(body, "version"),
            timestamp=_whole(body, "timestamp"),
            client_token=token,
        )


def read_get(data: bytes) -> GetRequest:
    """Read a request for the whole shadow. Raises `ShadowError`."""
    return GetRequest(client_token=_bare_request(data))


def read_delete(data: bytes) -> DeleteRequest:
    """Read a request to forget the shadow. Raises `ShadowError`."""
    return DeleteRequest(client_token=_bare_request(data))


def _bare_request(data: bytes) -> str | None:
    if not data:
        return None
    body = _request(data)
    with _answering(body) as token:
        _only(body, ("clientToken",), "The message")
        return token


@contextmanager
def _answering(body: State) -> Generator[str | None]:
    """The request's token, which goes into every refusal from here on."""
    token = _token(body)
    try:
        yield token
    except ShadowError as refusal:
        refusal.client_token = token
        raise


def _reported(body: State) -> State | None:
    if "state" not in body:
        raise ShadowError(400, "Missing required node: state")
    if not isinstance(body["state"], dict):
        raise ShadowError(400, "State node must be an object")
    state = cast("State", body["state"])
    if "desired" in state:
        raise ShadowError(403, "Forbidden: desired is not the device's to write")
    _only(state, ("reported",), "State")
    if "reported" not in state:
        raise ShadowError(400, "Missing required node: state.reported")
    size = len(msgspec.json.encode(state))
    if size > STATE_LIMIT_BYTES:
        raise ShadowError(413, f"The payload of {size} bytes exceeds the maximum size allowed, {STATE_LIMIT_BYTES}")
    if state["reported"] is None:
        return None
    if not isinstance(state["reported"], dict):
        raise ShadowError(400, "Reported node must be an object")
    return cast("State", state["reported"])


def _request(data: bytes) -> State:
    body = parse(data, limit_bytes=REQUEST_LIMIT_BYTES, depth=_REQUEST_DEPTH)
    if not isinstance(body, dict):
        raise ShadowError(400, "The message must be a JSON object")
    return body


def _token(body: State) -> str | None:
    token = body.get("clientToken")
    if token is None and "clientToken" not in body:
        return None
    if not isinstance(token, str) or not 0 < len(token.encode()) <= TOKEN_LIMIT_BYTES:
        raise ShadowError(400, f"Invalid clientToken: expected a string of 1 to {TOKEN_LIMIT_BYTES} bytes")
    return token


def _whole(body: State, name: str) -> int | None:
    if name not in body:
        return None
    number = body[name]
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= _LARGEST:
        raise ShadowError(400, f"Invalid {name}: expected a whole number, not negative, below 2^63")
    return number


def _only(body: State, known: tuple[str, ...], where: str) -> None:
    for key in body:
        if key not in known:
            raise ShadowError(400, f"{where} contains an invalid node: {key!r}; expected {', '.join(known)}")


# --- reading answers ---------------------------------------------------------------------------


_Answer = TypeVar("_Answer", UpdateAccepted, GetAccepted, DeleteAccepted, Rejected, Delta, Documents)


def read_answer(data: bytes, kind: type[_Answer]) -> _Answer:
    """Read one kind of answer, chosen by the topic it came on; unknown fields are ignored. Raises `ShadowError`."""
    body = parse(data, limit_bytes=ANSWER_LIMIT_BYTES, depth=_ANSWER_DEPTH)
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as refusal:
        raise ShadowError(400, f"This is not the answer expected: {refusal}") from None
