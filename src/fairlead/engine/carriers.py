"""Carrier accounts: which connector, which account, and the credential, sealed before it is stored.

A connector instance is (carrier, account, credential). The credential goes in once and never comes
back out of a door; whoever builds the connector instance asks `credential`. An account with the
connector `none` is a carrier without an interface: its SIMs come by import and its subscriptions
are changed by people.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from fairlead.engine.fleet import Actor
from fairlead.engine.journal import entry
from fairlead.engine.mint import uuid7
from fairlead.engine.ports.carrier import (
    BucketKey,
    BucketStore,
    CallClass,
    Credential,
    Limit,
    Manifest,
    Secret,
    tokens_at,
)
from fairlead.engine.ports.fleet import FleetStore, LookAtAccounts, NewAccount, SealedAccount
from fairlead.engine.sameaccount import Known, identity, place_of, refuse_same
from fairlead.engine.sealing import CannotOpen, Sealer
from fairlead.model.device import Account
from fairlead.model.ids import AccountId, TenantId
from fairlead.model.journal import Action, Entry, Json, Subject
from fairlead.model.subscription import Verb, VerbCapability, capability

NO_CONNECTOR: Final = "none"


class AccountRefused(Exception):
    """An account cannot be kept so: names the field, the value and what was expected."""

    def __init__(self, field: str, value: object, expected: str) -> None:
        super().__init__(f"{field}: expected {expected}")
        self.field = field
        self.value = value
        self.expected = expected


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLeft:
    """One bucket of an account: how many calls of a class it may still make."""

    call_class: CallClass
    left: float  # tokens; below zero is debt after the carrier said "not before"
    capacity: int
    per_second: float
    full_at: datetime  # when it is full again, real time
    used_at: datetime | None  # when it was last drawn from, real time; None: never


Settings = Callable[[str, Mapping[str, Any]], None]  # connector and settings; raises ValueError that names the place
Limits = Callable[[object], Mapping[CallClass, Limit]]  # an account's own budgets, as its settings say them


class Carriers:
    """The carrier accounts of every tenant."""

    def __init__(
        self, store: FleetStore, sealer: Sealer, manifests: Mapping[str, Manifest], *,
        buckets: BucketStore | None = None, limits: Limits | None = None, settings: Settings | None = None,
        tiers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """`buckets`: where budgets are kept; `limits`: how an account's own are read. Without them none is told.

        `settings` reads an account's settings before they are kept; `tiers` says how far connectors are proved.
        """
        self._settings = settings
        self._tiers = tiers or {}
        self._store = store
        self._sealer = sealer
        self._manifests = manifests
        self._buckets = buckets
        self._limits = limits

    def connectors(self) -> list[Manifest]:
        """All that an account may name beside `none`, by id."""
        return [self._manifests[one] for one in sorted(self._manifests)]

    def tier(self, connector: str) -> str:
        """How far a connector has been proved: none, bronze, silver, gold or platinum."""
        return self._tiers.get(connector, "none")

    def capabilities(self, account: Account) -> Mapping[Verb, VerbCapability]:
        """What can be asked of an account, every verb by name; none where it has no connector."""
        manifest = self._manifests.get(account.connector)
        return {} if manifest is None else {verb: capability(manifest.capabilities, verb) for verb in Verb}

    def hears(self, account: Account) -> bool:
        """Whether its carrier can tell it something unasked."""
        manifest = self._manifests.get(account.connector)
        return manifest is not None and manifest.webhook != "none"

    async def budgets(self, tenant: TenantId, account: Account, real_now: datetime) -> list[BudgetLeft]:
        """What is left of each bucket, as last saved: a process may hold a quarter of a second's worth more."""
        manifest = self._manifests.get(account.connector)
        if manifest is None or self._buckets is None:
            return []
        limits = dict(manifest.limits) | dict(self._own_limits(account))
        found: list[BudgetLeft] = []
        for call_class, limit in limits.items():
            level = await self._buckets.load(BucketKey(tenant=tenant, account=account.id, call_class=call_class))
            left = tokens_at(level, limit, real_now)
            missing = timedelta(seconds=max(0.0, limit.burst - left) / limit.per_second)
            found.append(
                BudgetLeft(
                    call_class=call_class, left=left, capacity=limit.burst, per_second=limit.per_second,
                    full_at=real_now + missing, used_at=level.at if level else None,
                )
            )  # fmt: skip
        return found

    def _own_limits(self, account: Account) -> Mapping[CallClass, Limit]:
        """Those of its settings; none where they cannot be read, which its connector then says when it opens."""
        if self._limits is None:
            return {}
        try:
            return self._limits(account.config.get("limits", {}))
        except ValueError:
            return {}

    async def accounts(self, tenant: TenantId) -> list[Account]:
        """All accounts by name."""
        return list(await self._store.accounts(tenant))

    async def account(self, tenant: TenantId, name: str) -> Account | None:
        """One account by name."""
        return next((one for one in await self._store.accounts(tenant) if one.name == name), None)

    async def add(
        self, actor: Actor, *, name: str, connector: str, carrier: str, home_country: str | None,
        config: Mapping[str, Any], credential: Mapping[str, str] | None, iccid_digits: int | None,
        staleness_s: int | None, now: datetime,
    ) -> Account | None:  # fmt: skip
        """Keep a new account; None when the name is taken. Raises `AccountRefused` and `SameAccount`."""
        manifest = self._manifest(connector)
        self._has_settings(manifest, config)
        self._check(connector, config)
        account = AccountId(uuid7(now))
        known_as = identity(manifest, config, credential) if manifest else None
        known = int(manifest.capabilities.state_staleness.total_seconds()) if manifest else 0
        new = NewAccount(
            id=account, name=name, connector=connector, carrier=carrier, home_country=home_country, config=config,
            credential=self._sealed(actor.tenant, account, connector, credential), iccid_digits=iccid_digits,
            staleness_s=staleness_s if staleness_s is not None else known,
        )  # fmt: skip
        said: dict[str, Json] = {"connector": connector, "carrier": carrier, "credential": credential is not None}
        said |= _writes({}, config)
        line = self._line(actor, name, Action.CARRIER_ADDED, now, said)
        look = self._look(actor, manifest, known_as)
        if not await self._store.add_account(actor.tenant, new, now=now, entries=(line,), look=look):
            return None
        return await self.account(actor.tenant, name)

    async def change(
        self, actor: Actor, account: Account, changes: Mapping[str, Any], *, version: int, now: datetime
    ) -> bool:
        """Change an account; False when it was edited since `version`. Raises `AccountRefused`, `SameAccount`."""
        columns = dict(changes)
        if "config" in columns:
            self._has_settings(self._manifest(account.connector), columns["config"])
        if "credential" in columns:
            columns["credential"] = self._sealed(actor.tenant, account.id, account.connector, columns["credential"])
        if "config" in columns:
            self._check(account.connector, columns["config"])
        if not columns:
            return version == account.version
        look = None
        if {"config", "credential"} & columns.keys():
            config = columns.get("config", account.config)
            look = await self._look_again(
                actor, account, config, changes.get("credential"), kept="credential" not in changes
            )
        said: dict[str, Json] = {"changed": sorted(columns)}
        if "config" in columns:
            said |= _writes(account.config, columns["config"])
        lines = [self._line(actor, account.name, Action.CARRIER_CHANGED, now, said)]
        if "credential" in columns:
            lines.append(self._line(actor, account.name, Action.SECRET_SEALED, now, {}))
        return await self._store.change_account(
            actor.tenant, account.id, columns, version=version, now=now, entries=lines, look=look
        )

    async def _look_again(
        self, actor: Actor, account: Account, config: Mapping[str, Any], credential: Mapping[str, str] | None, *,
        kept: bool,
    ) -> LookAtAccounts:  # fmt: skip
        """As the account would be known after the changes; `kept`: with the credential it has."""
        manifest = self._manifest(account.connector)
        if kept and manifest is not None:
            with suppress(CannotOpen):
                credential = await self._opened(actor.tenant, account.id)
        known_as = identity(manifest, config, credential) if manifest else None
        return self._look(actor, manifest, known_as, but=account.id)

    def _look(
        self, actor: Actor, manifest: Manifest | None, known_as: Known | None, *, but: AccountId | None = None
    ) -> LookAtAccounts:
        def look(others: Sequence[SealedAccount]) -> None:
            if manifest is not None:
                refuse_same(
                    manifest, known_as, others, manifests=self._manifests, sealer=self._sealer, tenant=actor.tenant,
                    but=but,
                )  # fmt: skip

        return look

    async def credential(self, tenant: TenantId, account: AccountId) -> Credential | None:
        """The opened credential, for whoever builds the connector instance. Raises `CannotOpen`."""
        opened = await self._opened(tenant, account)
        return None if opened is None else Credential(fields={name: Secret(text) for name, text in opened.items()})

    async def _opened(self, tenant: TenantId, account: AccountId) -> dict[str, str] | None:
        sealed = await self._store.credential(tenant, account)
        if sealed is None:
            return None
        opened: dict[str, str] = json.loads(self._sealer.open(sealed.decode(), place_of(tenant, account)))
        return opened

    def _manifest(self, connector: str) -> Manifest | None:
        if connector == NO_CONNECTOR:
            return None
        if connector not in self._manifests:
            known = ", ".join(sorted({*self._manifests, NO_CONNECTOR}))
            raise AccountRefused("connector", connector, f"one of {known}")
        return self._manifests[connector]

    def _has_settings(self, manifest: Manifest | None, config: Mapping[str, Any]) -> None:
        missing = [name for name in manifest.required_settings if not config.get(name)] if manifest else []
        if missing:
            raise AccountRefused("config", sorted(config), f"the settings {', '.join(missing)}, which nobody can guess")

    def _check(self, connector: str, config: Mapping[str, Any]) -> None:
        if self._settings is not None:
            try:
                self._settings(connector, config)
            except ValueError as error:
                raise AccountRefused("config", dict(config), f"settings that can be read; {error}") from error

    def _sealed(
        self, tenant: TenantId, account: AccountId, connector: str, credential: Mapping[str, str] | None
    ) -> bytes | None:
        manifest = self._manifest(connector)
        if credential is None:
            return None
        wanted = set(manifest.auth_fields) if manifest else set[str]()
        optional = set(manifest.auth_optional) if manifest else set[str]()
        if set(credential) - optional != wanted:
            named = ", ".join(sorted(wanted)) or "nothing: this account has no connector"
            named += f"; if wanted {', '.join(sorted(optional))}" if optional else ""
            raise AccountRefused("credential", sorted(credential), f"the fields {named}")
        text = json.dumps(dict(credential), sort_keys=True).encode()
        return self._sealer.seal(text, place_of(tenant, account)).encode()

    def _line(self, actor: Actor, name: str, action: Action, now: datetime, payload: Mapping[str, Json]) -> Entry:
        return entry(
            tenant=actor.tenant, at=now, actor=actor.name, action=action, subject=Subject(kind="carrier", id=name),
            payload=payload,
        )  # fmt: skip


def _writes(before: Mapping[str, object], after: Mapping[str, Any]) -> dict[str, Json]:
    """What the journal says of a permission to write that was given or taken back."""
    if before.get("writes") == after.get("writes"):
        return {}
    return {"writes": "allowed" if after.get("writes") == "allowed" else "withdrawn"}
