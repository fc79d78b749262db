from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest

from fairlead.connectors._kit.factory import AccountConfig, BadAddress, MissingCredential, read_address
from fairlead.connectors.soracom.factory import FACTORY
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
