"""What ThingSpace's callback services post to us. Pure.

A callback is registered with a user name and a password, which stand in each message as plain text:
that is all that proves a sender, so the address should be hard to guess as well. A message answers a
request by its `requestId`, with a `deviceResponse` or a `faultResponse`, or tells something unasked,
such as that a suspension will end. It is sent up to four times, five minutes apart and each time with
another `callbackCount`, and may overtake another: a reason to read, never a proof.

When a suspension ends by itself is told here and nowhere else: `expectedResumeDate` in the answer to
a suspension, and seven days before it in a comment of `ResumeTrackingNotification`.
"""

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from fairlead.connectors._kit.reading import Fields, as_object
from fairlead.connectors.thingspace.translate import already, kinds_of, why_not
from fairlead.engine.ports.carrier import BadSignature, Heard, ProviderId, RawReply, ReasonCode, Refused, Secret
from fairlead.model.identifiers import Iccid, Imsi, MalformedIdentifier, read_iccid, read_imsi
from fairlead.model.subscription import SubscriptionState, SubscriptionStatus

_LONGEST: Final = 100_000
_APART: Final = frozenset({"username", "password", "callbackCount"})  # the proof; and how often it was sent
_RESUMES: Final = re.compile(r"auto resumed on\s*-?\s*(\d{1,2})/(\d{1,2})/(\d{4})", re.IGNORECASE)
Kind = Literal["state", "session", "usage", "sms", "operation", "device", "unknown"]
_KINDS: Final[Mapping[str, Kind]] = {
    "deviceResponse": "operation", "faultResponse": "operation", "smsDeliveryConfirmation": "sms",
    "deviceSuspendStatus": "state", "externalProvisioningChange": "state", "usageResponse": "usage",
    "niddResponse": "device",
}  # fmt: skip


def heard(body: bytes, secrets: Mapping[str, Secret]) -> tuple[Heard, ...]:
    """The one event of a message. Raises `BadSignature`."""
    if len(body) > _LONGEST:
        raise BadSignature(f"expected at most {_LONGEST} bytes")
    try:
        value = as_object(msgspec.json.decode(body))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        value = None
    if value is None:
        raise BadSignature("expected a callback message")
    _prove(value, secrets)
    kept = {name: one for name, one in value.items() if name not in _APART}
    message = Fields(kept, [])
    ids = kinds_of(message.value("deviceIds"))
    word = next((name for name in kept if name in _KINDS), "")
    request, comment = message.text("requestId"), message.text("comment")
    if not (ids or request):
        raise BadSignature("expected a request or a device in a callback message")
    resumes = _expected(message) or _resumes(comment)
    raw = msgspec.json.encode(kept).decode()[:4000]
    iccid = ids.get("iccid")
    return (
        Heard(
            kind=_kind(word, resumes),
            word=_word(message, word) or comment or message.text("status") or "callback",
            raw=raw,
            sim=ProviderId(iccid) if iccid else None,
            iccid=_iccid(iccid),
            imsi=_imsi(ids.get("imsi")),
            event=f"{request} {iccid or ''}".strip(),
            reference=request,
            outcome=_fault(message, raw),
            status=_suspended(resumes),
        ),
    )


def _kind(word: str, resumes: datetime | None) -> Kind:
    found = _KINDS.get(word)
    if found is not None:
        return found
    return "state" if resumes else "unknown"


def _prove(value: Mapping[str, object], secrets: Mapping[str, Secret]) -> None:
    """Both texts, each compared in constant time; an account without them hears nothing."""
    wanted = [secrets.get(name) for name in ("callback_username", "callback_password")]
    given = [value.get(name) for name in ("username", "password")]
    if not all(wanted):
        raise BadSignature("the account has no callback_username and callback_password, so nothing proves a sender")
    same = [
        isinstance(text, str) and secret is not None and hmac.compare_digest(text.encode(), secret.reveal().encode())
        for text, secret in zip(given, wanted, strict=True)
    ]
    if not all(same):
        raise BadSignature("expected the user name and password that the callback was registered with")


def _word(message: Fields, word: str) -> str:
    """Which answer it is: suspendResponse, activateResponse …, or the fault's code."""
    if word == "faultResponse":
        return message.inner(word).text("faultcode") or word
    if word == "deviceResponse":
        return next((name for name in message.inner(word).names() if name.endswith("Response")), word)
    return word


def _fault(message: Fields, raw: str) -> Refused | None:
    """The refusal that a fault is. That it is so already is none: reading shows it."""
    fault = message.inner("faultResponse")
    code = fault.text("faultcode")
    if not code or already(code):
        return None
    detail = fault.text("faultstring") or code
    return Refused(
        reason=why_not(code) or ReasonCode.UNKNOWN, detail=detail[:500], raw=RawReply(status=0, code=code, body=raw)
    )


def _expected(message: Fields) -> datetime | None:
    answers = message.inner("deviceResponse")
    return next((at for name in answers.names() if (at := answers.inner(name).moment("expectedResumeDate"))), None)


def _resumes(comment: str) -> datetime | None:
    found = _RESUMES.search(comment)
    if found is None:
        return None
    month, day, year = (int(part) for part in found.groups())
    try:
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None


def _suspended(resumes: datetime | None) -> SubscriptionStatus | None:
    if resumes is None:
        return None
    return SubscriptionStatus(state=SubscriptionState.SUSPENDED, provider_state="suspend", auto_revert_at=resumes)


def _iccid(text: str | None) -> Iccid | None:
    try:
        return read_iccid(text) if text else None
    except MalformedIdentifier:
        return None


def _imsi(text: str | None) -> Imsi | None:
    try:
        return read_imsi(text) if text else None
    except MalformedIdentifier:
        return None
