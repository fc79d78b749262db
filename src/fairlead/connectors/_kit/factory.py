"""How wiring opens a connector: one factory a carrier, the same signature for all.

`wiring` keeps the factories in a table by manifest id, reads an account's settings and credential
from the store, and calls `open`. A connector holds no background task and nothing to close: the
HTTP client and the bucket store belong to whoever gave them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import httpx

from fairlead.connectors._kit.buckets import AccountBuckets, real_now
from fairlead.connectors._kit.http import Bounds, Http
from fairlead.connectors._kit.redact import Redactor
from fairlead.engine.ports.carrier import (
    BucketStore,
    CallClass,
    CarrierInstance,
    Connector,
    Credential,
    Limit,
    Manifest,
)
from fairlead.model.ids import AccountId, TenantId

NO_LENGTHS: Mapping[str, frozenset[int]] = {}
NO_SETTINGS: Mapping[str, Any] = {}


class MissingCredential(ValueError):
    """A credential without a field that the manifest asks for, or with one it does not know; names the field."""


class UnknownKind(ValueError):
    """A kind of account that the connector does not know; names those it does."""


class BadSetting(ValueError):
    """A setting of an account that its connector cannot use; names it, its value and what was expected."""

    def __init__(self, name: str, value: object, expected: str) -> None:
        super().__init__(f"{name}: expected {expected}, not {str(value)[:80]!r}")
        self.name = name


class BadAddress(ValueError):
    """A base address that secrets may not be sent to; says what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountConfig:
    """An account's settings, without its secrets."""

    tenant: TenantId
    account: AccountId
    name: str
    base_url: str = ""  # empty: the manifest's
    auth_url: str = ""  # where tokens are fetched; empty: the manifest's, or `base_url` where that one is given
    kind: str = ""  # whose account it is, where several carriers speak one contract; empty: the connector's first
    hook_url: str = ""  # where this account's webhook is reached from outside: some signatures cover it; empty: nowhere
    limits: Mapping[CallClass, Limit] = field(default_factory=dict[CallClass, Limit])  # where the contract grants more
    bounds: Bounds = field(default_factory=Bounds)
    patience: timedelta = timedelta(seconds=2)  # how long a call may wait for our own budget
    mnc_lengths: Mapping[str, frozenset[int]] = field(default_factory=lambda: NO_LENGTHS)  # MCC → MNC lengths there
    settings: Mapping[str, Any] = field(default_factory=lambda: NO_SETTINGS)  # all of the account's, as it was saved
    files_below: Path | None = None  # where the server lets accounts name folders; None: nowhere


class ConnectorFactory(Protocol):
    """A carrier's manifest and the way to open one account at it."""

    @property
    def manifest(self) -> Manifest:
        """What the connector can do."""
        ...

    def open(
        self,
        config: AccountConfig,
        credential: Credential,
        http: httpx.AsyncClient,
        buckets: BucketStore,
        *,
        now: Callable[[], datetime],
        real: Callable[[], datetime] = real_now,
    ) -> Connector:
        """Open an account. `now` is fleet time for what is observed; `real` is for budgets and carrier tokens."""
        ...


@runtime_checkable
class OwnSettings(Protocol):
    """A factory whose accounts have settings of their own, which also say what may be asked of them."""

    def verbs(self, config: Mapping[str, Any]) -> frozenset[str]:
        """What an account with these settings can do. Raises `ValueError` that names the place, for bad ones."""
        ...


def instance_of(manifest: Manifest, config: AccountConfig, credential: Credential) -> CarrierInstance:
    """The (carrier, account, credential) of a door; raises `MissingCredential`."""
    wanted, given = set(manifest.auth_fields), set(credential.fields)
    if wanted != given - set(manifest.auth_optional):
        raise MissingCredential(
            f"the credential for {manifest.id} has the fields {sorted(wanted)}, not {sorted(given)}"
        )
    return CarrierInstance(
        tenant=config.tenant,
        carrier=manifest.id,
        account=config.account,
        name=config.name,
        credential=credential,
    )


def http_of(
    manifest: Manifest,
    config: AccountConfig,
    credential: Credential,
    *,
    http: httpx.AsyncClient,
    buckets: BucketStore,
    real: Callable[[], datetime],
) -> Http:
    """One account's HTTP: shared connections, its own budgets, its own secrets kept out of sight.

    Raises `BadAddress`.
    """
    budgets = AccountBuckets(
        buckets,
        tenant=config.tenant,
        account=config.account,
        limits={**manifest.limits, **config.limits},
        patience=config.patience,
        now=real,
    )
    auth_url = config.auth_url or ("" if config.base_url else manifest.auth_url)
    return Http(
        http,
        base_url=read_address(config.base_url or manifest.base_url),
        auth_url=read_address(auth_url) if auth_url else "",
        buckets=budgets,
        redactor=Redactor(*credential.fields.values()),
        bounds=config.bounds,
    )


def read_address(text: str) -> str:
    """A base address: https, or http to this very machine (simulated carriers). Raises `BadAddress`."""
    expected = "an https address without user, query and fragment, or http to a loopback address"
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise BadAddress(f"base_url {text!r}: {error}; expected {expected}") from None
    plain = url.scheme == "http" and is_loopback(url.host)
    if not url.host or url.userinfo or url.query or url.fragment or not (url.scheme == "https" or plain):
        raise BadAddress(f"base_url {text!r}: expected {expected}")
    return text


def is_loopback(host: str) -> bool:
    """True for an address of this very machine, or its usual name."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
