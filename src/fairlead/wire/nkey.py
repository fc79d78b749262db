"""NATS keys and signed tokens: how an nkey is spelt, and JWTs signed with one.

`embedded.nats` makes the issuer's key here; `edge.mqtt.callout` reads a server's question and
signs the answer. An nkey is an Ed25519 key in base32 with a letter for its role (A account,
N server, U user; seeds start with S) and a CRC-16 at the end. Tokens are JWTs whose algorithm
NATS calls `ed25519-nkey` and whose issuer *is* the key that verifies them, so the caller must
still ask whether that issuer is one it trusts. Formats: NATS ADR-14 and ADR-26, nkeys README.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, unique
from typing import Any, Final, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_SEED: Final = 18 << 3  # the letter S
_HEADER: Final = {"typ": "JWT", "alg": "ed25519-nkey"}
_KEY_BYTES: Final = 32
_CHECKSUM_BYTES: Final = 2
_TOKEN_LIMIT_BYTES: Final = 65_536


class NkeyError(ValueError):
    """Text that is not an nkey, or not a token signed by the key it names. Never quotes the text: it may be secret."""


@unique
class Role(IntEnum):
    """What a key belongs to; the value is the first byte of its text form."""

    ACCOUNT = 0 << 3
    SERVER = 13 << 3
    USER = 20 << 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A private key and its public name."""

    public: str
    private: Ed25519PrivateKey = field(repr=False)


def write_seed(raw: bytes, role: Role) -> str:
    """Spell 32 random bytes as a seed of this role."""
    if len(raw) != _KEY_BYTES:
        raise NkeyError(f"a seed has {_KEY_BYTES} bytes, not {len(raw)}")
    return _spell(bytes((_SEED | role >> 5, (role & 31) << 3)) + raw)


def read_seed(seed: str) -> Signer:
    """Read a seed into the key pair it stands for; raises `NkeyError`."""
    body = _unspell(seed)
    if len(body) != _KEY_BYTES + 2 or body[0] & 0xF8 != _SEED:
        raise NkeyError("this is not a seed: expected 58 letters starting with S")
    role = ((body[0] & 7) << 5) | (body[1] >> 3)
    if role not in set(Role):
        raise NkeyError("this seed belongs to no role known here: expected account, server or user")
    private = Ed25519PrivateKey.from_private_bytes(body[2:])
    return Signer(public=write_public(private.public_key().public_bytes_raw(), Role(role)), private=private)


def write_public(raw: bytes, role: Role) -> str:
    """Spell a public key of this role."""
    return _spell(bytes((role,)) + raw)


def read_public(text: str, role: Role) -> Ed25519PublicKey:
    """Read a public key that must have this role; raises `NkeyError`."""
    body = _unspell(text)
    if len(body) != _KEY_BYTES + 1 or body[0] != role:
        raise NkeyError(f"this is not the public key of a NATS {role.name.lower()}")
    return Ed25519PublicKey.from_public_bytes(body[1:])


def sign_token(claims: Mapping[str, Any], signer: Signer, *, issued_at: int) -> str:
    """Sign claims as a JWT; adds `iss`, `iat` (seconds since 1970) and `jti`, the digest of the rest."""
    full = {**claims, "iss": signer.public, "iat": issued_at}
    digest = hashlib.sha256(json.dumps(full, sort_keys=True).encode()).digest()
    full["jti"] = base64.b32encode(digest).decode("ascii").rstrip("=")
    signed = f"{_part(_HEADER)}.{_part(full)}"
    return f"{signed}.{_url(signer.private.sign(signed.encode('ascii')))}"


def read_token(token: bytes, role: Role) -> dict[str, Any]:
    """The claims of a JWT, verified with the key that its `iss` names, which must have this role."""
    if len(token) > _TOKEN_LIMIT_BYTES:
        raise NkeyError(f"a token of {len(token)} bytes is too long")
    signed, _, signature = token.rpartition(b".")
    head, dot, body = signed.partition(b".")
    if not dot:
        raise NkeyError("a token has three parts")
    header, claims = _object(head), _object(body)
    if header.get("alg") != _HEADER["alg"]:
        raise NkeyError("a token must be signed with ed25519-nkey")
    key = read_public(str(claims.get("iss", "")), role)
    try:
        key.verify(_unurl(signature), signed)
    except InvalidSignature:
        raise NkeyError("the token's signature does not fit its issuer") from None
    return claims


def _spell(body: bytes) -> str:
    checksum = binascii.crc_hqx(body, 0).to_bytes(_CHECKSUM_BYTES, "little")  # CRC-16/XMODEM
    return base64.b32encode(body + checksum).decode("ascii").rstrip("=")


def _unspell(text: str) -> bytes:
    try:
        raw = base64.b32decode(text + "=" * (-len(text) % 8))
    except ValueError:
        raise NkeyError("this is not base32") from None
    body, checksum = raw[:-_CHECKSUM_BYTES], raw[-_CHECKSUM_BYTES:]
    if binascii.crc_hqx(body, 0).to_bytes(_CHECKSUM_BYTES, "little") != checksum or _spell(body) != text:
        raise NkeyError("this key's checksum is wrong")
    return body


def _url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _part(value: Mapping[str, Any]) -> str:
    return _url(json.dumps(value, separators=(",", ":")).encode())


def _unurl(text: bytes) -> bytes:
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise NkeyError("a part of the token is not base64url") from None


def _object(text: bytes) -> dict[str, Any]:
    try:
        value: object = json.loads(_unurl(text))
    except (ValueError, RecursionError):
        raise NkeyError("a part of the token is not JSON") from None
    if not isinstance(value, dict):
        raise NkeyError("a part of the token is not an object")
    return cast("dict[str, Any]", value)
