"""Whose account it is: where it is called, how it proves itself, and how its webhooks are signed.

KORE took both products over from Twilio, with paths, forms, pages and errors as they were. What
differs is the address, the handshake and the signature, so a kind is these three and nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from fairlead.connectors._kit.entry import Entry, Pass, Renewed, Standing, basic, oauth2_pass
from fairlead.connectors._kit.factory import AccountConfig, UnknownKind, read_address
from fairlead.connectors._kit.http import Call, Http
from fairlead.engine.ports.carrier import Credential

TOKEN_LIFETIME: Final = timedelta(hours=1)  # where the reply does not say; the contract's example
Signer = Literal["kore", "twilio"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One way to be called."""

    signs: Signer
    tokens: bool  # OAuth 2 client credentials; False: HTTP Basic
    base_url: str = ""  # empty: the manifest's


def kinds(twilio: str) -> Mapping[str, Kind]:
    """The kinds of account by name, the first one the default; `twilio` is the product's address there."""
    return {
        "kore": Kind(signs="kore", tokens=True),
        "kore-basic": Kind(signs="kore", tokens=False),
        "twilio": Kind(signs="twilio", tokens=False, base_url=twilio),
    }


def kind_of(known: Mapping[str, Kind], config: AccountConfig) -> Kind:
    """The kind of an account. Raises `UnknownKind`."""
    name = config.kind or next(iter(known))
    if name not in known:
        raise UnknownKind(f"kind {name!r}: expected one of {', '.join(known)}")
    return known[name]


def addressed(kind: Kind, config: AccountConfig) -> AccountConfig:
    """The settings with the kind's address, where the account names none. Raises `BadAddress`."""
    if config.hook_url:
        read_address(config.hook_url.partition("#")[0].partition("?")[0])
    return replace(config, base_url=config.base_url or kind.base_url)


def entry_of(kind: Kind, http: Http, credential: Credential, *, real: Callable[[], datetime]) -> Entry:
    """What every call of the account goes through."""
    user, secret = credential.fields["key_id"], credential.fields["key_secret"]
    if not kind.tokens:
        return Standing(http, basic(user.reveal(), secret))

    async def fetch() -> Pass:
        asked_at = real()
        form = {"grant_type": "client_credentials", "client_id": user.reveal(), "client_secret": secret.reveal()}
        answer = await http.call(Call(method="POST", path="/v1/auth/token", call_class="auth", form=form))
        return oauth2_pass(answer, asked_at, default=TOKEN_LIFETIME, what="POST /v1/auth/token")

    return Renewed(http, fetch, real=real)
