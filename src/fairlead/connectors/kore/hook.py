"""What KORE and Twilio post to an account's hook, and what proves that they did. Pure.

KORE: `kore-signature` is the SHA-256, in hexadecimal, of secret, method, address and body put
together; the address without query and fragment, a JSON body without blanks between its parts.
Twilio: `x-twilio-signature` is the base64 of an HMAC-SHA1, keyed by the auth token, over the whole
address and every form parameter with its value, sorted. Both cover the hook's own address, so an
account without `hook_url` believes nothing. An account at KORE that has no secret sends an empty
signature; that is not believed either.

The names of the parameters are in no contract, so a SIM is found by the shape of its SID. That is
enough: whatever is heard is a reason to read back.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha1, sha256
from hmac import compare_digest, new
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from fairlead.connectors._kit.reading import Fields, as_list, as_object
from fairlead.connectors.kore.account import Signer
from fairlead.connectors.kore.sids import is_command, is_sim
from fairlead.engine.ports.carrier import BadSignature, Heard, ProviderId, Secret

_LONGEST: Final = 1_000_000
_KEPT: Final = 2_000
_TOKENS: Final = ("kore-idempotency-token", "i-twilio-idempotency-token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """One account's hook."""

    signs: Signer
    url: str
    secret: Secret | None

    def heard(self, headers: Mapping[str, str], body: bytes) -> tuple[Heard, ...]:
        """The events of one request. Raises `BadSignature`."""
        if not self.url or self.secret is None or not self.secret.reveal():
            raise BadSignature("the account has no hook_url or no webhook_secret, so nothing proves a sender")
        if len(body) > _LONGEST:
            raise BadSignature(f"expected at most {_LONGEST} bytes")
        json = "json" in headers.get("content-type", "")
        self._prove(headers, body, json=json)
        event = next((headers[name] for name in _TOKENS if headers.get(name)), "")[:200]
        if not json:
            return (_of_pairs(_pairs(body), event),)
        return tuple(_of_json(one, event) for one in _events(body))

    def _prove(self, headers: Mapping[str, str], body: bytes, *, json: bool) -> None:
        if self.signs == "twilio":
            given, wanted = headers.get("x-twilio-signature", ""), [self.twilio(body)]
        else:
            wanted = [self.kore(body), *([self.kore(_compact(body))] if json else [])]
            given = headers.get("kore-signature", "")
        if not any(compare_digest(given.encode(), one.encode()) for one in wanted):
            raise BadSignature("the signature does not fit the body and this account's hook")

    def kore(self, body: bytes) -> str:
        """KORE's signature of a POST with that body."""
        address = self.url.partition("#")[0].partition("?")[0]
        return sha256(self._secret() + b"POST" + address.encode() + body).hexdigest()

    def twilio(self, body: bytes) -> str:
        """Twilio's signature of a POST of that form."""
        parameters = "".join(name + value for name, value in sorted(set(_pairs(body))))
        digest = new(self._secret(), (self.url + parameters).encode(), sha1).digest()
        return b64encode(digest).decode()

    def _secret(self) -> bytes:
        return self.secret.reveal().encode() if self.secret is not None else b""


def _pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body), errors="strict")
    except ValueError as bad:
        raise BadSignature("expected a form") from bad


def _compact(body: bytes) -> bytes:
    try:
        return msgspec.json.encode(msgspec.json.decode(body))
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError, UnicodeError, ValueError) as bad:
        raise BadSignature("expected JSON") from bad


def _events(body: bytes) -> list[object]:
    """The events of an event stream, or the one of a callback."""
    value: object = msgspec.json.decode(_compact(body))
    several = as_list(value)
    return [one for one in ([value] if several is None else several) if as_object(one) is not None]


def _of_pairs(pairs: list[tuple[str, str]], event: str) -> Heard:
    status = next((value for name, value in pairs if name.lower().endswith("status")), "")
    raw = "&".join(f"{name}={value}" for name, value in pairs)[:_KEPT]
    return _heard([value for _, value in pairs], status, raw, event)


def _of_json(value: object, event: str) -> Heard:
    """One CloudEvent: its own id and type, and whatever SIDs stand in its data."""
    fields = Fields(as_object(value) or {}, [])
    texts = [text for name in ("data", "subject") for text in _texts(fields.value(name), depth=4)]
    word = fields.text("type") or "unknown"
    raw = msgspec.json.encode(value).decode()[:_KEPT]
    return _heard(texts, word, raw, fields.text("id")[:200] or event)


def _texts(value: object, *, depth: int) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = as_object(value)
    parts = list(inner.values()) if inner is not None else as_list(value) or []
    return [text for part in parts if depth for text in _texts(part, depth=depth - 1)]


def _heard(texts: list[str], word: str, raw: str, event: str) -> Heard:
    sim = next((text for text in texts if is_sim(text)), None)
    command = next((text for text in texts if is_command(text)), None)
    kind = "sms" if command else "state" if sim else "unknown"
    return Heard(kind=kind, word=word[:200] or "unknown", raw=raw, sim=ProviderId(sim) if sim else None, event=event)
