"""One account once: whoever adds the same account of a carrier again is told which one it is already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from tests.contract.bench import TENANT, Bench
from tests.contract.benches import BENCHES

from fairlead.engine.carriers import Carriers
from fairlead.engine.fleet import Actor
from fairlead.engine.ports.fleet import LookAtAccounts, NewAccount, SealedAccount
from fairlead.engine.sameaccount import SameAccount
from fairlead.engine.sealing import Keyring, Sealer
from fairlead.model.device import Account
from fairlead.model.ids import AccountId, TenantId

needs = pytest.mark.needs
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OTHER = TenantId(UUID(int=9))
MANIFESTS = {one.factory.manifest.id: one.factory.manifest for one in BENCHES.values()}


@dataclass
class Shelf:
    """Accounts as the store keeps them, behind a wall for each tenant."""

    kept: dict[TenantId, list[SealedAccount]] = field(default_factory=dict)

    async def add_account(
        self, tenant: TenantId, account: NewAccount, *, look: LookAtAccounts, **_: object
    ) -> bool:  # fmt: skip
        mine = self.kept.setdefault(tenant, [])
        look(mine)
        mine.append(
            SealedAccount(
                id=account.id, name=account.name, connector=account.connector, config=account.config,
                credential=account.credential,
            )
        )  # fmt: skip
        return True

    async def change_account(
        self, tenant: TenantId, account: AccountId, changes: Mapping[str, Any], *, look: LookAtAccounts | None = None,
        **_: object,
    ) -> bool:  # fmt: skip
        mine = self.kept[tenant]
        assert look is not None
        look(mine)
        self.kept[tenant] = [replace(one, **changes) if one.id == account else one for one in mine]
        return True

    async def credential(self, tenant: TenantId, account: AccountId) -> bytes | None:
        return next(one.credential for one in self.kept[tenant] if one.id == account)

    async def accounts(self, tenant: TenantId) -> Sequence[Account]:
        return [
            Account(
                id=one.id, name=one.name, connector=one.connector, carrier="c", home_country=None, config=one.config,
                has_credential=one.credential is not None, iccid_digits=None, staleness_s=0, created_at=NOW,
                updated_at=NOW, version=1, swept_at=None, failing_since=None, failure=None,
            )
            for one in self.kept.get(tenant, [])
        ]  # fmt: skip


@dataclass
class Office:
    """Somebody who adds accounts of one carrier."""

    bench: Bench
    sealer: Sealer = field(default_factory=lambda: Sealer(Keyring(current="", keys={}).rotated()))
    shelf: Shelf = field(default_factory=Shelf)

    def __post_init__(self) -> None:
        self.carriers = Carriers(self.shelf, self.sealer, MANIFESTS)  # type: ignore[arg-type]
        self.config = {
            "base_url": "https://carrier.example/v1",
            "kind": self.bench.account_kind,
            **self.bench.account_settings,
        }
        for name in self.bench.manifest.required_settings:
            self.config.setdefault(name, f"0123-{name}")

    async def add(
        self, name: str, *, tenant: TenantId = TENANT, secrets: Mapping[str, str] | None = None, **config: Any
    ) -> Account | None:
        return await self.carriers.add(
            Actor(tenant=tenant, name="usr_test"), name=name, connector=self.bench.manifest.id, carrier="c",
            home_country=None, config={**self.config, **config},
            credential={**self.bench.secrets, **(secrets or {})}, iccid_digits=None, staleness_s=None, now=NOW,
        )  # fmt: skip

    async def edit(self, name: str, **changes: Any) -> bool:
        account = await self.carriers.account(TENANT, name)
        assert account is not None
        actor = Actor(tenant=TENANT, name="usr_test")
        return await self.carriers.change(actor, account, changes, version=account.version, now=NOW)

    def another(self) -> dict[str, Any]:
        """What makes it another account: another name at the carrier, or another place."""
        own = self.bench.manifest.identity
        if own.fields:
            return {"secrets": {own.fields[0]: self.bench.secrets[own.fields[0]] + "-b"}}
        return {"files": {**self.config["files"], "folder": "another"}}


async def test_one_account_once(bench: Bench) -> None:
    office = Office(bench)
    await office.add("first")
    with pytest.raises(SameAccount) as refused:
        await office.add("second")
    assert (refused.value.name, refused.value.carrier) == ("first", bench.manifest.name)
    assert not any(secret in str(refused.value) for secret in bench.secrets.values())
    with pytest.raises(SameAccount):  # another version of the interface, and what is no name of the account
        await office.add("second", base_url="https://CARRIER.example/v2", limits={})
    await office.add("second", **office.another())
    await office.add("first", tenant=OTHER)
    assert [len(kept) for kept in office.shelf.kept.values()] == [2, 1]


async def test_an_account_cannot_become_another_that_is_kept(bench: Bench) -> None:
    office = Office(bench)
    await office.add("first")
    await office.add("second", **office.another())
    first = office.config
    with pytest.raises(SameAccount) as refused:
        await office.edit("second", credential=dict(bench.secrets), config=first)
    assert refused.value.name == "first"
    assert await office.edit("first", credential=dict(bench.secrets), config={**first, "limits": {}})  # itself


async def test_a_secret_that_changes_is_no_name_of_an_account(bench: Bench) -> None:
    changing = set(bench.manifest.auth_fields) - set(bench.manifest.identity.fields)
    office = Office(bench)
    await office.add("first")
    for name in changing:
        with pytest.raises(SameAccount):
            await office.add("second", secrets={name: "rotated-since"})


@needs(has_key=True)
async def test_an_account_without_a_credential_is_compared_when_it_gets_one(bench: Bench) -> None:
    office = Office(bench)
    for name in ("first", "second"):
        await office.carriers.add(
            Actor(tenant=TENANT, name="usr_test"), name=name, connector=bench.manifest.id, carrier="c",
            home_country=None, config=office.config, credential=None, iccid_digits=None, staleness_s=None, now=NOW,
        )  # fmt: skip
    assert await office.edit("first", credential=dict(bench.secrets))
    with pytest.raises(SameAccount):
        await office.edit("second", credential=dict(bench.secrets))


def test_both_interfaces_of_one_carrier_are_one_realm() -> None:
    realms = {name: one.identity.realm for name, one in MANIFESTS.items()}
    assert realms["onence"] == realms["onence-v2"]
    assert len(set(realms.values())) == len(realms) - 1


@needs(has_key=True)
async def test_what_this_keyring_cannot_open_is_compared_with_nothing(bench: Bench) -> None:
    office = Office(bench)
    await office.add("first")
    lost = Office(bench, shelf=office.shelf)  # another keyring
    assert await lost.add("second") is not None
