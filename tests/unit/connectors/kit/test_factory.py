from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import pytest

from fairlead.connectors._kit.factory import (
    AccountConfig,
    BadAddress,
    MissingCredential,
    http_of,
    instance_of,
    read_address,
)
from fairlead.connectors._kit.http import Call
from fairlead.connectors.soracom.factory import FACTORY
from fairlead.engine.carriers import AccountRefused, Carriers
from fairlead.engine.ports.carrier import BucketKey, BucketLevel, Credential, Secret
from fairlead.model.ids import AccountId, TenantId


class Levels:
    async def load(self, key: BucketKey) -> BucketLevel | None:
        return None

    async def save(self, key: BucketKey, level: BucketLevel) -> bool:
        return True


@pytest.mark.parametrize("names", [[], ["auth_key_id"], ["auth_key_id", "auth_key", "pin"]])
def test_a_credential_must_have_the_manifests_fields(names: list[str]) -> None:
    config = AccountConfig(tenant=TenantId(UUID(int=1)), account=AccountId(UUID(int=2)), name="x")
    credential = Credential(fields={name: Secret("swordfish") for name in names})
    with pytest.raises(MissingCredential, match="auth_key") as refusal:
        FACTORY.open(config, credential, httpx.AsyncClient(), Levels(), now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    assert "swordfish" not in str(refusal.value)


@pytest.mark.parametrize(
    "address",
    ["https://g.api.soracom.io/v1", "http://127.0.0.1:4010", "http://[::1]:4010/v1", "http://localhost/"],
)
def test_addresses_that_secrets_may_go_to(address: str) -> None:
    assert read_address(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "http://carrier.example/v1",
        "http://127.0.0.1.carrier.example",
        "https://user:pw@carrier.example",
        "https://carrier.example/?a=1",
        "https://carrier.example/#x",
        "ftp://carrier.example",
        "https://",
        "carrier.example",
        "http://[::1",
        "https://carrier.example:port",
        "",
    ],
)
def test_addresses_that_they_may_not(address: str) -> None:
    with pytest.raises(BadAddress, match="base_url"):
        read_address(address)


MANIFEST = replace(FACTORY.manifest, auth_optional=("webhook_secret",), auth_url="https://login.example")
WITH_MORE = {"auth_key_id": "a", "auth_key": "b", "webhook_secret": "c"}


class Sealing:
    def seal(self, text: bytes, place: object) -> Any:
        return text.decode()


def test_an_optional_secret_may_be_given_and_left_out_here_and_where_accounts_are_kept() -> None:
    config = AccountConfig(tenant=TenantId(UUID(int=1)), account=AccountId(UUID(int=2)), name="x")
    accounts = Carriers(None, Sealing(), {"soracom": MANIFEST})  # type: ignore[arg-type]
    needed = {name: value for name, value in WITH_MORE.items() if name != "webhook_secret"}
    for given in (WITH_MORE, needed):
        instance_of(MANIFEST, config, Credential(fields={name: Secret(value) for name, value in given.items()}))
        assert accounts._sealed(config.tenant, config.account, "soracom", given)
    with pytest.raises(AccountRefused, match="webhook_secret"):
        accounts._sealed(config.tenant, config.account, "soracom", {**WITH_MORE, "colour": "red"})


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        ({}, "https://login.example/token"),
        ({"base_url": "https://mirror.example"}, "https://mirror.example/token"),
        ({"base_url": "https://mirror.example", "auth_url": "https://door.example"}, "https://door.example/token"),
    ],
)
async def test_handshakes_follow_an_account_that_is_elsewhere(settings: dict[str, str], asked: str) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(200, json={})

    config = AccountConfig(tenant=TenantId(UUID(int=1)), account=AccountId(UUID(int=2)), name="x", **settings)
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        door = http_of(
            MANIFEST, config, Credential(fields={}), http=client, buckets=Levels(), real=lambda: datetime.now(UTC)
        )
        await door.call(Call(method="POST", path="/token", call_class="auth"))
    assert seen == [asked]


async def test_an_account_without_a_setting_that_nobody_can_guess_is_refused() -> None:
    manifest = replace(MANIFEST, base_url="", required_settings=("base_url",))
    accounts = Carriers(None, Sealing(), {"soracom": manifest})  # type: ignore[arg-type]
    asked: dict[str, Any] = {
        "name": "x", "connector": "soracom", "carrier": "x", "home_country": None, "credential": None,
        "iccid_digits": None, "staleness_s": None, "now": datetime(2026, 3, 1, tzinfo=UTC),
    }  # fmt: skip
    for config in ({}, {"base_url": ""}, {"limits": {}}):
        with pytest.raises(AccountRefused, match="base_url"):
            await accounts.add(None, config=config, **asked)  # type: ignore[arg-type]
    account = SimpleNamespace(connector="soracom", id=AccountId(UUID(int=2)), name="x", version=1)
    with pytest.raises(AccountRefused, match="base_url"):
        await accounts.change(None, account, {"config": {}}, version=1, now=asked["now"])  # type: ignore[arg-type]
