"""Secrets that we hand out and recognise again: tokens, cookies, codes.

A secret's text is a kind prefix, the tenant in 26 letters, and 256 random bits: the tenant stands
in it so that a lookup can stay behind the tenant wall, and the prefix lets secret scanners find a
token that was pasted where it should not be. Only the SHA-256 of the whole text is kept; with 256
random bits no slow hash is needed.
"""

import hashlib
import secrets
from base64 import b32encode
from typing import Final, Literal
from uuid import UUID

from fairlead.model.ids import MalformedId, TenantId, read, show

Prefix = Literal["flt", "fls", "flc", "flo"]  # token, session cookie, one-time code, OIDC state

_SECRET_BYTES: Final = 32
_SECRET_LETTERS: Final = 52


def issue(prefix: Prefix, tenant: TenantId) -> str:
    """A new secret's text, such as `flt_<26 letters>_<52 letters>`."""
    return f"{prefix}_{show('ten', tenant).partition('_')[2]}_{random_text()}"


def random_text() -> str:
    """256 random bits in 52 letters and digits."""
    return b32encode(secrets.token_bytes(_SECRET_BYTES)).decode().rstrip("=").lower()


def tenant_of(prefix: Prefix, text: str) -> TenantId | None:
    """The tenant a secret claims to be of; None where the text is no secret of this kind."""
    found, _, rest = text.partition("_")
    letters, _, secret = rest.partition("_")
    if found != prefix or len(secret) != _SECRET_LETTERS or not text.isascii():
        return None
    try:
        tenant: UUID = read("ten", f"ten_{letters}")
    except MalformedId:
        return None
    return TenantId(tenant)


def digest(text: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(text.encode()).digest()


def csrf_of(cookie: str) -> str:
    """The value a page must send along with this session's cookie: derived, so nothing more is kept."""
    return hashlib.sha256(b"fairlead csrf v1\x00" + cookie.encode()).hexdigest()
