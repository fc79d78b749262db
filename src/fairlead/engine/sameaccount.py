"""Whether two accounts are the same one at the carrier: its SIMs would be read, changed and counted twice.

`engine.carriers` asks before an account is kept. Credentials are opened for the comparison and for nothing else; no
value made from them is stored. What a carrier's credential does not tell is not known: another key of the same
operator, where a key names nobody, is another account as far as this can see.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fairlead.engine.ports.carrier import Manifest
from fairlead.engine.ports.fleet import SealedAccount
from fairlead.engine.sealing import CannotOpen, Place, Sealer
from fairlead.model.ids import AccountId, TenantId

Known = tuple[str, ...]  # what tells an account from all others


class SameAccount(Exception):
    """The tenant keeps this account already; names which it is."""

    def __init__(self, name: str, carrier: str) -> None:
        super().__init__(f"{name} is the same account at {carrier}")
        self.name = name
        self.carrier = carrier


def identity(manifest: Manifest, config: Mapping[str, Any], credential: Mapping[str, str] | None) -> Known | None:
    """What tells the account from all others; None where nothing does yet."""
    own = manifest.identity
    given = dict(credential or {})
    settings = [_setting(config, path) for path in own.settings]
    if any(name not in given for name in own.fields) or not (own.fields or any(settings)):
        return None
    address = str(config.get("base_url") or manifest.base_url).casefold()
    host = address.partition("://")[2].partition("/")[0]  # a version of the interface stands in the path
    return (own.realm, host, str(config.get("kind", "")), *(given[name] for name in own.fields), *settings)


def refuse_same(
    manifest: Manifest, mine: Known | None, others: Sequence[SealedAccount], *,
    manifests: Mapping[str, Manifest], sealer: Sealer, tenant: TenantId, but: AccountId | None = None,
) -> None:  # fmt: skip
    """Raises `SameAccount` where one of the others is this account; `but` is the account itself."""
    if mine is None:
        return
    for other in others:
        known = manifests.get(other.connector)
        if other.id == but or known is None or known.identity.realm != manifest.identity.realm:
            continue
        try:
            opened = _opened(sealer, tenant, other)
        except CannotOpen:
            continue  # whoever lost its key has to give it anew, and is compared then
        if identity(known, other.config, opened) == mine:
            raise SameAccount(other.name, manifest.name)


def place_of(tenant: TenantId, account: AccountId) -> Place:
    """Where an account's credential is sealed."""
    return Place(tenant=tenant, table="account", row=str(account), column="credential")


def _opened(sealer: Sealer, tenant: TenantId, one: SealedAccount) -> dict[str, str] | None:
    if one.credential is None:
        return None
    found: dict[str, str] = json.loads(sealer.open(bytes(one.credential).decode(), place_of(tenant, one.id)))
    return found


def _setting(config: Mapping[str, Any], path: str) -> str:
    value: Any = config
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return "" if value is None else str(value)  # pyright: ignore[reportUnknownArgumentType]
